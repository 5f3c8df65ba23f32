"""Pictures scaled to cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .blocks import Blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fitted_size(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """The size in half cells (width, height) of a picture that fills `columns` x `rows` cells without being bent.

    A cell is two half cells high, which are taken for square. The height is even, so that no cell is half empty; never
    less than 1 x 2.
    """
    scale = min(columns / width, 2 * rows / height)
    if scale >= 1 and scale - int(scale) < 0.12:
        scale = int(scale)  # whole steps keep every pixel of the picture the same size
    return max(1, min(columns, round(width * scale))), max(2, min(2 * rows, 2 * round(height * scale / 2)))


def scaled(picture: Image.Image, columns: int, rows: int, blocks: Blocks = Blocks.HALVES) -> NDArray[np.uint8]:
    """`picture` scaled to fit `columns` x `rows` cells: uint8 (down * h, across * w, 3) with the pixels of a cell."""
    wide, high = fitted_size(picture.width, picture.height, columns, rows)
    across, down = blocks.value
    size = wide * across, high // 2 * down
    enlarged = size[0] >= picture.width
    whole = enlarged and size[0] % picture.width == 0 and size[1] % picture.height == 0
    how = Image.Resampling.NEAREST if whole else Image.Resampling.BICUBIC if enlarged else Image.Resampling.BOX
    return np.asarray(picture.convert("RGB").resize(size, how))
