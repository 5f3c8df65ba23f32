"""Means of many maps, without keeping one of them: by class, right and wrong apart; and how alike methods' maps are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Heatmap
from fer_tui.engine.means import Mean, levelled
from fer_tui.regions.statistics import ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float64]


@dataclass(eq=False, slots=True)
class Means:
    """Mean maps of one method by (class, whether right): each map divided by the mean of its absolute values, so that
    all count alike and 1 is the mean of a map.
    """

    method: str
    signed: bool = False
    by_class: dict[tuple[int, bool], Mean] = field(default_factory=dict)

    def add(self, listed: int, right: bool, heatmap: Heatmap) -> None:
        """Count one map; one that is zero everywhere is not counted."""
        scaled = levelled(heatmap.values)
        if scaled is None:
            return
        self.signed = heatmap.signed
        image = heatmap.image.astype(np.float64)
        key = listed, right
        if key in self.by_class:
            self.by_class[key].add(scaled, image)
        else:
            self.by_class[key] = Mean(scaled.copy(), image)


@dataclass(eq=False, slots=True)
class Likeness:
    """Spearman's correlations of two methods' absolute values: of the same image, and of two images of a class, which
    tells how much of it is only that both look at the middle of the picture. before: the last map of each class.
    """

    same: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    before: dict[int, Map] = field(default_factory=dict)

    def add(self, listed: int, one: Heatmap, two: Heatmap) -> None:
        """Count one image; a map that is the same everywhere has no ranks, and is not counted."""
        first, second = _ranked(one.values), _ranked(two.values)
        if first is None or second is None:
            return
        if listed in self.before:
            self.same.append(float(first @ second))
            self.other.append(float(first @ self.before[listed]))
        self.before[listed] = second


def _ranked(values: NDArray[np.float32]) -> Map | None:
    """The ranks of the absolute values, centred and of length 1, so that products are correlations."""
    found = ranks(np.abs(values).ravel())
    found -= found.mean()
    length = float(np.sqrt(found @ found))
    return found / length if length > 0 else None
