"""Reading one picture file: upright, opaque, eight bits, gray or RGB."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from fer_tui.contract import InputError, PictureError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm", ".pnm"}
)
MOST_PIXELS = 64_000_000
_ORIENTATION = 0x0112
_GRAY = frozenset({"1", "L", "LA", "La"})


class Unfit(ValueError):
    """A picture of numbers that are no bytes, in words."""


def read_picture(path: Path) -> NDArray[np.uint8]:
    """uint8 (h, w) or (h, w, 3): turned as its EXIF data say, on white where it is transparent.

    InputError where it is missing, no picture, cut off, or larger than 64 million pixels (told by its header alone).
    """
    try:
        # not by its path: what Pillow then maps of a turned TIFF is garbled
        with path.open("rb") as file:
            return decode_picture(file, path)
    except OSError as error:
        raise fault_of(path, error) from None


def decode_picture(file: BinaryIO, where: object) -> NDArray[np.uint8]:
    """The same, of a file that is open, or in memory. where: what it is called in an InputError."""
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow's, on oddities in a header
        try:
            with Image.open(file) as picture:
                _check_size(picture, where)
                return np.asarray(opaque(ImageOps.exif_transpose(picture)))
        except InputError:
            raise
        except Exception as error:  # a decoder may trip over anything in a spoiled file
            raise fault_of(where, error) from None


def picture_shape(file: Path | BinaryIO) -> tuple[int, ...] | None:
    """The shape that reading it will give, from the header alone; None where it is not told, () of a spoiled one."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(file) as picture:
                size = (picture.height, picture.width)
                if picture.getexif().get(_ORIENTATION, 1) >= 5:
                    if picture.format == "TIFF":
                        return None  # new versions of Pillow have turned it already
                    size = size[::-1]
                return size if picture.mode in _GRAY or picture.mode.startswith("I") else (*size, 3)
        except Exception:  # as above
            return ()


def common_shape(shapes: Iterable[tuple[int, ...] | None]) -> tuple[int, ...] | None:
    """The shape of pictures that have all the same, spoiled ones aside; else None."""
    found = {*shapes} - {()}
    return found.pop() if len(found) == 1 else None


def fault_of(where: object, error: BaseException) -> PictureError:
    """What Pillow says of a file, in one line with a mend."""
    text = str(error)
    if isinstance(error, FileNotFoundError):
        return _absent(where, "there is no such picture")
    if isinstance(error, PermissionError):
        return _absent(where, "cannot be read: no permission", "see its mode and its owner")
    if isinstance(error, MemoryError) or "decompression bomb" in text or "exceeds limit" in text:
        return PictureError(where, "is too large a picture", f"at most {MOST_PIXELS // 1_000_000} million pixels")
    if isinstance(error, Unfit):
        return PictureError(where, f"is {error}", "save it with 8 bits a channel")
    if "truncated" in text or "Truncated" in text or isinstance(error, EOFError):
        return PictureError(where, "is cut off: the picture ends too early", "get the file again, or take it out")
    return PictureError(where, "is no picture that can be read", "get the file again, or take it out")


def _absent(where: object, fault: str, mend: str = "") -> PictureError:
    error = PictureError(where, fault, mend)
    error.is_spoiled = False
    return error


def _check_size(picture: Picture, where: object) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        fault = f"is {picture.width} x {picture.height} pixels"
        raise PictureError(where, fault, f"at most {MOST_PIXELS // 1_000_000} million are read")


def opaque(picture: Picture) -> Picture:
    """`picture` as mode L or RGB. Unfit where that cannot be done."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits; a gray of 257 * v is v
        values = np.asarray(picture).astype(np.int64)
        if values.size and not 0 <= int(values.min()) <= int(values.max()) <= 65535:
            raise Unfit("a picture of values beyond 16 bits")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if picture.mode == "F":
        raise Unfit("a picture of fractions")
    if picture.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, clear).convert("L" if picture.mode in _GRAY else "RGB")
    return picture.convert("L" if picture.mode in _GRAY else "RGB")
