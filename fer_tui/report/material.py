"""All numbers and maps that a report is made of, before any of it is drawn or told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fer_tui.contract import Gallery, Heatmap, Matrix
from fer_tui.regions import FocusTable

from .choosing import Chosen, Predictions
from .means import Likeness, Mean, Means

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

METHODS = ("saliency", "cam", "lime")
TITLES = {"saliency": "Saliency", "cam": "CAM", "lime": "LIME"}


@dataclass(frozen=True, eq=False, slots=True)
class Shares:
    """Shares of each map's absolute attribution by region: float64 (n, R), of the images in `labels` (n,)."""

    names: tuple[str, ...]
    values: Numbers
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Filters:
    """What the filters of one layer show. ascent: pictures that excite them; outputs: their maps on `shown`."""

    layer: str
    ascent: Gallery
    outputs: Gallery
    shown: Chosen


@dataclass(frozen=True, eq=False, slots=True)
class FirstLayer:
    """Mean activations (n, filters) of the first layer's filters, of images of the classes `labels` (n,)."""

    layer: str
    values: Numbers
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """Images of class `true` that are taken for `predicted`: count of all, share of the class's.

    contrast: the mean of CAM for `predicted` minus CAM for `true`; shares: (n, R), its sum by region over the sum of
    its absolute values, positive where the region speaks for what was predicted.
    """

    true: int
    predicted: int
    count: int
    share: float
    contrast: Mean | None
    names: tuple[str, ...] = ()
    shares: Numbers | None = None


@dataclass(eq=False, slots=True)
class Material:
    """known: the predictions. shown: images with their maps by method. focus: by method. pairs: the worst, in order."""

    network: str
    known: Predictions
    matrix: Matrix
    shown: list[Chosen]
    cam: str  # the variant that stands for CAM here
    maps: dict[tuple[int, str], Heatmap] = field(default_factory=dict)  # by (number, method)
    filters: Filters | None = None
    first: FirstLayer | None = None
    means: dict[str, Means] = field(default_factory=dict)
    focus: dict[str, FocusTable] = field(default_factory=dict)
    shares: dict[str, Shares] = field(default_factory=dict)
    likeness: dict[tuple[str, str], Likeness] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    aligned: bool = False  # whether the pictures are known to be aligned
    seed: int = 0
    values: int = 0  # numbers of the network's input

    @property
    def classes(self) -> tuple[str, ...]:
        return self.known.classes
