"""What crosses between the host and the network's device: on a GPU each crossing is a wait, so there are few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def fetched(*tensors: Tensor) -> list[NDArray[Any]]:
    """Tensors (N, ...) of one device as arrays of the same shapes, by one copy for all: float32, float64 if any is."""
    kind = torch.float64 if any(each.dtype == torch.float64 for each in tensors) else torch.float32
    found = [each.detach().to(kind) for each in tensors]
    if len(found) == 1 or found[0].device.type == "cpu":
        return [each.cpu().numpy() for each in found]
    flat = [each.reshape(len(each), -1) for each in found]
    together = torch.cat(flat, 1).cpu().numpy()
    parts = np.split(together, np.cumsum([each.shape[1] for each in flat])[:-1], 1)
    return [part.reshape(each.shape) for part, each in zip(parts, found, strict=True)]


def chosen(targets: Sequence[int], scores: Tensor, value: float = 1) -> Tensor:
    """`value` at each row's own target and 0 elsewhere, of the shape and kind of scores (N, classes).

    The gradient of scores along it is that of each row's own score, with nothing to select on the device.
    """
    along = torch.zeros(scores.shape, dtype=scores.dtype)
    along[torch.arange(len(targets)), torch.as_tensor(targets)] = value
    return along.to(scores.device)
