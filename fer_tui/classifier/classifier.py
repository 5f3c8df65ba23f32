"""A network with all that is needed to feed it."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from fer_tui.contract import InputError, Layer, nearest

from .digests import digest_of, module_source, module_tensors, source_of, tensors_digest
from .matching import fitting_state, load
from .outputs import Output, class_scores
from .preprocessing import Preprocessing
from .untouched import evaluating, untouched
from .weights import State, read_checkpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .fitting import Image

_KEPT = 4  # checkpoints held in memory beside the first
_CPU_PIXELS = 64 * 48 * 48  # small batches stay in the processor's caches


class TorchClassifier:
    """A PyTorch network, its preprocessing, its class names: implements `fer_tui.contract.Classifier`.

    notes: what was found out or assumed, in plain words. classes_assumed: nobody told the class names.
    """

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
        self.name, self.notes, self.classes_assumed = name, notes, classes_assumed
        self.preprocessing, self.series = preprocessing, series
        self._device, self._layers, self._classes, self._output = device, layers, classes, output
        self._take(module)

    def _take(self, module: nn.Module) -> None:
        self._module, self._modules = module, tuple(module.modules())
        self._dtype = next((each.dtype for each in module.parameters() if each.is_floating_point()), torch.float32)
        self._digest: tuple[object, str] | None = None

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
        tensors = module_tensors(self._module)
        state = tuple((tensor.data_ptr(), tensor._version) for tensor in tensors.values())
        if self._digest is None or self._digest[0] != state:
            self._digest = state, self._digest_with(tensors)
        return self._digest[1]

    def _digest_with(self, tensors: State) -> str:
        return digest_of([tensors_digest(tensors), *self._surroundings])

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
        return class_scores(returned, len(inputs), self._output).to(inputs.dtype)

    def predict(self, images: Sequence[Image]) -> NDArray[np.float32]:
        scores = np.empty((len(images), len(self._classes)), np.float32)
        start, batch = 0, self._batch()
        with torch.no_grad():
            while start < len(images):
                part = images[start : start + batch]
                try:
                    scores[start : start + len(part)] = self.scores(self.inputs(part)).cpu().numpy()
                except torch.OutOfMemoryError:
                    if batch == 1:
                        raise
                    batch = max(1, batch // 2)
                    torch.cuda.empty_cache()
                    continue
                start += len(part)
        return scores

    def _batch(self) -> int:
        if self._device.type != "cpu":
            return 256
        _, height, width = self.input_shape
        return max(4, min(64, _CPU_PIXELS // (height * width)))

    def untouched(self) -> AbstractContextManager[None]:
        return untouched(self._module)

    def named(self, classes: Sequence[str]) -> TorchClassifier:
        """This classifier under other class names (as many)."""
        if len(classes) != len(self._classes):
            raise InputError("classes", f"{len(classes)} names for {len(self._classes)} outputs")
        twin = copy.copy(self)
        twin._classes, twin.classes_assumed = tuple(classes), False
        return twin

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Names of the weights that were opened together; one entry where there is only one."""
        return self.series.names if self.series else ("",)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of every checkpoint, in order."""
        return self.series.digests(self) if self.series else (self.digest,)

    def at(self, index: int) -> TorchClassifier:
        """This classifier with the weights of checkpoint `index`."""
        count = len(self.checkpoints)
        if not 0 <= index < count:
            there = f"there are {count}, 0 to {count - 1}" if count > 1 else "there is only checkpoint 0"
            raise InputError(f"checkpoint {index}", "there is no such checkpoint", there)
        if self.series is None:
            return self
        twin = copy.copy(self)
        twin._take(self.series.module(index))
        return twin


@dataclass
class Series:
    """Several weights of one architecture: read when they are asked for, the last few kept."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    key: str | None
    model: str
    first: nn.Module
    _opened: OrderedDict[int, tuple[object, nn.Module]] = field(default_factory=OrderedDict)
    _digests: dict[int, tuple[object, str]] = field(default_factory=dict)

    def module(self, index: int) -> nn.Module:
        """The network with weights `index`; read again where the file has changed."""
        stamp = self._stamp(index)
        held = self._opened.get(index)
        if held is None or held[0] != stamp:
            module = copy.deepcopy(self.first)
            load(module, self._state(index))
            held = self._opened[index] = stamp, module
        self._opened.move_to_end(index)
        while len(self._opened) > _KEPT:
            self._opened.popitem(last=False)
        return held[1]

    def digests(self, classifier: TorchClassifier) -> tuple[str, ...]:
        """The digest of `classifier` with each of the weights; every file is read once."""
        own = module_tensors(self.first)
        for index in range(len(self.paths)):
            stamp = self._stamp(index)
            if self._digests.get(index, (None,))[0] != stamp:
                state = {name: tensor.to(own[name].dtype) for name, tensor in self._state(index).items()}
                self._digests[index] = stamp, classifier._digest_with({**own, **state})
        return tuple(self._digests[index][1] for index in range(len(self.paths)))

    def _state(self, index: int) -> State:
        return fitting_state(read_checkpoint(self.paths[index]), self.key, self.first, self.model)[1].state

    def _stamp(self, index: int) -> Any:
        try:
            about = self.paths[index].stat()
        except OSError as error:
            raise InputError(self.paths[index], f"cannot be read: {error.strerror}") from error
        return about.st_mtime_ns, about.st_size
