"""The mean of many maps, without keeping one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import Heatmap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float64]


@dataclass(eq=False, slots=True)
class Mean:
    """The running mean of maps, float64 (H, W), and of their pictures (Welford 1962). values, image: of the first."""

    values: Map
    image: NDArray[np.float64]
    count: int = 1
    _squares: Map = field(init=False)

    def __post_init__(self) -> None:
        self._squares = np.zeros_like(self.values)

    def add(self, values: Map, image: NDArray[np.float64]) -> None:
        self.count += 1
        off = values - self.values
        self.values += off / self.count
        self._squares += off * (values - self.values)
        self.image += (image - self.image) / self.count

    @property
    def spread(self) -> Map:
        """The standard deviation of each value over the maps, by count - 1; 0 of one map."""
        found: Map = np.sqrt(self._squares / max(1, self.count - 1))
        return found

    def heatmap(self, signed: bool, **more: Any) -> Heatmap:
        """The mean as a heat map on the mean picture. more: other fields of it."""
        values, image = self.values.astype(np.float32), np.rint(self.image).astype(np.uint8)
        return Heatmap(values=values, image=image, signed=signed, **more)


def levelled(values: NDArray[np.float32]) -> Map | None:
    """`values` over the mean of their absolute values, None where that is 0; what is not finite counts as 0."""
    finite = np.where(np.isfinite(values), values, 0).astype(np.float64)
    most = np.abs(finite).max(initial=0.0)
    if most == 0:
        return None
    finite /= most
    scaled: Map = finite / np.abs(finite).mean()
    return scaled
