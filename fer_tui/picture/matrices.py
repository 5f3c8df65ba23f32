"""A confusion matrix as a picture: heat-coloured, with numbers and class names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from fer_tui.contract import Matrix

from .colours import UNSIGNED, colour_map
from .lettering import Font, cut, font, width_of, write
from .scales import shades

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAPER, INK, FAINT = (255, 255, 255), (20, 20, 24), (110, 110, 118)

_MOST_WRITTEN = 30  # classes up to which numbers and names are written
_SIDE = 900  # pixels that a larger matrix takes at most, where one pixel a cell allows it
_MOST_NAME = 130  # pixels of a class name
_NO_ROWS = (224, 224, 224)


def row_shares(matrix: Matrix) -> NDArray[np.float64]:
    """float64 (C, C): each row's counts as shares of the row; NaN where no row has that true class."""
    counts = matrix.counts.astype(np.float64)
    totals = counts.sum(1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares


def matrix_picture(matrix: Matrix, *, colours: str = UNSIGNED) -> Image.Image:
    """RGB picture: each cell coloured by its share of its row (0 to 1), with the count in it; rows = true class.

    More than 30 classes get colours only, in cells of at least one pixel.
    """
    count = len(matrix.classes)
    if count > _MOST_WRITTEN or not count:
        return _heat(matrix, colours, max(1, _SIDE // max(1, count)))
    small, cell = font(13), 52 if count <= 12 else 40
    names = [cut(name, small, _MOST_NAME) for name in matrix.classes]
    longest = max(width_of(name, small) for name in names)
    upright = longest > cell - 4
    left, top = longest + 34, (longest if upright else 16) + 32
    picture = Image.new("RGB", (left + count * cell + 8, top + count * cell + 8), PAPER)
    picture.paste(_heat(matrix, colours, cell), (left, top))
    draw = ImageDraw.Draw(picture)
    for n, name in enumerate(names):
        middle = n * cell + cell // 2
        write(draw, (left - 6, top + middle), name, small, INK, "rm")
        if upright:
            _write_upwards(picture, (left + middle, top - 5), name, small, INK)
        else:
            write(draw, (left + middle, top - 8), name, small, INK, "ms")
    write(draw, (left + count * cell // 2, 4), "predicted", small, FAINT, "mt")
    _write_upwards(picture, (12, top + count * cell // 2 + width_of("true", small) // 2), "true", small, FAINT)
    _write_counts(draw, picture, matrix, (left, top), cell)
    return picture


def _heat(matrix: Matrix, colours: str, cell: int) -> Image.Image:
    shares = row_shares(matrix)
    pixels = colour_map(colours)[shades(shares, (0.0, 1.0))]
    pixels = np.where(np.isfinite(shares)[..., None], pixels, np.array(_NO_ROWS, np.uint8))
    return Image.fromarray(np.ascontiguousarray(np.repeat(np.repeat(pixels, cell, 0), cell, 1)))


def _write_counts(
    draw: ImageDraw.ImageDraw, picture: Image.Image, matrix: Matrix, corner: tuple[int, int], cell: int
) -> None:
    longest = str(int(matrix.counts.max()))
    size = next((size for size in (14, 12, 10) if width_of(longest, font(size)) <= cell - 4), 8)
    for row, column in np.ndindex(matrix.counts.shape):
        middle = corner[0] + column * cell + cell // 2, corner[1] + row * cell + cell // 2
        background = picture.getpixel((middle[0] - cell // 2, middle[1] - cell // 2))
        assert isinstance(background, tuple)
        red, green, blue = background[:3]
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140
        write(draw, middle, str(int(matrix.counts[row, column])), font(size), PAPER if dark else INK, "mm")


def _write_upwards(
    picture: Image.Image, foot: tuple[int, int], text: str, font: Font, colour: tuple[int, int, int]
) -> None:
    """Write `text` from bottom to top; `foot` is the bottom middle."""
    width, height = width_of(text, font), 18
    mask = Image.new("L", (max(1, width), height), 0)
    write(ImageDraw.Draw(mask), (0, height // 2), text, font, (255,), "lm")  # type: ignore[arg-type]
    turned = mask.transpose(Image.Transpose.ROTATE_90)
    picture.paste(colour, (foot[0] - height // 2, foot[1] - turned.height), turned)
