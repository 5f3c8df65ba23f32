"""The files of weights for one architecture: the checkpoint axis."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from .digests import module_tensors
from .matching import fitting_state, load
from .runs import Stamp, Watch, stamp_of
from .weights import State, read_checkpoint


@dataclass(frozen=True)
class Series:
    """Weights files in their order. key: where the weights are in them; model: the network's name.

    blueprint: the network that is copied and filled; no explainer's hooks are ever on it where there are several files.
    watch: tells of new ones. default: the number of the weights that count where none is named.
    """

    paths: tuple[Path, ...]
    key: str | None
    model: str
    blueprint: nn.Module
    watch: Watch
    default: int = 0
    trust: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """File names, with their folders where names alone would be the same."""
        for parts in range(1, max(len(path.parts) for path in self.paths) + 1):
            names = tuple("/".join(path.parts[-parts:]) for path in self.paths)
            if len(set(names)) == len(set(self.paths)):
                return names
        return tuple(map(str, self.paths))

    def with_path(self, path: Path) -> Series:
        """This series with one more file at its end."""
        return dataclasses.replace(self, paths=(*self.paths, path))

    def module(self, index: int, device: torch.device) -> nn.Module:
        """A network with weights `index`."""
        module = copy.deepcopy(self.blueprint)
        load(module, self._state(index))
        return module.to(device)

    def tensors(self, index: int) -> State:
        """The tensors that `module` would have."""
        own = module_tensors(self.blueprint)
        return own | {name: tensor.to(own[name].dtype) for name, tensor in self._state(index).items()}

    def stamp(self, index: int) -> Stamp:
        """Changes when the file does."""
        return stamp_of(self.paths[index])

    def _state(self, index: int) -> State:
        checkpoint = read_checkpoint(self.paths[index], self.trust)
        return fitting_state(checkpoint, self.key, self.blueprint, self.model)[1].state
