"""Datasets that need no file of the user's: `builtin:samples`, the drawn faces, and `builtin:faces`, real ones.

The real faces are those of scikit-image's own pictures, which come in its package: none of them is in ours.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np

from fer_tui.contract import InputError, nearest

from .layout import Rows, Tell, Writer

PREFIX = "builtin:"
NAMES = ("faces", "samples")
_LFW_FACES = 100  # the first rows of `lfw_subset` are faces (looked at: all of them), the other hundred are none


def builtin_name(source: object) -> str | None:
    """`faces` of `builtin:faces`, None for any other source; InputError where there is no such dataset."""
    if not isinstance(source, str) or not source.startswith(PREFIX):
        return None
    name = source.removeprefix(PREFIX)
    if name not in NAMES:
        known = ", ".join(PREFIX + each for each in NAMES)
        raise InputError(source, f"there is no such built-in dataset{nearest(name, NAMES)}", f"known: {known}")
    return name


def samples() -> Path:
    """The file of the drawn faces."""
    import fer_tui_samples

    return Path(fer_tui_samples.faces_path())


def stamp() -> str:
    """What the real faces are known by: the version of scikit-image."""
    return f"scikit-image {importlib.metadata.version('scikit-image')}"


def parse_faces(writer: Writer, tell: Tell) -> Rows:
    """The astronaut's face and a hundred small ones of LFW, all 48 x 48 and gray as in FER2013; without labels."""
    from PIL import Image as Pillow
    from skimage.data import astronaut, lfw_subset

    from .faces import SIDE, crop_face, find_faces

    tell("cropping the faces of scikit-image", None)
    picture = astronaut()
    largest = max(find_faces(picture), key=lambda face: face.side)
    small = np.rint(np.asarray(lfw_subset()[:_LFW_FACES]) * 255).astype(np.uint8)
    scaled = [np.asarray(Pillow.fromarray(each).resize((SIDE, SIDE), Pillow.Resampling.BICUBIC)) for each in small]
    writer.add(np.stack([crop_face(picture, largest), *scaled]))
    return Rows(
        "built-in faces",
        (),
        np.full(1 + len(scaled), -1, np.int64),
        names=["astronaut", *(f"lfw {number}" for number in range(len(scaled)))],
        notes=(
            "faces of scikit-image's pictures: the astronaut's (NASA), and a hundred of LFW, 25×25 scaled up to 48×48",
            "the pictures have no labels",
        ),
    )
