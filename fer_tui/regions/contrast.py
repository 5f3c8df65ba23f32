"""Which regions of a contrast speak for one class, and which for the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.classifier.fitting import Fit
from fer_tui.contract import Heatmap, plain

from .regions import Regions
from .statistics import interval, resampled_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESAMPLES = 2000
_LEAST = 0.005  # a share that is told


def signed_shares(
    heatmap: Heatmap, regions: Regions, *, row: int | None, picture: tuple[int, int], fit: Fit
) -> NDArray[np.float64]:
    """Each region's sum of values by the sum of all |values|: float64 (R,), -1 to 1, zeros where the map is zero."""
    size = (heatmap.values.shape[0], heatmap.values.shape[1])
    values = np.where(np.isfinite(heatmap.values), heatmap.values, 0).astype(np.float64)
    values /= np.abs(values).max(initial=0) or 1.0  # keeps sums finite
    total = np.abs(values).sum()
    sums = np.tensordot(regions.weights(size, row=row, picture=picture, fit=fit), values, 2)
    shares: NDArray[np.float64] = sums / total if total else np.zeros(len(sums))
    return shares


def averaged(names: Sequence[str], shares: NDArray[np.float64], seed: int = 0) -> list[dict[str, Any]]:
    """The mean share of each region over images (n, R), with its 95 % interval where there are several, as plain data.

    The interval is of images drawn anew (bootstrap, percentiles).
    """
    low = high = [None] * len(names)
    if len(shares) > 1:
        low, high = (each.tolist() for each in interval(resampled_means(shares, _RESAMPLES, seed)))
    return [
        {"name": name, "share": share, "low": least, "high": most}
        for name, share, least, most in zip(names, shares.mean(0).tolist(), low, high, strict=True)
    ]


def contrast_words(regions: Sequence[Mapping[str, Any]], target: str, against: str) -> Iterator[str]:
    """A line for each of the two classes: the regions that speak for it, the strongest first."""
    ordered = sorted(regions, key=lambda each: -abs(each["share"]))
    for name, sign in ((target, 1), (against, -1)):
        told = [_told(each) for each in ordered if sign * each["share"] >= _LEAST]
        yield f"for {plain(name)}: {' · '.join(told) if told else 'no region'}"


def _told(region: Mapping[str, Any]) -> str:
    share = f"{plain(region['name'])} {abs(region['share']):.0%}"
    if region["low"] is None:
        return share
    low, high = sorted((abs(region["low"]), abs(region["high"])))
    sure = region["low"] > 0 or region["high"] < 0
    return f"{share} [{low:.0%}, {high:.0%}]" if sure else f"{share} (unsure)"
