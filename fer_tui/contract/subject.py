"""What an explainer is given: a classifier, an image, a place; and what it may ask of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .places import Place

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layer:
    """A named module of the network: its class, its output's shape without the batch axis, its channels and weights."""

    name: str
    kind: str
    shape: tuple[int, ...]
    filters: int  # channels of a (C, H, W) output, else 0
    parameters: int


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """One row of a dataset: image uint8 (h, w) or (h, w, 3), label (-1 where there is none), an id to show."""

    image: Image
    label: int
    id: str


class Dataset(Protocol):
    """Images with labels. Labels are class indices, -1 where unknown. splits: the names of the source's splits."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> NDArray[np.int64]: ...
    @property
    def digest(self) -> str: ...
    @property
    def splits(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, row: int) -> Sample: ...
    def images(self, start: int, stop: int) -> Sequence[Image]:
        """The images of rows start to stop - 1; one array (n, h, w[, 3]) where all have the same size."""
        ...

    def narrowed(self, split: str | None, limit: int | None = None) -> Dataset:
        """The same source and classes, with another split or limit."""
        ...


class Kept(Protocol):
    """What an explainer keeps of its own for one classifier and one source of data, by names of its choice."""

    def get(self, name: str) -> Mapping[str, NDArray[Any]] | None: ...
    def put(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None: ...


class Classifier(Protocol):
    """A network with all that is needed to feed it: in evaluation mode, on its device."""

    @property
    def module(self) -> torch.nn.Module: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of the network's input."""
        ...

    @property
    def layers(self) -> tuple[Layer, ...]: ...
    @property
    def digest(self) -> str: ...
    def shown(self, image: Image) -> Image:
        """`image` fitted to the network's input: uint8 (H, W), or (H, W, 3) where the network takes colour."""
        ...

    def inputs(self, images: Sequence[Image]) -> torch.Tensor:
        """`images` fitted and preprocessed: float32 (N, C, H, W) on the device."""
        ...

    def scores(self, inputs: torch.Tensor) -> torch.Tensor:
        """Raw class scores (N, classes) of preprocessed inputs; differentiable."""
        ...

    def predict(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Raw class scores (N, classes) of images, without gradients, in batches of its own choice."""
        ...

    def in_batches(
        self, count: int, run: Callable[[int, int], T], kind: str, *, size: int = 0
    ) -> Iterator[tuple[int, int, T]]:
        """(start, stop, run(start, stop)) over 0 to `count`, in passes of the size that proves fastest here.

        `run` may return what is still to be waited for (see `fetching`): on an accelerator the next pass is asked for
        before one is handed over. It is timed, and called again for half as many where memory runs out. kind: what is
        run, for a gradient's best size is not a prediction's. size: keep to so many instead. Of a network whose inputs
        mix (batch norm without running statistics) each gets a pass of its own.
        """
        ...

    def fetching(self, *tensors: torch.Tensor) -> Callable[[], list[NDArray[Any]]]:
        """Start to copy tensors of the device to the host, by one copy for all; what is returned waits for them.

        It returns arrays of their shapes, parts of one whole: copy what is kept for long. They are float64 where a
        tensor is, else float32.
        """
        ...

    def remembered(self, what: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns: called once for the weights as they are, whoever asks. what: its name."""
        ...

    def around(self, module: torch.nn.Module) -> Classifier:
        """The same preparation, head and classes around another module, such as a faster copy of the network."""
        ...

    def folded(self, precision: str = "float32", hooked: Collection[str] = ()) -> tuple[Classifier, str]:
        """This classifier with a faster copy of its network, for many images; and what was done to it, in words.

        Batch norms are folded, channels lie last; precision "bfloat16" on request. Scores are the same up to rounding.
        The outputs of the layers in `hooked` are as in the network. Where that cannot be had: this classifier, and "".
        """
        ...

    def untouched(self) -> AbstractContextManager[None]:
        """Restores hooks, requires_grad, .grad, modes and random state on leaving, also after an error."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """What is to be explained. `place.target` is resolved where the explainer uses the target axis.

    image: uint8 (h, w) or (h, w, 3) as in the dataset, None where the explainer does not use the image axis.
    scores: raw scores over the dataset in order, as (first row, float32 (n, classes)), from the store where known.
    kept: for what takes long and serves many places, such as a fit to the dataset.
    """

    classifier: Classifier
    place: Place
    image: Image | None = None
    label: int = -1
    dataset: Dataset | None = None
    scores: Callable[[], Iterator[tuple[int, NDArray[np.float32]]]] | None = None
    kept: Kept | None = None
