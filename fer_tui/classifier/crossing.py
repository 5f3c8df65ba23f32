"""What crosses between the host and the network's device: on a GPU each crossing is a wait, so there are few."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

Arrays = list[NDArray[Any]]


def fetching(*tensors: Tensor) -> Callable[[], Arrays]:
    """Start to copy tensors of one device to the host, by one copy for all; what is returned waits for them.

    It returns arrays of their shapes, which may be parts of one whole: float64 where a tensor is, else float32.
    """
    kind = torch.float64 if any(each.dtype == torch.float64 for each in tensors) else torch.float32
    found = [each.detach().to(kind) for each in tensors]
    if found[0].device.type == "cpu":
        return lambda: [each.numpy() for each in found]
    shapes = [each.shape for each in found]
    together = torch.cat([each.flatten() for each in found])
    if together.device.type != "cuda":
        return lambda: _parted(together.cpu(), shapes)
    # Into memory that stays where it is: the copy needs no help of the host then, and more can be asked for meanwhile.
    host = torch.empty(together.shape, dtype=kind, pin_memory=True).copy_(together, non_blocking=True)
    there = torch.cuda.Event()  # type: ignore[no-untyped-call]
    there.record(torch.cuda.current_stream(together.device))

    def arrays() -> Arrays:
        there.synchronize()
        return _parted(host, shapes)

    return arrays


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on the device; to a GPU it crosses by itself, while the host goes on."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _parted(together: Tensor, shapes: list[torch.Size]) -> Arrays:
    ends = itertools.accumulate(shape.numel() for shape in shapes)
    numbers = together.numpy()
    return [numbers[end - shape.numel() : end].reshape(shape) for end, shape in zip(ends, shapes, strict=True)]
