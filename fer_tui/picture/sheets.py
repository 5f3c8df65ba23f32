"""Many pictures side by side on one sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fer_tui.contract import Gallery

from .colours import colour_map
from .scales import Scale, checked, shades

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME = 2  # pixels around each picture: the frame of a marked one, else background
MARK, BACKGROUND = (230, 60, 50), (24, 24, 28)


def sheet(
    gallery: Gallery,
    *,
    columns: int | None = None,
    colours: str = "gray",
    scale: Scale | None = None,
) -> Image.Image:
    """All pictures in rows from the top left, each at its own size in a frame of 2 pixels, red where it is marked.

    columns: as many as make the sheet about square where None. scale: values that become black and white, each
    picture's own minimum and maximum where None. `cell_box` says where each picture lies.
    """
    count, height, width = gallery.images.shape[:3]
    columns = columns or columns_for(count, height, width)
    rows = max(1, math.ceil(count / columns))
    canvas = np.full((rows * (height + 2 * FRAME), columns * (width + 2 * FRAME), 3), BACKGROUND, np.uint8)
    for index in range(count):
        left, top, right, bottom = cell_box(index, columns, height, width)
        if index in gallery.marked:
            canvas[top - FRAME : bottom + FRAME, left - FRAME : right + FRAME] = MARK
        canvas[top:bottom, left:right] = _pixels(gallery.images[index], colours, scale)
    return Image.fromarray(canvas)


def columns_for(count: int, height: int, width: int) -> int:
    """The number of columns that makes a sheet about square."""
    return max(1, min(count, round(math.sqrt(count * (height + 2 * FRAME) / (width + 2 * FRAME)))))


def cell_box(index: int, columns: int, height: int, width: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of picture `index` on the sheet, in pixels, without its frame."""
    row, column = divmod(index, columns)
    left, top = column * (width + 2 * FRAME) + FRAME, row * (height + 2 * FRAME) + FRAME
    return left, top, left + width, top + height


def row_of(pictures: Sequence[Image.Image | None], width: int, height: int) -> Image.Image:
    """Pictures of any size side by side: each as large as fits into `width` x `height` pixels, unbent, in a frame.

    None leaves a place empty. `cell_box` says where each lies.
    """
    canvas = Image.new("RGB", (len(pictures) * (width + 2 * FRAME), height + 2 * FRAME), BACKGROUND)
    for index, picture in enumerate(pictures):
        if picture is not None:
            scale = min(width / picture.width, height / picture.height)
            size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
            if size != picture.size:
                picture = picture.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST)
            left, top, _, _ = cell_box(index, len(pictures), height, width)
            canvas.paste(picture, (left + (width - size[0]) // 2, top + (height - size[1]) // 2))
    return canvas


def _pixels(image: NDArray[np.float32], colours: str, scale: Scale | None) -> NDArray[np.uint8]:
    """One picture as uint8 (h, w, 3): a gray one through the colour map."""
    shade = shades(image, checked(scale) if scale is not None else _extremes(image))
    return colour_map(colours)[shade] if image.ndim == 2 else shade


def _extremes(image: NDArray[np.float32]) -> Scale:
    finite = image[np.isfinite(image)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
