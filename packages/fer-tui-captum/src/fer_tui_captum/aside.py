"""Where captum runs."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from fer_tui.contract import Classifier

_SMALL, _LARGE, _ON_GPU = 16, 8, 64  # inputs a pass: a small network's fastest on a CPU
_MANY = 4 * 48 * 48  # numbers from which on an input is large


class Aside:
    """`with aside():` runs captum with gradients on, without its warnings, and on random numbers of its own.

    The numbers go on from one `with` to the next; those of everybody else are on leaving as they were.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._torch: torch.Tensor | None = None
        self._cuda: list[torch.Tensor] = []
        self._numpy: Any = None
        self._python: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        numpy, python = np.random.get_state(), random.getstate()
        devices = list(range(torch.cuda.device_count())) if cuda else []
        with (
            torch.random.fork_rng(devices),
            torch.inference_mode(False),
            torch.enable_grad(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            try:
                self._take_up()
                yield
            finally:
                self._torch, self._numpy, self._python = torch.get_rng_state(), np.random.get_state(), random.getstate()
                self._cuda = torch.cuda.get_rng_state_all() if cuda else []
                np.random.set_state(numpy)
                random.setstate(python)

    def _take_up(self) -> None:
        if self._torch is None:
            torch.manual_seed(self._seed)
            np.random.seed(self._seed)
            random.seed(self._seed)
            return
        torch.set_rng_state(self._torch)
        np.random.set_state(self._numpy)
        random.setstate(self._python)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)


def pass_size(classifier: Classifier) -> int:
    """How many inputs go through the network at once; one where its inputs mix (batch norm of the batch's own)."""
    if any(mixes(module) for module in classifier.module.modules()):
        return 1
    if classifier.device.type != "cpu":
        return _ON_GPU
    channels, height, width = classifier.input_shape
    return _SMALL if channels * height * width < _MANY else _LARGE


def mixes(module: nn.Module) -> bool:
    """Whether a module lets the inputs of a pass change one another."""
    return isinstance(module, _BatchNorm) and module.running_mean is None
