"""What crosses from the host to the network's device: on a GPU each crossing is a wait, so there are few."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def chosen(targets: Sequence[int], scores: Tensor, value: float = 1) -> Tensor:
    """`value` at each row's own target and 0 elsewhere, of the shape and kind of scores (N, classes).

    The gradient of scores along it is that of each row's own score, with nothing to select on the device.
    """
    along = torch.zeros(scores.shape, dtype=scores.dtype)
    along[torch.arange(len(targets)), torch.as_tensor(targets)] = value
    return sent(along, scores.device)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on the device; to a GPU it crosses by itself, and the host goes on asking for more."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
