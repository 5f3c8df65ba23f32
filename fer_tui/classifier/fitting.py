"""Pictures fitted to a network's input: colour, size, contrast. NumPy and Pillow only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from PIL import Image as Pillow

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

Fit = Literal["stretch", "crop", "pad"]
FITS: tuple[Fit, ...] = ("stretch", "crop", "pad")


def checked(image: Image) -> Image:
    """`image` as uint8 (..., h, w) or (..., h, w, 3); InputError for anything else."""
    if image.dtype != np.uint8:
        raise InputError("picture", f"its numbers are {image.dtype}, not uint8", "scale it to 0..255 and cast to uint8")
    if image.ndim == 3 and image.shape[2] == 1:
        return image[:, :, 0]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or 0 in image.shape:
        raise InputError("picture", f"its shape is {image.shape}", "give (height, width) or (height, width, 3)")
    return image


def gray(images: Image) -> Image:
    """(..., h, w, 3) to (..., h, w): ITU-R 601 luma, rounded as Pillow's mode L."""
    weights = np.array([19595, 38470, 7471], np.uint32)
    return cast("Image", ((images @ weights + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint8))


def colour(images: Image) -> Image:
    """(..., h, w) to (..., h, w, 3): the same value in each channel."""
    return np.repeat(images[..., None], 3, axis=-1)


def equalised(image: Image) -> Image:
    """Histogram equalisation as OpenCV's equalizeHist does it: of the picture, or of a colour picture's luma."""
    if image.ndim == 3:
        parts = list(Pillow.fromarray(image).convert("YCbCr").split())
        parts[0] = Pillow.fromarray(equalised(np.asarray(parts[0])))
        return np.asarray(Pillow.merge("YCbCr", parts).convert("RGB"))
    counts = np.bincount(image.ravel(), minlength=256)
    darkest = int(np.argmax(counts > 0))
    rest = image.size - int(counts[darkest])
    if rest == 0:
        return image
    counts[: darkest + 1] = 0
    table = np.rint(np.cumsum(counts) * (255 / rest)).astype(np.uint8)
    return cast("Image", table[image])


def fitted(image: Image, size: tuple[int, int], how: Fit) -> Image:
    """`image` at `size` = (height, width), bilinear with antialiasing; itself where it has that size already.

    stretch: both sides scaled. crop: the largest centred part of those proportions. pad: the whole picture on black.
    """
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    picture, target = Pillow.fromarray(np.ascontiguousarray(image)), (size[1], size[0])
    if how == "stretch":
        return np.asarray(picture.resize(target, Pillow.Resampling.BILINEAR))
    scales = target[0] / width, target[1] / height
    if how == "crop":
        kept = target[0] / max(scales), target[1] / max(scales)
        left, top = (width - kept[0]) / 2, (height - kept[1]) / 2
        box = (left, top, left + kept[0], top + kept[1])
        return np.asarray(picture.resize(target, Pillow.Resampling.BILINEAR, box=box))
    inner = max(1, round(width * min(scales))), max(1, round(height * min(scales)))
    canvas = Pillow.new(picture.mode, target)
    corner = (target[0] - inner[0]) // 2, (target[1] - inner[1]) // 2
    canvas.paste(picture.resize(inner, Pillow.Resampling.BILINEAR), corner)
    return np.asarray(canvas)
