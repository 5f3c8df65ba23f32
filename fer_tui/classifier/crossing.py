"""What crosses from the network's device to the host: on a GPU each crossing is a wait, so there are few."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Arrays = list[NDArray[np.float32]]


def fetching(*tensors: Tensor) -> Callable[[], Arrays]:
    """Start to copy tensors (N, ...) of one device to the host, by one copy for all; what is returned waits for them.

    It returns float32 arrays of their shapes, which may be parts of one whole.
    """
    found = [each.detach().float() for each in tensors]
    if found[0].device.type == "cpu":
        return lambda: [each.numpy() for each in found]
    shapes = [each.shape for each in found]
    together = torch.cat([each.flatten(1) for each in found], 1) if len(found) > 1 else found[0].flatten(1)
    if together.device.type != "cuda":
        return lambda: _parted(together.cpu(), shapes)
    # Into memory that stays where it is: the copy needs no help of the host then, and more can be asked for meanwhile.
    host = torch.empty(together.shape, dtype=together.dtype, pin_memory=True).copy_(together, non_blocking=True)
    there = torch.cuda.Event()  # type: ignore[no-untyped-call]
    there.record(torch.cuda.current_stream(together.device))

    def arrays() -> Arrays:
        there.synchronize()
        return _parted(host, shapes)

    return arrays


def _parted(together: Tensor, shapes: list[torch.Size]) -> Arrays:
    """The parts of each row, (N, values of all) to (N, ...) each."""
    ends = np.cumsum([shape[1:].numel() for shape in shapes])
    parts = np.split(together.numpy(), ends[:-1], 1)
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
