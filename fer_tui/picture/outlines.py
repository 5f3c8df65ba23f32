"""Outlines of regions on an enlarged picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]

_INK, _EDGE = (255, 255, 255), (0, 0, 0)  # a line is seen on light and on dark
_ROOM = 4  # pixels that a pixel must be enlarged to for an edge


def outlined(picture: Image.Image, labels: Labels) -> Image.Image:
    """`picture`, `zoom` times as large as `labels` (H, W), with a line wherever two neighbours have other labels."""
    zoom = picture.width // labels.shape[1]
    drawn = picture.copy()
    draw = ImageDraw.Draw(drawn)
    beside, below = np.argwhere(labels[:, 1:] != labels[:, :-1]), np.argwhere(labels[1:] != labels[:-1])
    lines = [((x + 1) * zoom, y * zoom, (x + 1) * zoom, (y + 1) * zoom - 1) for y, x in beside.tolist()]
    lines += [(x * zoom, (y + 1) * zoom, (x + 1) * zoom - 1, (y + 1) * zoom) for y, x in below.tolist()]
    for colour, thick in ((_EDGE, 3 if zoom >= _ROOM else 1), (_INK, 1)):
        for line in lines:
            draw.line(line, fill=colour, width=thick)
    return drawn
