"""What code that ran on a module has left there, in words; and the values of its tensors put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from .digests import module_tensors

_TABLES = ("_parameters", "_buffers", "_modules")


class Leavings:
    """A module as it was, to be compared with what it is later.

    weights: the values of parameters and buffers, too, which takes a copy of them. What a forward pass may well set,
    attributes of the network's own, is not looked at.
    """

    def __init__(self, module: nn.Module, *, weights: bool) -> None:
        self._modules = list(module.modules())
        self._hooks = _hooks(self._modules)
        self._parts = _parts(self._modules)
        tensors = module_tensors(module) if weights else {}
        self._values = [(name, each, each.detach().clone()) for name, each in tensors.items()]
        self._parameters = dict(module.named_parameters())
        self._required = {name: each.requires_grad for name, each in self._parameters.items()}

    def told(self) -> list[str]:
        """What is not as it was, gradients apart: each in few words. Those of tensors are told by `restored`."""
        found = []
        if more := len(_hooks(self._modules) - self._hooks):
            found.append(_counted(more, "hook"))
        if self._hooks - _hooks(self._modules):
            found.append("the network's own hooks removed")
        if modes := sum(each.training for each in self._modules):
            found.append(f"training mode on {_counted(modes, 'module')}")
        if required := sum(each.requires_grad != self._required[name] for name, each in self._parameters.items()):
            found.append(f"requires_grad of {_counted(required, 'parameter')}")
        if gradients := sum(each.grad is not None for each in self._parameters.values()):
            found.append(f".grad on {_counted(gradients, 'parameter')}")
        if _parts(self._modules) != self._parts:
            found.append("other modules or tensors in the place of its own")
        return found

    def restored(self) -> list[str]:
        """Put the values of all tensors back; what had to be, in words. To be called when all else is as it was."""
        changed = [(name, live, value) for name, live, value in self._values if not _equal(live, value)]
        with torch.no_grad():
            for _, live, value in changed:
                live.set_(value) if live.shape != value.shape else live.copy_(value)  # type: ignore[call-overload]
        return [f"other values in {_counted(len(changed), 'tensor')} ({changed[0][0]} first)"] if changed else []


def _hooks(modules: list[nn.Module]) -> set[tuple[int, str, int]]:
    """Every hook: of the modules, of their parameters, and those for all modules that there are."""
    found = {
        (id(owner), name, key)
        for owner, table in [*((each, vars(each)) for each in modules), (torch_module, vars(torch_module))]
        for name, hooks in _tables(table)
        for key in hooks
    }
    for module in modules:
        for parameter in module._parameters.values():
            hooks: Any = parameter._backward_hooks if parameter is not None else None
            found |= {(id(parameter), "_backward_hooks", key) for key in hooks or ()}
    return found


def _tables(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[int, Any]]]:
    for name, value in attributes.items():
        if name.endswith("_hooks") and isinstance(value, dict):
            yield name, value


def _parts(modules: list[nn.Module]) -> list[int]:
    """The identities of all submodules, parameters and buffers."""
    return [id(each) for module in modules for table in _TABLES for each in vars(module)[table].values()]


def _equal(live: torch.Tensor, value: torch.Tensor) -> bool:
    """The same bits, or NaN in the same places."""
    if live.shape != value.shape or live.dtype != value.dtype:
        return False
    return torch.equal(live, value) or bool(torch.allclose(live, value, rtol=0, atol=0, equal_nan=True))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
