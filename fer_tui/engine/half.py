"""float32 arrays as float16 with a scale, where that is good enough; and how much is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

WORST = 1e-3  # of what the values span: an array that would lose more stays float32
_TOP = 15  # values are scaled below 2 to this power: the largest float16 is 65504, the smallest 2**-24


def halved_arrays(
    arrays: Mapping[str, NDArray[Any]], at_least: int
) -> tuple[Arrays, dict[str, float], dict[str, float]]:
    """All arrays, those of float32 with that many values as float16; the scale of each of these, and what is lost.

    Lost is the largest error over what the finite values span (from the smallest to the largest), or over the largest
    absolute value where that is less. A scale is a power of two, so that it adds no error of its own.
    """
    made: Arrays = dict(arrays)
    scales: dict[str, float] = {}
    lost: dict[str, float] = {}
    for name, array in arrays.items():
        if array.dtype != np.float32 or array.size < at_least:
            continue
        finite = array[np.isfinite(array)].astype(np.float64)
        largest = float(np.abs(finite).max(initial=0.0))
        scale = math.ldexp(1.0, math.frexp(largest)[1] - _TOP) if largest else 1.0
        half = (array.astype(np.float64) / scale).astype(np.float16)
        error = float(np.abs(restored(half, scale)[np.isfinite(array)] - finite).max(initial=0.0))
        span = min(largest, float(np.ptp(finite)) if finite.size else 0.0)
        if error > WORST * span:  # also a constant that is off, which spans nothing
            continue
        loss = error / span if error else 0.0
        made[name], scales[name], lost[name] = half, scale, float(f"{loss:.2g}")
    return made, scales, lost


def restored(half: NDArray[Any], scale: float) -> NDArray[np.float32]:
    """The float32 values of what was halved; read-only."""
    with np.errstate(over="ignore"):
        values: NDArray[np.float32] = (half.astype(np.float64) * scale).astype(np.float32)
    values.flags.writeable = False
    return values
