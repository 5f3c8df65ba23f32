"""The fixed layout of an aligned face of 48 x 48 pixels, as FER2013 has them."""

from __future__ import annotations

import numpy as np

from .regions import FACE, Regions, regions_of

SIZE = 48
# (centre x, centre y, half width, half height) in pixels from the upper left corner, halves of pixels; eyes and brows
# are there twice, mirrored at x = 24. Centres are the centroids of the bundled faces' true masks, averaged over all 350
# and mirrored; sizes are those of the ellipse that overlaps best with the single masks (mean Dice coefficient). On the
# mean face of FER2013's PublicTest the pupils, the nose and the mouth lie within 1.5 pixels of these centres.
_PARTS = {
    "eyes": (16.0, 18.5, 7.0, 3.0),
    "brows": (17.0, 12.0, 6.5, 3.0),
    "nose": (24.0, 25.5, 8.0, 6.0),
    "mouth": (24.0, 38.5, 8.0, 4.0),
}
# The face is where most of the bundled faces have skin: |x|^2.5 + |y|^2.5 <= 1 meets that by 98 % (intersection over
# union).
_FACE, _EXPONENT = (24.0, 26.5, 18.0, 22.0), 2.5


def face_layout(*, scaled: bool = False) -> Regions:
    """Eyes, brows, nose, mouth, rest of the face, outside, of an upright face that fills a picture of 48 x 48.

    It says where these parts are in most faces, not where they are in this one. scaled: stretch it to other sizes.
    """
    masks = {name: _ellipse(*part) for name, part in _PARTS.items()}
    for name in ("eyes", "brows"):
        masks[name] |= masks[name][:, ::-1]
    layout = regions_of({**masks, FACE: _ellipse(*_FACE, _EXPONENT)}, "layout")
    return Regions(layout.names, layout.masks, "layout", "scaled" if scaled else "refused")


def _ellipse(
    x: float, y: float, across: float, down: float, exponent: float = 2.0
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    at = np.arange(SIZE) + 0.5
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
        np.abs((at[None] - x) / across) ** exponent + np.abs((at[:, None] - y) / down) ** exponent <= 1
    )
    return inside
