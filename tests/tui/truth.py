"""The bundled samples and their network, without the explorer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fer_tui
from fer_tui.contract import Heatmap


@dataclass(frozen=True)
class Truth:
    """The samples and their network, without the explorer."""

    classifier: Any
    dataset: Any
    scores: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.asarray(self.dataset.labels)

    @property
    def predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.scores.argmax(1))

    @property
    def mistakes(self) -> list[int]:
        return np.flatnonzero(self.labels != self.predicted).tolist()

    def heatmap(self, row: int, target: int) -> Heatmap:
        made = fer_tui.explain("saliency", self.classifier, self.dataset[row].image, target=target)
        assert isinstance(made, Heatmap)
        return made
