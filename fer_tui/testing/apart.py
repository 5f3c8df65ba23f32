"""A device apart, where there is none: computes on the CPU, keeps an accelerator's rules, and counts what it would do.

On an accelerator a small network takes as long as its launches and waits do, and both can be counted anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

APART = torch.device("meta")  # what its tensors say of themselves: the one name that needs no driver
_CPU = torch.device("cpu")
_aten = torch.ops.aten
_INDEXING = (_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default, _aten._index_put_impl_.default)
_SIZED_BY_VALUES = (_aten.nonzero.default, _aten.masked_select.default, _aten._unique2.default)
_FILLING_NOTHING = ("aten::empty", "aten::new_empty", "aten::empty_like", "aten::lift_fresh")


@dataclass(slots=True)
class Counts:
    """What was asked of the device. launches: operations that compute something there, by name (views do not).

    to_host, to_device: copies of tensors. waits: what else stops the host until the device is done: single numbers that
    are asked for, sizes that hang on values, indices that lie on the host.
    """

    launches: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    to_host: int = 0
    to_device: int = 0

    def clear(self) -> None:
        self.launches.clear()
        self.waits.clear()
        self.to_host = self.to_device = 0

    def __str__(self) -> str:
        launched, waited = self.launches.total(), self.waits.total()
        return f"{launched} launches, {self.to_host} copies to the host, {self.to_device} to the device, {waited} waits"


@contextmanager
def device_apart() -> Iterator[Counts]:
    """Inside, tensors and modules that are sent to `APART` compute, and are counted.

    As on an accelerator, RuntimeError where tensors of both places meet, or a generator of the CPU draws there.
    """
    counts = Counts()
    with _Apart(counts), _Told():
        yield counts


class _Far(Tensor):
    """A tensor that says it lies apart; `near` has its numbers."""

    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> _Far:
        made: _Far = Tensor._make_wrapper_subclass(
            cls, near.shape, strides=near.stride(), storage_offset=near.storage_offset(), dtype=near.dtype, device=APART
        )
        made.near = near
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"apart: {self.near!r}"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        raise RuntimeError(f"{func}: its tensors lie apart, outside of device_apart")

    def data_ptr(self) -> int:
        return self.near.data_ptr()

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, other: Tensor) -> None:  # as Module.to sets it, of a new layout or type
        Tensor.data.__set__(self, other)  # type: ignore[attr-defined]
        self.near = _near(other)


class _Told(TorchFunctionMode):
    """Tensors that are made of Python's numbers are sent: torch itself leaves them empty on this device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor):
            device = kwargs.pop("device", None)
            made = func(*args, **kwargs)
            return made if device is None else made.to(device)
        if func is Tensor.new_tensor:
            like, numbers = args
            device, kind = kwargs.pop("device", like.device), kwargs.pop("dtype", like.dtype)
            return torch.tensor(numbers, dtype=kind, **kwargs).to(device)
        if func in (Tensor.__getitem__, Tensor.__setitem__) and isinstance(args[0], _Far):
            args = (args[0], _sent(args[1]), *args[2:])
        return func(*args, **kwargs)


class _Apart(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, counts: Counts) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counts = counts

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        far = [each for each in tensors if isinstance(each, _Far)]
        device = kwargs.get("device")
        there = bool(far) if device is None else torch.device(device).type == APART.type
        if not far and not there:
            return func(*args, **kwargs)
        if device is not None:
            kwargs["device"] = _CPU
        if func is _aten.copy_.default:
            there = isinstance(args[0], _Far)
        self._count(func, tensors, far, there)
        if there and isinstance(kwargs.get("generator"), torch.Generator):
            raise RuntimeError(f"{func}: a generator of the CPU draws on another device")
        made = func(*tree_map(_near, args), **tree_map(_near, kwargs))
        if not there:
            return made
        own = {id(each.near): each for each in far}  # what works in place returns its argument

        def sent(each: Any) -> Any:
            return own[id(each)] if id(each) in own else _Far(each) if isinstance(each, Tensor) else each

        return tree_map(sent, made)

    def _count(self, func: Any, tensors: list[Tensor], far: list[Any], there: bool) -> None:
        counts, moves = self._counts, func in (_aten._to_copy.default, _aten.copy_.default)
        here = [each for each in tensors if not isinstance(each, _Far)]
        if moves and not there:
            counts.to_host += 1
        elif moves and here:
            counts.to_device += 1
        elif far and func in _INDEXING and here:
            counts.to_device += len(here)
            counts.waits["indices on the host"] += 1
        elif far and any(each.ndim for each in here):
            raise RuntimeError(f"{func}: tensors of two devices meet")
        elif func in _SIZED_BY_VALUES or _is_read(func) or (func in _INDEXING and _has_mask(far[1:])):
            counts.waits[func.name()] += 1
        if not moves and not _is_view(func) and not func.name().startswith(_FILLING_NOTHING):
            counts.launches[func.name()] += 1


def _sent(index: Any) -> Any:
    """An index with its lists as tensors."""
    if isinstance(index, tuple):
        return tuple(_sent(each) for each in index)
    return torch.tensor(index).to(APART) if isinstance(index, list) else index


def _near(each: Any) -> Any:
    return each.near if isinstance(each, _Far) else each


def _has_mask(indices: list[Tensor]) -> bool:
    return any(each.dtype == torch.bool for each in indices)


def _is_read(func: Any) -> bool:
    """Whether it returns a number, and no tensor."""
    return any(str(each.type) in ("number", "bool", "int", "float") for each in func._schema.returns)


def _is_view(func: Any) -> bool:
    returns = [each.alias_info for each in func._schema.returns]
    return bool(returns) and all(each is not None and not each.is_write for each in returns)
