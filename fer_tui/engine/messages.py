"""The typed messages between the terminal process and the compute process.

A message is a frozen dataclass of JSON-like data; arrays and packed explanations travel beside it as bytes (`blob`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Description, Layer, Place, Value
from fer_tui.regions.table import FocusTable

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier


@dataclass(frozen=True, slots=True)
class Message:
    """The base of all messages."""


# ---- terminal -> compute -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open(Message):
    """Open dataset and classifier; answered by Narration, DatasetOpened, ClassifierOpened, Described or Failed.

    settings: what to open (None: what the compute process holds already). without: explainers not to load, and why.
    """

    settings: Mapping[str, Any] | None
    without: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explain(Message):
    """Run an explainer; answered by Answers and one Done or Failed. `urgent` work goes before prefetching.

    judged: also find out how far the map can be trusted (engine.judge). against: minus the map of that class. cell: the
    mean of that over so many images (0: all) of class `against` that are taken for the target (engine.contrasting),
    measured in the regions of the name `regions`. action: the method's action of that name instead.
    """

    job: int
    method: str
    parameters: Mapping[str, Value]
    place: Place
    urgent: bool = True
    judged: bool = False
    against: int | None = None
    cell: int | None = None
    regions: str | None = None
    action: str = ""


@dataclass(frozen=True, slots=True)
class Predict(Message):
    """Predict the whole dataset in the background; answered by Predictions, Done.

    `rows` come first, as they are in sight, then all from row `start` on and round.
    """

    job: int
    start: int = 0
    checkpoint: int = 0
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureFocus(Message):
    """Measure the focus of an explainer by class, in the background; answered by Focused, and one Done or Failed.

    regions: their name (regions.SPECS). per_class: images of each class, explained for the predicted class.
    """

    job: int
    method: str
    parameters: Mapping[str, Value]
    place: Place
    regions: str
    per_class: int


@dataclass(frozen=True, slots=True)
class FindSimilar(Message):
    """Find the most similar images to a row, of the training split where there is one; answered by Similar, Done."""

    job: int
    row: int
    count: int
    checkpoint: int = 0


@dataclass(frozen=True, slots=True)
class Variant:
    """A method under parameters: all of them."""

    method: str
    parameters: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Places:
    """Images with a class of each, at one layer and checkpoint. targets: for each of `rows`, -1 where it is unknown."""

    rows: tuple[int, ...]
    targets: tuple[int, ...]
    layer: str | None = None
    checkpoint: int = 0


@dataclass(frozen=True, slots=True)
class CountStored(Message):
    """Count what the stores have of each variant at these places; answered by Counted, and one Done or Failed."""

    job: int
    variants: tuple[Variant, ...]
    places: Places


@dataclass(frozen=True, slots=True)
class Cancel(Message):
    """Stop a job at its next yield; answered by Done."""

    job: int


@dataclass(frozen=True, slots=True)
class Quit(Message):
    """End the compute process."""


# ---- compute -> terminal -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Narration(Message):
    """What is being done before there is anything to show; `share` 0..1 where it is known."""

    text: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class DatasetOpened(Message):
    """The dataset is parsed: `folder` is its memory-mapped form, which the terminal process opens by itself."""

    folder: str
    split: str | None
    limit: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """What is a network's own, of several. default: the checkpoint to begin with where only the network is named."""

    name: str
    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    device: str
    fit: str
    default: int
    modules: tuple[Layer, ...] = ()

    @classmethod
    def of(cls, classifier: TorchClassifier, number: int) -> Network:
        """What network `number` of a classifier has."""
        own, default = classifier.networks[number], classifier.default_of(number)
        name, device = classifier.names[number], str(own.device)
        return cls(name, own.input_shape, own.layers, device, own.fit, default, own.modules)


@dataclass(frozen=True, slots=True)
class ClassifierOpened(Message):
    """The classifier as plain data. digests: one for each checkpoint; default: the one to begin with.

    fit: how pictures are fitted. modules: all of them, a parent before its
    children. networks: all of them; owners: for each checkpoint the number of its network. The
    fields that `Network` has, too, are those of one of them: see `at`.
    """

    name: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    checkpoints: tuple[str, ...]
    digests: tuple[str, ...]
    device: str
    notes: tuple[str, ...] = ()
    fit: str = "stretch"
    default: int = 0
    modules: tuple[Layer, ...] = ()
    networks: tuple[Network, ...] = ()
    owners: tuple[int, ...] = ()

    @classmethod
    def of(cls, classifier: TorchClassifier, notes: Sequence[str]) -> ClassifierOpened:
        """What is to be told of a classifier."""
        return cls(
            name=classifier.name,
            classes=classifier.classes,
            input_shape=classifier.input_shape,
            layers=classifier.layers,
            checkpoints=classifier.checkpoints,
            digests=classifier.digests,
            device=str(classifier.device),
            notes=tuple(notes),
            default=classifier.default,
            fit=classifier.fit,
            modules=classifier.modules,
            networks=tuple(Network.of(classifier, number) for number in range(len(classifier.networks))),
            owners=classifier.owners,
        )

    def at(self, checkpoint: int) -> ClassifierOpened:
        """The same, told of the network whose weights checkpoint `checkpoint` is."""
        if len(self.networks) < 2 or checkpoint >= len(self.owners):
            return self
        own = self.networks[self.owners[checkpoint]]
        return replace(
            self,
            name=own.name,
            input_shape=own.input_shape,
            layers=own.layers,
            device=own.device,
            fit=own.fit,
            modules=own.modules,
        )

    def series_of(self, checkpoint: int) -> tuple[int, ...]:
        """The checkpoints of the network whose weights that one is, it among them."""
        if len(self.networks) < 2:
            return tuple(range(len(self.checkpoints)))
        return tuple(n for n, owner in enumerate(self.owners) if owner == self.owners[checkpoint])


@dataclass(frozen=True, slots=True)
class Followed(Message):
    """The run has grown, or a file of it has changed: all its checkpoints as they are now, the new ones at the end."""

    checkpoints: tuple[str, ...]
    digests: tuple[str, ...]
    owners: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Described(Message):
    """The explainers that could be loaded, and the others with the reason (name -> one line).

    remembered: from the last run, before anything is imported; the truth follows.
    """

    explainers: tuple[Description, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """One result of a job, for `place` with its target resolved; `blob` is the packed explanation (engine.codec)."""

    job: int
    key: str
    place: Place
    final: bool
    progress: float | None
    seconds: float
    blob: bytes = b""


@dataclass(frozen=True, slots=True)
class Predictions(Message):
    """Raw scores of rows `start` onwards under one checkpoint; `blob` is float32 (n, classes)."""

    start: int
    checkpoint: int
    blob: bytes = b""


@dataclass(frozen=True, slots=True)
class Focused(Message):
    """Focus by class so far (None: not yet), and the share of the job that is done; the last one has intervals."""

    job: int
    progress: float
    table: FocusTable | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A similar image. row: of the split that was searched; source: of the whole source. label: -1 for none."""

    row: int
    source: int
    label: int
    predicted: int
    distance: float


@dataclass(frozen=True, slots=True)
class Similar(Message):
    """The most similar images, the nearest first; `found` is None while features are made: `progress` of them are.

    split: the one that was searched, limit: how many rows of it, None for all.
    """

    job: int
    progress: float
    split: str | None
    limit: int | None = None
    found: tuple[Neighbour, ...] | None = None


@dataclass(frozen=True, slots=True)
class Counted(Message):
    """Of variant number `variant` of a CountStored: its places, how many were looked at so far, how many are stored."""

    job: int
    variant: int
    places: int
    looked: int
    found: int


@dataclass(frozen=True, slots=True)
class Done(Message):
    """A job has ended: finished, or cancelled."""

    job: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Failed(Message):
    """A job (or, where it is None, opening) failed: one line, and the traceback for those who ask."""

    job: int | None
    fault: str
    details: str = ""


# ---- said by the client itself -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told(Message):
    """Something that an explainer did and that did not stop its work, such as hooks that it left: in one line."""

    explainer: str
    fault: str


@dataclass(frozen=True, slots=True)
class Lost(Message):
    """The compute process ended by itself (signal or exit code in `reason`); it is being started again."""

    reason: str
