"""All numbers and maps that a report is made of, before any of it is drawn or told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Description, Explanation, Gallery, Heatmap, Matrix, plain, same_name
from fer_tui.engine.means import Mean
from fer_tui.regions import FocusTable

from .asked import Guest
from .choosing import Chosen, Predictions
from .means import Likeness, Means

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
class Hosted:
    """What a guest has made. stem: begins the names of its files. made: its explanations, by the number of the image
    that is shown; a guest that hangs on no image has one, the first's. fault: why there is no more of it.
    """

    guest: Guest
    stem: str
    description: Description | None = None
    made: dict[int, Explanation] = field(default_factory=dict)
    fault: str = ""

    @property
    def key(self) -> str:
        """Its name in the material, beside those of METHODS."""
        return str(self.guest)

    @property
    def title(self) -> str:
        """The explainer's title, of an alias the alias, with the parameters that it was asked for with."""
        guest, told = self.guest, self.description
        title = told.title if told is not None and same_name(guest.method, (told.name,)) else guest.method
        return plain(f"{title} ({guest.words})" if guest.parameters else title)


@dataclass(eq=False, slots=True)
class Material:
    """known: the predictions. shown: images with their maps by method. focus: by method. pairs: the worst, in order.
    Of a guest the method is its key.
    """

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
    guests: list[Hosted] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    aligned: bool = False  # whether the pictures are known to be aligned
    seed: int = 0
    values: int = 0  # numbers of the network's input

    @property
    def classes(self) -> tuple[str, ...]:
        return self.known.classes

    def judged(self, method: str) -> Iterator[tuple[Chosen, Mapping[str, Any]]]:
        """The images whose map by that method was judged, with what was found of its trust."""
        for each in self.shown:
            heatmap = self.maps.get((each.number, method))
            if heatmap is not None and "trust" in heatmap.meta:
                yield each, heatmap.meta["trust"]

    def title(self, method: str) -> str:
        """As it is shown; a guest's is known when it has been described."""
        return TITLES.get(method) or next(each.title for each in self.guests if each.key == method)
