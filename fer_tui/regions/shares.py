"""Focus: which share of a heat map's attribution lies in which region of the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.classifier.fitting import Fit
from fer_tui.contract import Heatmap

from .known import named_regions
from .regions import Regions, regions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Shares = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Focus:
    """One map over regions. inside: those within the face, together called `whole` (`inside`, where no face is named).
    absolute, positive, area: float64 (R,), each adds to 1.

    absolute: shares of the sum of |values|; positive: of the sum of the positive ones; NaN where that sum is 0. area:
    of the picture: a map of noise has shares like areas, so share / area ("lift") tells what draws more than its size.
    """

    regions: tuple[str, ...]
    whole: str
    inside: tuple[int, ...]
    absolute: Shares
    positive: Shares
    area: Shares

    @property
    def inside_share(self) -> float:
        """The share of the absolute attribution that lies within the face."""
        return float(self.absolute[list(self.inside)].sum())

    def to_dict(self) -> dict[str, Any]:
        """By region: absolute, positive, area, lift (absolute / area; None where it has no value)."""
        return {
            name: {
                "absolute": number(self.absolute[n]),
                "positive": number(self.positive[n]),
                "area": float(self.area[n]),
                "lift": number(self.absolute[n] / self.area[n]) if self.area[n] > 0 else None,
            }
            for n, name in enumerate(self.regions)
        }

    def brief(self, width: int) -> str:
        """What fits into `width` characters: the share inside the face, then regions by their lift."""
        if np.isnan(self.absolute).any():
            return ""
        told = [(self.whole, self.inside_share, float(self.area[list(self.inside)].sum()))]
        order = np.argsort(-np.divide(self.absolute, self.area, where=self.area > 0, out=np.zeros_like(self.area)))
        told += [(self.regions[n], float(self.absolute[n]), float(self.area[n])) for n in order.tolist()]
        text = ""
        for name, share, area in told:
            more = f"{' · ' if text else ''}{name} {share:.0%} ×{share / area:.1f}" if area > 0 else ""
            if len(text) + len(more) > width:
                break
            text += more
        return text

    def words(self) -> str:
        """One line: each region that is there, with its share and its lift."""
        if np.isnan(self.absolute).any():
            return "focus: the map is zero everywhere"
        parts = [
            f"{name} {share:.0%} (×{share / area:.1f})"
            for name, share, area in zip(self.regions, self.absolute.tolist(), self.area.tolist(), strict=True)
            if area > 0
        ]
        return f"focus: {' · '.join(parts)}"


def focus(
    heatmap: Heatmap,
    regions: Regions | Mapping[str, NDArray[Any]] | str | Path,
    *,
    row: int | None = None,
    picture: tuple[int, int] | None = None,
    fit: Fit = "stretch",
) -> Focus:
    """The shares of one heat map in named regions. Values that are not finite count as 0.

    regions: "layout" (or "layout:scaled"), "samples", a file or folder of masks, or masks by name, (H, W) or (N, H, W).
    row: the picture's, where there are masks by row. picture: (h, w) of the dataset's picture, as `fit` fitted it to
    the map's size; where it is None, masks of another size than the map's are fitted by `fit`.
    """
    known = _regions(regions)
    size = (heatmap.values.shape[0], heatmap.values.shape[1])
    weights = known.weights(size, row=row, picture=picture, fit=fit)
    values = np.where(np.isfinite(heatmap.values), heatmap.values, 0).astype(np.float64)
    absolute, positive = _shares(weights, np.abs(values)), _shares(weights, np.maximum(values, 0))
    return Focus(known.names, known.whole, known.inside, absolute, positive, weights.mean((1, 2)))


def number(value: float) -> float | None:
    """`value` as plain data: None for NaN."""
    return None if np.isnan(value) else float(value)


def _regions(regions: Regions | Mapping[str, NDArray[Any]] | str | Path) -> Regions:
    if isinstance(regions, Regions):
        return regions
    return regions_of(regions) if isinstance(regions, Mapping) else named_regions(regions)


def _shares(weights: Shares, strength: Shares) -> Shares:
    most = strength.max(initial=0.0)
    if most == 0:
        return np.full(len(weights), np.nan)
    sums = np.tensordot(weights, strength / most, 2)  # keeps sums finite
    shares: Shares = sums / sums.sum()
    return shares
