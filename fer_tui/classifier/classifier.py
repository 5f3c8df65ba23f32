"""A network with all that is needed to feed it."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from fer_tui.contract import InputError, Layer, nearest

from .batching import Batching
from .crossing import fetching
from .digests import all_tensors, digest_of, module_source, module_tensors, source_of, tensors_digest
from .folding import fold
from .memory import keep_freed_memory
from .names import told_of_placeholder
from .outputs import Output, class_scores, precision
from .preprocessing import Preprocessing
from .structure import structure
from .untouched import evaluating, untouched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .fitting import Fit, Image
    from .series import Series
    from .weights import State

T = TypeVar("T")

_MANY = 32  # images from which on a faster copy of the network is worth its making
_KEPT = 5  # checkpoints held in memory


class TorchClassifier:
    """A PyTorch network, its preprocessing, its class names: implements `fer_tui.contract.Classifier`.

    classes_assumed: nobody told the class names.
    """

    _order: tuple[int, ...] | None = None  # which output each class is, where they are not in the network's own order

    def __init__(
        self,
        module: nn.Module,
        *,
        name: str,
        device: torch.device,
        preprocessing: Preprocessing,
        layers: tuple[Layer, ...],
        classes: tuple[str, ...],
        classes_assumed: bool,
        output: Output | None = None,
        notes: tuple[str, ...] = (),
        series: Series | None = None,
    ) -> None:
        self.name, self.classes_assumed = name, classes_assumed
        self._notes = notes
        self.preprocessing, self._series = preprocessing, series
        self._device, self._layers, self._classes, self._output = device, layers, classes, output
        self._steady = False
        keep_freed_memory()
        self._take(module)
        self._batching = self._new_batching()
        self._keep_first()

    def _new_batching(self) -> Batching:
        together = not any(isinstance(m, _BatchNorm) and m.running_mean is None for m in self._modules)
        return Batching(self.input_shape, self._device, together=together, steady=self._steady)

    def _keep_first(self) -> None:
        """The checkpoints that are in memory, and the digests that are known: by number, with the file's stamp."""
        self._twins: OrderedDict[int, tuple[object, TorchClassifier]] = OrderedDict()
        self._known: dict[int, tuple[object, str]] = {}
        if self._series is not None:
            self._twins[self.default] = self._series.stamp(self.default), self

    def _take(self, module: nn.Module) -> None:
        self._module, self._modules = module, tuple(module.modules())
        self._dtype = precision(module)
        self._digest: tuple[object, str] | None = None
        self._held: tuple[TorchClassifier, object] | None = None  # the state, while nobody changes it
        self._remembered: tuple[object, dict[Hashable, Any]] | None = None  # the state, and what was made for it

    @property
    def module(self) -> nn.Module:
        return self._module

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def classes(self) -> tuple[str, ...]:
        return self._classes

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.preprocessing.shape

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self._layers

    @property
    def modules(self) -> tuple[Layer, ...]:
        """All modules in the order in which they are defined; the shape of those that return no tensor is ()."""
        return structure(self._module, self._layers)

    def layer(self, name: str) -> Layer:
        """The layer of that name; InputError with the nearest right one."""
        for layer in self._layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self._layers]
        known = f"layers run from {names[0]} to {names[-1]}" if names else "the network has no named layer"
        raise InputError(f"layer {name}", f"the network has no such layer{nearest(name, names)}", known)

    @property
    def digest(self) -> str:
        """A digest of weights, model source, preprocessing and output; follows a live module that is trained on."""
        state = self._state()
        if self._digest is None or self._digest[0] != state:
            self._digest = state, self._digest_with(module_tensors(self._module))
        return self._digest[1]

    def _state(self) -> object:
        """Another one after every change to the weights."""
        if self._held is not None and self._held[0] is self:  # a copy has another network
            return self._held[1]
        return tuple((each.data_ptr(), each._version) for each in all_tensors(self._module))

    @contextmanager
    def still(self) -> Iterator[None]:
        """Inside, nobody changes the weights: they are looked at once, and not whenever the digest is asked for."""
        before, self._held = self._held, (self, self._state())
        try:
            yield
        finally:
            self._held = before

    def _digest_with(self, tensors: State) -> str:
        order = [repr(self._order)] if self._order is not None else []
        return digest_of([tensors_digest(tensors), *self._surroundings, *order])

    @cached_property
    def _surroundings(self) -> tuple[str, ...]:
        """What the digest covers beside the weights: the same for every checkpoint."""
        given = self.preprocessing
        numbers = (given.shape, given.mean, given.std, given.equalise, given.fit, len(self._classes))
        functions = [source_of(each) if each is not None else "" for each in (given.transform, self._output)]
        return (repr(numbers), *functions, module_source(self._module))

    def shown(self, image: Image) -> Image:
        return self.preprocessing.shown(image)

    def inputs(self, images: Sequence[Image]) -> torch.Tensor:
        return self.preprocessing.inputs(images, self._device)

    def scores(self, inputs: torch.Tensor) -> torch.Tensor:
        with evaluating(self._modules):
            returned = self._module(inputs.to(self._dtype))
        scores = class_scores(returned, len(inputs), self._output).to(inputs.dtype)
        return scores if self._order is None else scores[:, list(self._order)]

    def predict(self, images: Sequence[Image]) -> NDArray[np.float32]:
        return self.predicting(images)()

    def predicting(self, images: Sequence[Image]) -> Callable[[], NDArray[np.float32]]:
        """`predict`, asked for; what is returned waits for the scores. On an accelerator that need not be at once."""
        network = self.folded()[0] if len(images) >= _MANY else self

        def run(start: int, stop: int) -> Callable[[], list[NDArray[np.float32]]]:
            with torch.no_grad():
                return fetching(network.scores(self.inputs(images[start:stop])))

        parts = [each for *_, each in network.in_batches(len(images), run, "scores")]

        def scores() -> NDArray[np.float32]:
            found = np.empty((len(images), len(self._classes)), np.float32)
            return np.concatenate([each()[0] for each in parts], out=found) if parts else found

        return scores

    def fetching(self, *tensors: torch.Tensor) -> Callable[[], list[NDArray[Any]]]:
        return fetching(*tensors)

    def in_batches(
        self, count: int, run: Callable[[int, int], T], kind: str, *, size: int = 0
    ) -> Iterator[tuple[int, int, T]]:
        return self._batching.run(count, run, kind, size)

    @property
    def first_pass(self) -> int:
        """How many inputs a pass takes before any was timed: many on an accelerator."""
        return self._batching.first

    def around(self, module: nn.Module) -> TorchClassifier:
        """The same preparation, head and classes around another module; it has no other checkpoints."""
        twin = copy.copy(self)
        twin._series = None
        twin._take(module)
        twin._batching = twin._new_batching()
        twin._keep_first()
        return twin

    def folded(self, precision: str = "float32", hooked: Collection[str] = ()) -> tuple[TorchClassifier, str]:
        """This classifier with a faster copy of its network (see `fold`), made once for the weights as they are."""

        def made() -> tuple[TorchClassifier, str]:
            module, how = fold(self, precision, hooked)
            return self if module is None else self.around(module), how

        return self.remembered(("folded", precision, frozenset(hooked)), made)

    def remembered(self, what: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns: called once for the weights as they are. what: its name."""
        state = self._state()
        if self._remembered is None or self._remembered[0] != state:
            self._remembered = state, {}
        made = self._remembered[1]
        if what not in made:
            made[what] = make()
        found: T = made[what]
        return found

    def untouched(self, left: list[str] | None = None, *, weights: bool = False) -> AbstractContextManager[None]:
        """See `untouched`: what the code inside leaves on the network is undone, and told in `left`."""
        return untouched(self._module, left, weights=weights)

    @property
    def fit(self) -> Fit:
        """How pictures of another size are brought to the input's."""
        return self.preprocessing.fit

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found out or assumed, in plain words."""
        return (*self._notes, told_of_placeholder(self._classes)) if self.classes_assumed else self._notes

    def named(self, classes: Sequence[str]) -> TorchClassifier:
        """This classifier under other class names (as many)."""
        if len(classes) != len(self._classes):
            raise InputError("classes", f"{len(classes)} names for {len(self._classes)} outputs")
        twin = copy.copy(self)
        twin._classes, twin.classes_assumed, twin._remembered = tuple(classes), False, None
        twin._keep_first()
        return twin

    def ordered(self, order: Sequence[int], classes: Sequence[str]) -> TorchClassifier:
        """This classifier with its classes in another order, under these names; order: which of its own each one is."""
        own = self._order or range(len(self._classes))
        twin = self.named(classes)
        twin._order, twin._digest = tuple(own[number] for number in order), None
        return twin

    @property
    def networks(self) -> tuple[TorchClassifier, ...]:
        """The networks whose weights the checkpoints are: this one alone, but for `Networks`."""
        return (self,)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each of `networks`."""
        return (self.name,)

    def default_of(self, network: int) -> int:
        """The number of the checkpoint of that network that counts where none is named."""
        if network:
            raise InputError(f"network {network}", "there is no such network", "one is open, number 0")
        return self.default

    @property
    def owners(self) -> tuple[int, ...]:
        """For each checkpoint the number of its network among `networks`."""
        return (0,) * len(self.checkpoints)

    def steady(self) -> TorchClassifier:
        """This classifier with passes of one size, that never hangs on the clock: the same bits from run to run."""
        twin = copy.copy(self)
        twin._steady, twin._remembered = True, None
        twin._batching = twin._new_batching()
        twin._keep_first()
        return twin

    @property
    def is_steady(self) -> bool:
        """Whether it never hangs on the clock: see `steady`."""
        return self._steady

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Names of the weights that were opened together; one entry where there is only one."""
        return self._series.names if self._series else (self.name,)

    @property
    def default(self) -> int:
        """The number of this classifier's own weights among the checkpoints: those that count where none is named."""
        return self._series.default if self._series else 0

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of every checkpoint, in order; the file of one that is not in memory is read once."""
        if self._series is None:
            return (self.digest,)
        return tuple(self._digest_at(self._series, index) for index in range(len(self._series.paths)))

    def _digest_at(self, series: Series, index: int) -> str:
        known = self._known.get(index)
        try:
            stamp = series.stamp(index)
            if known is None or known[0] != stamp:
                twin = self._twins.get(index)
                fresh = twin is not None and twin[0] == stamp
                made = twin[1].digest if twin and fresh else self._digest_with(series.tensors(index))
                known = self._known[index] = stamp, made
        except InputError:
            if known is None:
                raise  # else the file was deleted, or is being written: what is known of it stays
        return known[1]

    def follow(self) -> bool:
        """Take the snapshots that have come to the run's folder since: at the end, so that numbers never shift.

        A file that is no checkpoint of this network is passed over. False where there are no files to look at.
        """
        for path in self._series.watch.look() if self._series is not None else ():
            assert self._series is not None
            grown = self._series.with_path(path)
            try:
                self._digest_at(grown, len(grown.paths) - 1)
            except InputError:
                continue
            self._series = grown
        return self._series is not None

    def at(self, index: int) -> TorchClassifier:
        """This classifier with the weights of checkpoint `index`; read again where the file has changed."""
        count = len(self.checkpoints)
        if not 0 <= index < count:
            there = f"there are {count}, 0 to {count - 1}" if count > 1 else "there is only checkpoint 0"
            raise InputError(f"checkpoint {index}", "there is no such checkpoint", there)
        if self._series is None:
            return self
        stamp = self._series.stamp(index)
        held = self._twins.get(index)
        if held is None or held[0] != stamp:
            twin = copy.copy(self)
            twin._take(self._series.module(index, self._device))
            held = self._twins[index] = stamp, twin
        self._twins.move_to_end(index)
        while len(self._twins) > _KEPT:
            self._twins.popitem(last=False)
        return held[1]
