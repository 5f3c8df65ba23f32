"""What is kept of one method's maps while they are made and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Heatmap
from fer_tui.regions import Regions, Tally, focus

from .choosing import Predictions
from .material import Material, Shares
from .means import Means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.engine import Engine


class Measured:
    """What is kept of one method's maps: means, and shares by region. method: its key in a material."""

    def __init__(self, method: str, known: Predictions, regions: Regions | None, engine: Engine) -> None:
        self._known, self._regions, self._engine = known, regions, engine
        self.means = Means(method)
        by = "true class" if known.labelled else "predicted class"
        recall = [recall_of(known, index) for index in range(len(known.classes))]
        self._tally = Tally(known.classes, regions.names, recall, by) if regions is not None else None
        self._shares: list[NDArray[np.float64]] = []
        self._labels: list[int] = []

    def add(self, row: int, heatmap: Heatmap) -> None:
        """Count the map of one row."""
        listed, right = int(self._known.listed[row]), bool(self._known.right[row])
        self.means.add(listed, right, heatmap)
        if self._tally is None or self._regions is None:
            return
        assert self._engine.dataset is not None
        height, width = self._engine.dataset[row].image.shape[:2]
        found = focus(heatmap, self._regions, row=row, picture=(height, width), fit=self._engine.classifier.fit)
        self._tally.add(listed, right, found)
        if not np.isnan(found.absolute).any():
            self._shares.append(found.absolute)
            self._labels.append(listed)

    def give(self, found: Material) -> None:
        """Put all of it into the material."""
        name = self.means.method
        if self.means.by_class:
            found.means[name] = self.means
        if self._tally is not None and self._regions is not None and self._shares:
            found.focus[name] = self._tally.table(found.seed)
            found.shares[name] = Shares(self._regions.names, np.array(self._shares), np.array(self._labels, np.int64))


def recall_of(known: Predictions, index: int) -> float | None:
    """Of all rows of a class the share that is predicted rightly; None where nothing is labelled so."""
    own = known.predicted[known.labels == index]
    return float((own == index).mean()) if len(own) else None


def weights_of(engine: Engine, regions: Regions, row: int, heatmap: Heatmap) -> NDArray[np.float64]:
    """How far each pixel of a row's map lies in each region: float64 (R, H, W)."""
    assert engine.dataset is not None
    height, width = engine.dataset[row].image.shape[:2]
    size = (heatmap.values.shape[0], heatmap.values.shape[1])
    return regions.weights(size, row=row, picture=(height, width), fit=engine.classifier.fit)
