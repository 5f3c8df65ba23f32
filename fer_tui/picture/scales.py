"""Scales: which values get the lowest and the highest colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import Heatmap, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scale = tuple[float, float]


def scale_of(heatmap: Heatmap) -> Scale:
    """The map's own scale: 0 to its maximum, or symmetric around 0 where it is signed; (0, 0) where all is 0.

    An unsigned map with values below 0 begins at its minimum. Values that are not finite don't count.
    """
    finite = heatmap.values[np.isfinite(heatmap.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if heatmap.signed:
        most = max(-low, high)
        return (0.0 - most, most)
    return (min(0.0, low), max(0.0, high))


def shared_scale(heatmaps: list[Heatmap]) -> Scale:
    """One scale that fits several maps, so that their colours can be compared."""
    scales = [scale_of(heatmap) for heatmap in heatmaps]
    return (min((low for low, _ in scales), default=0.0), max((high for _, high in scales), default=0.0))


def ticks(scale: Scale) -> list[tuple[float, float]]:
    """Where numbers belong on a colour bar, the most needed first: (share of the bar from its low end, value).

    The ends, zero where it lies between them, the middle and the quarters; one in the middle of a scale without extent.
    """
    low, high = scale
    if not high > low:
        return [(0.5, low)]
    shares = [0.0, 1.0, *([-low / (high - low)] if low < 0 < high else []), 0.5, 0.25, 0.75]
    return [(share, low + share * (high - low)) for share in dict.fromkeys(shares)]


def checked(scale: Scale) -> Scale:
    """`scale`, if it is two finite numbers in order."""
    low, high = scale
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise InputError("scale", f"{low:g} to {high:g} is no range", "give two finite numbers, the lower one first")
    return scale


def shades(values: NDArray[Any], scale: Scale, *, signed: bool = False) -> NDArray[np.uint8]:
    """`values` as indices of a colour map, 0 for the scale's lower end to 255; clipped, 0 where not finite.

    On a scale without extent, such as that of a map of zeros, its one value gets the middle colour where the map is
    signed, else the lowest.
    """
    low, high = scale
    numbers = np.asarray(values, np.float64)
    middle = 0.5 if signed else 0.0
    share = (numbers - low) / (high - low) if high > low else np.sign(numbers - low) + middle
    share = np.where(np.isfinite(numbers), share, 0.0)
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
