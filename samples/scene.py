"""Who is drawn, from where and in what light: everything about a picture but its expression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Identity. Lengths in head units (1 = half a head's width, roughly), tones in 0 (black) to 1 (white)."""

    width: float
    chin: float  # where the chin ends
    jaw: float  # 2 = pointed, 4 = square
    eye_x: float
    eye_y: float
    eye_size: float
    eye_tilt: float
    iris: float
    brow_y: float
    brow_thick: float
    brow_arch: float
    brow_tilt: float
    nose_width: float
    nose_length: float
    nose_bridge: float
    mouth_y: float
    mouth_width: float
    mouth_corner: float
    lips: float
    age: float
    skin: float
    freckles: float
    hair: float
    hair_style: str  # bald, short, swept, fringe, long, curly
    hairline: float
    parting: float
    beard: float  # 0 none, to 0.4 stubble, to 1 full
    moustache: float
    glasses: str  # "", round, square
    lopsided: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Camera, light and what happens to be there. Angles in radians; light is a unit vector (right, down, to us)."""

    scale: float
    shift: tuple[float, float]
    roll: float
    yaw: float
    pitch: float
    gaze: float
    light: tuple[float, float, float]
    ambient: float
    shine: float
    exposure: float
    gamma: float
    contrast: float
    blur: float
    noise: float
    backdrop: float
    clothes: float
    hand: str  # "", chin, cheek, mouth, forehead
    side: int  # -1 or 1: from which side a hand comes


def meet(rng: np.random.Generator) -> Person:
    """Someone."""

    def about(mean: float, sd: float) -> float:
        return mean + sd * float(np.clip(rng.standard_normal(), -2.2, 2.2))

    skin = float(rng.uniform(0.3, 0.86))
    age = float(rng.beta(1.5, 2.2))
    style = str(
        rng.choice(["bald", "short", "swept", "fringe", "long", "curly"], p=[0.07, 0.24, 0.2, 0.13, 0.22, 0.14])
    )
    hair = float(
        np.clip(
            rng.choice([0.07, 0.16, 0.3, 0.55, 0.72], p=[0.34, 0.28, 0.18, 0.12, 0.08]) + about(0, 0.03), 0.03, 0.85
        )
    )
    hair = min(hair, skin + 0.1 if age < 0.6 else 0.8)
    bearded = style != "long" and rng.random() < 0.3
    return Person(
        width=about(0.88, 0.04),
        chin=about(1.2, 0.05),
        jaw=about(2.8, 0.4),
        eye_x=about(0.39, 0.02),
        eye_y=about(-0.22, 0.02),
        eye_size=about(1.0, 0.08),
        eye_tilt=about(0.012, 0.018),
        iris=float(rng.uniform(0.05, 0.4)),
        brow_y=about(-0.5, 0.025),
        brow_thick=about(0.055, 0.012),
        brow_arch=about(0.06, 0.025),
        brow_tilt=about(0.0, 0.025),
        nose_width=about(1.0, 0.12),
        nose_length=about(0.26, 0.03),
        nose_bridge=about(1.0, 0.2),
        mouth_y=about(0.66, 0.025),
        mouth_width=about(0.34, 0.025),
        mouth_corner=about(0.01, 0.015),
        lips=about(1.0, 0.22),
        age=age,
        skin=skin,
        freckles=float(rng.random() < 0.15),
        hair=hair,
        hair_style=style,
        hairline=about(-0.9, 0.06),
        parting=about(0.0, 0.15),
        beard=float(rng.uniform(0.2, 1.0)) if bearded else 0.0,
        moustache=float(rng.uniform(0.3, 0.9)) if bearded and rng.random() < 0.7 else 0.0,
        glasses=str(rng.choice(["", "round", "square"], p=[0.82, 0.09, 0.09])),
        lopsided=about(0.0, 0.02),
    )


def look(rng: np.random.Generator) -> View:
    """A picture being taken."""
    light = np.array([rng.normal(0, 0.55), rng.normal(-0.45, 0.35), 1.0])
    light /= np.linalg.norm(light)
    hand = str(rng.choice(["", "chin", "cheek", "mouth", "forehead"], p=[0.84, 0.05, 0.05, 0.03, 0.03]))
    return View(
        scale=float(rng.uniform(0.78, 0.98)),
        shift=(float(np.clip(rng.normal(0, 0.04), -0.1, 0.1)), float(np.clip(rng.normal(0, 0.04), -0.1, 0.1))),
        roll=float(np.clip(rng.normal(0, 0.09), -0.24, 0.24)),
        yaw=float(np.clip(rng.normal(0, 0.2), -0.45, 0.45)),
        pitch=float(np.clip(rng.normal(0, 0.08), -0.2, 0.2)),
        gaze=float(np.clip(rng.normal(0, 0.03), -0.06, 0.06)),
        light=(float(light[0]), float(light[1]), float(light[2])),
        ambient=float(rng.uniform(0.25, 0.55)),
        shine=float(rng.uniform(0.0, 0.22)),
        exposure=float(rng.uniform(0.85, 1.15)),
        gamma=float(np.exp(rng.normal(0, 0.12))),
        contrast=float(rng.uniform(0.1, 1.0)),
        blur=float(rng.uniform(0.0, 0.5)),
        noise=float(rng.uniform(1.0, 4.0)),
        backdrop=float(rng.uniform(0.08, 0.9)),
        clothes=float(rng.uniform(0.05, 0.85)),
        hand=hand,
        side=int(rng.choice([-1, 1])),
    )
