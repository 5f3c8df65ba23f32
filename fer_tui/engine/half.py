"""Arrays in fewer bytes: float32 as float16 with a scale, where that is good enough; integers in those they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORST = 1e-3  # of what the values span: an array that would lose more stays as it is
_TOP = 15  # values are scaled below 2 to this power: the largest float16 is 65504, the smallest 2**-24
_INTEGERS = [np.dtype(each) for each in ("u1", "i1", "<u2", "<i2", "<u4", "<i4")]


@dataclass(frozen=True, eq=False, slots=True)
class Halved:
    """An array in fewer bytes. dtype: what it was, over the scale. lost: see `halved`; None where nothing can be."""

    array: NDArray[Any]
    dtype: str
    scale: float = 1.0
    lost: float | None = None


def halved(array: NDArray[Any]) -> Halved | None:
    """Fewer bytes for it, None where there are none, or too much would be lost.

    Lost is the largest error over what the finite values span (from the smallest to the largest), or over the largest
    absolute value where that is less. The scale is a power of two, so that it adds no error of its own.
    """
    if array.dtype == np.float32:
        return _half(array)
    if array.dtype.kind not in "iu" or not array.size:
        return None
    low, high = int(array.min()), int(array.max())
    fit = next((each for each in _INTEGERS if np.iinfo(each).min <= low and high <= np.iinfo(each).max), array.dtype)
    if fit.itemsize >= array.dtype.itemsize:
        return None
    return Halved(array.astype(fit), array.dtype.newbyteorder("<").str)


def restored(array: NDArray[Any], dtype: str, scale: float) -> NDArray[Any]:
    """What `halved` was given, as well as it was kept; read-only."""
    with np.errstate(over="ignore"):
        values = (array.astype(np.float64) * scale if scale != 1 else array).astype(dtype)
    values.flags.writeable = False
    return values


def _half(array: NDArray[np.float32]) -> Halved | None:
    finite = array[np.isfinite(array)].astype(np.float64)
    largest = float(np.abs(finite).max(initial=0.0))
    scale = math.ldexp(1.0, math.frexp(largest)[1] - _TOP) if largest else 1.0
    half = (array.astype(np.float64) / scale).astype(np.float16)
    error = float(np.abs(restored(half, "<f4", scale)[np.isfinite(array)] - finite).max(initial=0.0))
    span = min(largest, float(np.ptp(finite)) if finite.size else 0.0)
    if error > WORST * span:  # also a constant that is off, which spans nothing
        return None
    return Halved(half, "<f4", scale, float(f"{error / span if error else 0.0:.2g}"))
