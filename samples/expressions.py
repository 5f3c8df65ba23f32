"""What the face does: the muscles of each expression, after Ekman and Friesen's action units (AU)."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """How strongly each muscle group is drawn, 0 (at rest) to about 1."""

    inner_brow: float = 0.0  # AU 1
    outer_brow: float = 0.0  # AU 2
    frown: float = 0.0  # AU 4: brows lowered and drawn together
    wide: float = 0.0  # AU 5: upper lid raised
    cheek: float = 0.0  # AU 6
    squint: float = 0.0  # AU 7
    wrinkle: float = 0.0  # AU 9: nose
    lip_raise: float = 0.0  # AU 10: upper lip
    smile: float = 0.0  # AU 12: corners up and out
    corners_down: float = 0.0  # AU 15
    chin_raise: float = 0.0  # AU 17
    stretch: float = 0.0  # AU 20: lips drawn sideways
    press: float = 0.0  # AU 24
    part: float = 0.0  # AU 25: lips apart
    jaw: float = 0.0  # AU 26, 27: jaw dropped
    droop: float = 0.0  # AU 43: upper lids sink
    teeth: float = 0.0
    gaze_down: float = 0.0


# Each expression comes in a few forms, with how often each is drawn.
_FORMS: dict[str, tuple[tuple[float, Action], ...]] = {
    "angry": (
        (3, Action(frown=1, wide=0.3, squint=0.5, press=0.9, corners_down=0.3)),
        (1, Action(frown=1, wide=0.4, squint=0.2, press=0.4, corners_down=0.5, chin_raise=0.4)),
        (2, Action(frown=1, squint=0.3, wide=0.3, lip_raise=0.5, part=0.7, teeth=1, stretch=0.3, wrinkle=0.2, jaw=0.3)),
    ),
    "disgust": (
        (3, Action(wrinkle=1, lip_raise=1, frown=0.5, squint=0.7, corners_down=0.5, chin_raise=0.6, cheek=0.5)),
        (2, Action(wrinkle=1, lip_raise=0.9, frown=0.5, squint=0.9, corners_down=0.5, part=0.5, jaw=0.2, cheek=0.5)),
    ),
    "fear": (
        (3, Action(inner_brow=1, outer_brow=0.3, frown=0.6, wide=1, stretch=1, part=0.5, jaw=0.15, teeth=0.6)),
        (1, Action(inner_brow=1, outer_brow=0.4, frown=0.5, wide=1, stretch=0.8, part=0.6, jaw=0.45, teeth=0.3)),
    ),
    "happy": (
        (3, Action(smile=1, cheek=0.8, part=0.6, teeth=1, jaw=0.05)),
        (2, Action(smile=0.9, cheek=0.6, press=0.1)),
        (1, Action(smile=1, cheek=1, part=0.8, jaw=0.5, teeth=1, squint=0.4)),
    ),
    "sad": (
        (3, Action(inner_brow=1, frown=0.5, corners_down=1, chin_raise=0.6, droop=0.5)),
        (2, Action(inner_brow=0.8, frown=0.4, corners_down=0.9, droop=0.8, gaze_down=0.8)),
        (1, Action(inner_brow=1, frown=0.7, corners_down=0.9, squint=0.6, stretch=0.3, part=0.35, teeth=0.3)),
    ),
    "surprise": (
        (3, Action(inner_brow=1, outer_brow=1, wide=0.9, part=0.8, jaw=0.9)),
        (1, Action(inner_brow=0.9, outer_brow=0.9, wide=0.8, part=0.5, jaw=0.5)),
    ),
    "neutral": ((4, Action()), (1, Action(droop=0.2)), (1, Action(part=0.15))),
}


def act(expression: str, rng: np.random.Generator) -> Action:
    """One face's action: a form of the expression, of varied strength, mixed with a trace of another one."""
    names = [f.name for f in fields(Action)]
    strength = 0.38 + 0.72 * rng.beta(2.2, 1.6)
    trace = 0.33 * rng.beta(1.2, 2.5)
    moves = strength * _form(expression, rng) + trace * _form(str(rng.choice(CLASSES)), rng)
    moves = moves * np.exp(0.2 * rng.standard_normal(len(names))) + np.abs(0.05 * rng.standard_normal(len(names)))
    return Action(**{name: float(min(move, 1.25)) for name, move in zip(names, moves, strict=True)})


def _form(expression: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """One of the expression's forms, by its weight."""
    if expression not in _FORMS:
        raise ValueError(f"{expression!r} is none of {', '.join(CLASSES)}")
    forms = _FORMS[expression]
    weights = np.array([weight for weight, _ in forms])
    return np.array(astuple(forms[rng.choice(len(forms), p=weights / weights.sum())][1]))
