"""Draws a face: 48x48, gray, one of seven expressions, with the true place of everything in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import props, skin
from .expressions import CLASSES, act
from .features import Brows, Eyes, Mouth, Nose
from .plane import OVERSAMPLED, SIZE, Field, clouds, lay, lit, mix
from .scene import View, look, meet

MASKS = ("eyes", "brows", "nose", "mouth", "face", "hand")


def draw_face(expression: str | int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A face with this expression: image uint8 (48, 48), masks bool (6, 48, 48) in the order of MASKS.

    The seed alone chooses person, pose, light and all else: with one seed, the seven expressions are of one person in
    one scene. Masks show what is visible: `face` is all skin of the head with the features on it (glasses count as
    face), less hair and hand; `eyes` take in the rims of the lids. Nothing but NumPy draws: no picture or font is read.
    """
    name = CLASSES[expression] if isinstance(expression, int) else expression
    person, view, action, grain = (np.random.default_rng([seed, stream]) for stream in range(4))
    who, how = meet(person), look(view)
    moves = act(name, action)
    plane = lay(who, how, moves.jaw)
    eyes, brows = Eyes(plane, who, moves, how), Brows(plane, who, moves)
    nose, mouth = Nose(plane, who, moves), Mouth(plane, who, moves)
    hair = props.Hair(plane, who, how, grain)
    fuzz = clouds(grain, 70)

    relief: Field = plane.depth + skin.relief(plane, who, moves)
    relief = relief + eyes.relief() + brows.relief() + nose.relief() + mouth.relief()
    matt, gloss = lit(relief, how, plane.pixel, how.shine)
    tone: Field = skin.tone(plane, who, grain) * (1 - skin.lines(plane, who, moves, mouth, nose))
    tone = skin.bearded(tone, plane, who, mouth, nose, fuzz)
    tone = brows.paint(mouth.paint(nose.paint(eyes.paint(tone))), fuzz)

    head = plane.cover(plane.inside)
    picture: Field = hair.behind(props.backdrop(plane, how, grain))
    picture = props.body(picture, plane, who, how)
    picture = mix(picture, tone * matt + gloss, head)
    picture = hair.before(picture)
    picture = props.glasses(picture, plane, who, how)
    picture, hand = props.hand(picture, plane, who, how, grain)

    seen = head * (1 - hair.front) * (1 - hand)
    shapes = (*(part.shape * seen for part in (eyes, brows, nose, mouth)), seen, hand)
    masks = np.stack([_shrunk(shape) for shape in shapes]) >= 0.5
    eyes_at, brows_at, nose_at, mouth_at, face_at, hand_at = (
        masks  # no pixel is two things, but features lie on the face
    )
    face_at &= ~hand_at
    brows_at &= ~eyes_at
    nose_at &= ~(eyes_at | brows_at | mouth_at)
    masks[:4] &= face_at
    return _developed(picture, how, grain), masks


def _shrunk(drawn: Field) -> Field:
    """Drawn pixels averaged to those of the picture."""
    return drawn.reshape(SIZE, OVERSAMPLED, SIZE, OVERSAMPLED).mean((1, 3))


def _developed(picture: Field, view: View, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The photograph: exposure that favours the middle, lens blur, noise, 8 bits."""
    small: Field = _shrunk(np.clip(picture, 0, 1.2))
    wide = np.pad(small, 1, mode="edge")
    across = wide[1:-1, :-2] + wide[1:-1, 2:]
    down = wide[:-2, 1:-1] + wide[2:, 1:-1]
    soft = (4 * small + across + down) / 8
    small = small + (soft - small) * np.float32(view.blur)
    middle = float(small[8:44, 10:38].mean())
    gain = view.exposure * (0.45 / max(middle, 0.05)) ** 0.6
    bright: Field = np.clip(small * np.float32(gain), 0, 1) ** np.float32(0.8 * view.gamma)
    bright = mix(bright, bright * bright * (3 - 2 * bright), view.contrast)
    noisy = 255 * bright + view.noise * rng.standard_normal(bright.shape).astype(np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
