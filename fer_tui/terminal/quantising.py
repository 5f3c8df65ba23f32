"""Fewer colours: a picture with a palette, before it is enlarged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINT = 4  # of 255: what the channels of a gray may differ, as those of a sheet's background do, and not be seen
_SLOW = 1 << 16  # pixels: for more the better palette takes too long


def drawable(picture: Image.Image | NDArray[np.uint8]) -> Image.Image:
    """A picture of any mode, or uint8 (H, W[, 3]), as gray (L) where it has no colour, else as RGB."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode.startswith(("I", "F")):
        return image.convert("RGB").getchannel(0)
    image = image.convert("RGB")
    pixels = np.asarray(image)
    if pixels.size and int(np.ptp(pixels, axis=-1).max()) <= _TINT:
        return image.convert("L")
    return image


def with_palette(picture: Image.Image, colours: int) -> Image.Image:
    """A gray or RGB picture in mode P with at most so many colours (2 to 256); exact where it has no more."""
    if picture.mode == "L":
        return _gray(np.asarray(picture), colours)
    if picture.getcolors(colours) is not None:
        return _exact(np.asarray(picture))
    fast = colours > 128 or picture.width * picture.height > _SLOW
    method = Image.Quantize.FASTOCTREE if fast and colours > 32 else Image.Quantize.MAXCOVERAGE
    return picture.quantize(colours, method=method, kmeans=0 if fast else 1, dither=Image.Dither.NONE)


def levels_of(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Of a picture in mode P: the numbers of its colours (H, W), and the colours (N, 3), only those that are used."""
    numbers = np.asarray(picture)
    palette = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
    used = np.unique(numbers)
    place = np.zeros(256, np.uint8)
    place[used] = np.arange(len(used))
    return place[numbers], palette[used]


def _gray(pixels: NDArray[np.uint8], colours: int) -> Image.Image:
    shades = np.unique(pixels)
    if len(shades) > colours:
        low, high = int(shades[0]), int(shades[-1])
        shades = np.linspace(low, high, colours).round().astype(np.uint8)
        numbers = ((pixels.astype(np.int32) - low) * (colours - 1) * 2 + (high - low)) // (2 * (high - low))
    else:
        numbers = np.searchsorted(shades, pixels).astype(np.int32)
    return _image(numbers, np.repeat(shades[:, None], 3, 1))


def _exact(pixels: NDArray[np.uint8]) -> Image.Image:
    packed = pixels.astype(np.uint32) @ np.array((1 << 16, 1 << 8, 1), np.uint32)
    colours, numbers = np.unique(packed, return_inverse=True)
    palette = np.stack((colours >> 16, colours >> 8 & 255, colours & 255), -1)
    return _image(numbers.reshape(packed.shape), palette)


def _image(numbers: NDArray[np.integer], palette: NDArray[np.integer]) -> Image.Image:
    image = Image.fromarray(numbers.astype(np.uint8), "L")
    image = image.copy() if image.readonly else image
    image.putpalette(palette.astype(np.uint8).tobytes(), "RGB")
    return image
