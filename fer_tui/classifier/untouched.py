"""A module left exactly as it was."""

from __future__ import annotations

import contextlib
import random
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules import module as torch_module

from .leavings import Leavings


@contextlib.contextmanager
def untouched(module: nn.Module, left: list[str] | None = None, *, weights: bool = False) -> Iterator[None]:
    """Evaluation mode, gradients on and no .grad inside; on leaving, also by an error, all is as it was.

    Restored: every attribute of every submodule by identity (hooks, parameters, swapped children, train/eval mode),
    hooks on parameters and those for all modules, requires_grad and .grad, the random states of torch, CUDA, NumPy and
    Python, grad mode, default dtype and number of threads. weights: the values of parameters and buffers, too; it takes
    a copy of them. left: gets what had to be restored, in words.
    """
    attributes = [(vars(each), vars(each).copy()) for each in module.modules()]
    tables = [
        (table, table.copy() if table else None)
        for _, saved in attributes
        for table in saved.values()
        if type(table) is dict or type(table) is OrderedDict
    ]
    parameters = [each for _, saved in attributes for each in saved["_parameters"].values() if each is not None]
    gradients = [(each, each.requires_grad, each.grad) for each in parameters]
    hooked = [(each, dict(each._backward_hooks or {})) for each in parameters]
    for_all = [(table, dict(table)) for name, table in vars(torch_module).items() if name.endswith("_hooks")]
    dtype, threads, states = torch.get_default_dtype(), torch.get_num_threads(), _RandomStates()
    try:
        for parameter, _, gradient in gradients:
            if gradient is not None:
                parameter.grad = None  # a backward pass would add to the user's own tensor
        with torch.inference_mode(False), torch.enable_grad():
            for live, _ in attributes:
                live["training"] = False  # not .eval(), which some networks override to rewrite their weights
            leavings = Leavings(module, weights=weights) if left is not None or weights else None
            yield
    finally:
        told = leavings.told() if leavings is not None else []
        for live, saved in attributes:
            live.clear()
            live.update(saved)
        for table, entries in tables:
            if table or entries:
                table.clear()
                table.update(entries or ())
        for parameter, required, gradient in gradients:
            if parameter.requires_grad != required:
                parameter.requires_grad_(required)
            if parameter.grad is not gradient:
                parameter.grad = gradient
        for parameter, hooks in hooked:
            if dict(parameter._backward_hooks or {}) != hooks:
                parameter._backward_hooks = OrderedDict(hooks) or None
        for table, hooks in for_all:
            if dict(table) != hooks:
                table.clear()
                table.update(hooks)
        told += leavings.restored() if leavings is not None else []
        torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        told += states.restore()
        if left is not None:
            left += told


@contextlib.contextmanager
def evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Evaluation mode inside, the modes that were on leaving; costs nothing where it is on already."""
    training = [module for module in modules if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextlib.contextmanager
def same_randomness() -> Iterator[None]:
    """The random generators are on leaving as they were; building a network draws its first weights."""
    states = _RandomStates()
    try:
        yield
    finally:
        states.restore()


class _RandomStates:
    """The state of every random generator that an explainer could use."""

    def __init__(self) -> None:
        self.torch = torch.get_rng_state()
        self.cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        self.mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        self.numpy: dict[str, Any] = np.random.get_state(legacy=False)
        self.python = random.getstate()

    def restore(self) -> list[str]:
        """Put all back; whose state was another one, in words."""
        changed = []
        if not torch.equal(torch.get_rng_state(), self.torch):
            changed.append("torch")
            torch.set_rng_state(self.torch)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)
        if self.mps is not None:
            torch.mps.set_rng_state(self.mps)
        numbers: dict[str, Any] = np.random.get_state(legacy=False)
        if not _same_numbers(numbers, self.numpy):
            changed.append("NumPy")
            np.random.set_state(self.numpy)
        if random.getstate() != self.python:
            changed.append("Python")
            random.setstate(self.python)
        return [f"another random state of {', '.join(changed)}"] if changed else []


def _same_numbers(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states of NumPy's generator are the same."""
    mine, others = one["state"], other["state"]
    return (
        one["bit_generator"] == other["bit_generator"]
        and (one["has_gauss"], one["gauss"]) == (other["has_gauss"], other["gauss"])
        and mine.keys() == others.keys()
        and all(np.array_equal(value, others[key]) for key, value in mine.items())
    )
