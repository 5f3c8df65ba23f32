"""Arrays of all kinds as images uint8 (n, h, w) or (n, h, w, 3), or an error that tells what is wrong with them."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNDO = "give images before they are normalised: fer-tui does that itself, by --mean and --std"


def shape_of(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape (h, w) or (h, w, 3) of each image of an array of that shape whose bytes need no turning, else None."""
    if len(shape) == 2 and shape[1] > 3 and isqrt(shape[1]) ** 2 == shape[1]:
        return isqrt(shape[1]), isqrt(shape[1])
    if len(shape) == 4 and shape[3] in (1, 3):
        return shape[1:] if shape[3] == 3 else shape[1:3]
    if len(shape) == 4 and shape[1] == 1:
        return shape[2:]
    return shape[1:] if len(shape) == 3 else None


def check_any(shape: tuple[int, ...], where: str) -> None:
    """InputError where an array of that shape has no images at all."""
    if shape[:1] == (0,):
        raise InputError(where, "there are no images in it", "give one at least")


def as_images(array: NDArray[Any], where: str, *, fractions: bool | None = None) -> NDArray[np.uint8]:
    """Images of shape (n, h, w), (n, h, w, 1 or 3), (n, 1 or 3, h, w), or (n, side * side).

    Values are whole numbers from 0 to 255, or fractions from 0 to 1: told by the largest value where `fractions` is
    None. InputError names the first row that is neither.
    """
    check_any(array.shape, where)
    if array.ndim == 2 and array.shape[1] > 3 and isqrt(array.shape[1]) ** 2 == array.shape[1]:
        array = array.reshape(len(array), isqrt(array.shape[1]), -1)
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] != 3) or 0 in array.shape:
        raise InputError(where, f"images of shape {array.shape} are not understood", "give (n, h, w) or (n, h, w, 3)")
    return _as_bytes(array, where, fractions)


def as_image(value: Any, where: str) -> NDArray[np.uint8]:
    """One image of a picture library, an array or a tensor, as uint8 (h, w) or (h, w, 3)."""
    if hasattr(value, "convert") and hasattr(value, "mode"):  # Pillow
        from .pictures import opaque

        try:
            return np.asarray(opaque(value))
        except ValueError as error:
            raise InputError(where, f"is {error}", "give one of mode L or RGB") from None
    array = as_array(value)
    flat = array.ndim == 2 or (array.ndim == 3 and (array.shape[0] in (1, 3) or array.shape[2] in (1, 3)))
    if array.dtype == object or not flat:
        fault = f"an image is {type(value).__name__} of shape {array.shape}"
        raise InputError(where, fault, "give (h, w), (h, w, 3) or (3, h, w)")
    image: NDArray[np.uint8] = as_images(array[None], where)[0]
    return image


def as_array(value: Any) -> NDArray[Any]:
    """A tensor or anything that NumPy takes, as an array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def as_labels(values: Any, count: int, where: str) -> NDArray[np.int64]:
    """int64 (count,) labels from -1 (none) on."""
    labels = as_array(values)
    if labels.shape == (count, 1):
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.shape[0] == count and ((labels == 0) | (labels == 1)).all():
        if not (labels.sum(1) == 1).all():
            raise InputError(where, "labels are vectors with more than one 1", "give class numbers")
        labels = labels.argmax(1)
    if labels.shape != (count,):
        raise InputError(where, f"there are {count} images, and labels of shape {labels.shape}", "one for each image")
    whole = labels.dtype.kind in "iu" or (labels.dtype.kind == "f" and bool((labels == np.floor(labels)).all()))
    if not whole:
        raise InputError(where, f"labels are {labels.dtype}, not whole numbers", "give class numbers, from 0")
    labels = labels.astype(np.int64)
    if count and (labels.min() < -1 or labels.max() >= 1 << 20):
        row = _first((labels < -1) | (labels >= 1 << 20))
        raise InputError(f"{where} row {row}", f"has the label {labels[row]}", "labels count from 0; -1 is none")
    return labels


def _as_bytes(array: NDArray[Any], where: str, fractions: bool | None) -> NDArray[np.uint8]:
    """Values as uint8: fractions from 0 to 1 times 255, whole numbers as they are."""
    if array.dtype == np.uint8:
        return cast("NDArray[np.uint8]", array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise InputError(where, f"images of {array.dtype} are not understood", "give uint8, from 0 to 255")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{where} row {_first(~np.isfinite(array))}", "has values that are not finite", "mend the row")
    fractions = are_fractions(array) if fractions is None else fractions
    most = 1 if fractions else 255
    if float(array.min()) < 0 or float(array.max()) > most:
        row = _first((array < 0) | (array > most))
        least, largest = array[row].min(), array[row].max()
        mend = _UNDO if array.dtype.kind == "f" else "give uint8, from 0 to 255"
        raise InputError(f"{where} row {row}", f"has values from {least:.6g} to {largest:.6g}", mend)
    return np.rint(array * 255.0 if fractions else array).astype(np.uint8)


def are_fractions(array: NDArray[Any]) -> bool:
    """Whether values are told from 0 to 1: of floating point, and none is larger."""
    return array.dtype.kind == "f" and array.size > 0 and bool(np.fmax.reduce(array, axis=None) <= 1)


def _first(wrong: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(wrong.reshape(len(wrong), -1).any(1))[0])
