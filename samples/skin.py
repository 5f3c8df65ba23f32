"""The skin between the features: cheeks, chin, wrinkles, freckles, beard."""

from __future__ import annotations

import numpy as np

from .expressions import Action
from .features import Mouth, Nose
from .plane import Field, Plane, bump, clouds, mix, ramp, ridge
from .scene import Person


def relief(plane: Plane, person: Person, action: Action) -> Field:
    """Cheeks, forehead and chin."""
    u, v = np.abs(plane.u), plane.v
    lift = 0.1 * action.smile + 0.05 * action.cheek
    cheeks = (0.07 + 0.07 * action.smile + 0.04 * action.cheek) * bump(u, v, 0.5, 0.2 - lift, 0.24, 0.2)
    hollow = 0.05 * bump(u, v, 0.62, 0.62, 0.2, 0.25)
    chin = 0.07 * bump(u, v, 0, person.chin - 0.17 + 0.18 * action.jaw, 0.24, 0.14)
    forehead = 0.05 * bump(u, v, 0.2, -0.75, 0.45, 0.22)
    return cheeks - hollow + chin + forehead


def lines(plane: Plane, person: Person, action: Action, mouth: Mouth, nose: Nose) -> Field:
    """How much darker folds and wrinkles make the skin, 0 to about 0.6."""
    u, v = np.abs(plane.u), plane.v
    start, end = nose.tip - 0.03, mouth.corner_y + 0.03
    along = np.clip((v - start) / max(end - start, 0.12), 0, 1)
    wing = 0.22 * nose.wings
    reach = wing + (mouth.half + 0.11 - wing) * along ** np.float32(0.75)
    pull = 0.03 + 0.12 * person.age + 0.2 * action.smile + 0.18 * action.wrinkle + 0.12 * action.lip_raise
    fold = pull * ridge(u - reach, 0.05) * ramp(along, 0.0, 0.15) * ramp(v, end + 0.06, end - 0.05)
    corner = (0.2 + 0.3 * action.smile + 0.25 * action.corners_down) * bump(
        u, v, mouth.half + 0.015, mouth.corner_y, 0.035, 0.035
    )
    droop = 0.4 * action.corners_down * ridge(u - mouth.half - 0.05 - 0.25 * (v - mouth.corner_y), 0.025)
    droop = droop * ridge(v - mouth.corner_y - 0.09, 0.07)
    frown = (0.45 * action.frown + 0.06 * person.age) * ridge(u - 0.065, 0.022) * ridge(v + 0.48, 0.09)
    raised = max(action.inner_brow, action.outer_brow)
    wide = 0.55 if action.outer_brow > 0.4 * action.inner_brow else 0.3
    rows = ridge(np.sin((v + 0.05 * plane.u**2) * 34), 0.45) * bump(u, v, 0, -0.76, wide, 0.12)
    forehead = (0.28 * raised + 0.2 * max(person.age - 0.4, 0)) * rows
    crow = np.sin(np.arctan2(v - person.eye_y, u - person.eye_x) * 14) * bump(
        u, v, person.eye_x + 0.29, person.eye_y, 0.07, 0.13
    )
    crow = (0.18 * action.cheek + 0.15 * max(person.age - 0.3, 0)) * np.maximum(crow, 0)
    bag = (0.06 + 0.14 * person.age + 0.12 * action.cheek) * ridge(v - person.eye_y - 0.15, 0.03)
    bag = bag * ridge(u - person.eye_x + 0.03, 0.16)
    dimpled = 0.16 * action.chin_raise * bump(u, v, 0, person.chin - 0.18, 0.15, 0.08)
    return np.minimum(fold + corner + droop + frown + forehead + crow + bag + dimpled, 0.6)


def tone(plane: Plane, person: Person, rng: np.random.Generator) -> Field:
    """The colour of the bare skin."""
    blotches = 0.03 * clouds(rng, 9) + 0.018 * clouds(rng, 40)
    freckles = (
        0.22 * person.freckles * ramp(clouds(rng, 60), 0.9, 1.8) * bump(np.abs(plane.u), plane.v, 0.3, 0.12, 0.4, 0.2)
    )
    blush = 0.07 * bump(np.abs(plane.u), plane.v, 0.52, 0.22, 0.22, 0.18)
    socket = 0.1 * bump(np.abs(plane.u), plane.v, person.eye_x - 0.06, person.eye_y - 0.04, 0.22, 0.14)
    return person.skin * (1 + blotches - freckles - blush - socket)


def bearded(bare: Field, plane: Plane, person: Person, mouth: Mouth, nose: Nose, grain: Field) -> Field:
    """Beard and moustache laid upon the skin."""
    if not person.beard:
        return bare
    u, v = np.abs(plane.u), plane.v
    edge = 0.62 - 0.75 * ramp(u, 0.42, 0.85)
    around = 1 - bump(u, v, 0, mouth.centre + 0.02, 0.85 * mouth.half, 0.13)
    cheeks = ramp(v + 0.05 * grain, edge, edge + 0.2) * around
    lip = bump(u, v, 0, 0.5 * (nose.tip + 0.08 + mouth.centre), 1.1 * mouth.half, 0.075) * ramp(
        v, nose.tip + 0.06, nose.tip + 0.13
    )
    share = np.maximum(person.beard * cheeks, person.moustache * lip)
    hair = min(person.hair, 0.6 * person.skin) * (1 + 0.35 * grain)
    return mix(bare, hair, 0.85 * np.clip(share, 0, 1))
