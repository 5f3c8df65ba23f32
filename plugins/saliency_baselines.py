"""Baselines: what an input is compared with, and what is put where a part of it is hidden."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fer_tui.contract import Classifier

BASELINES = ("zero", "black", "mean", "blurred", "value")
_BLUR = 12  # the input's shorter side in standard deviations of the blur
_REACH = 3  # standard deviations that the blur reaches


def baseline(classifier: Classifier, x: Tensor, kind: str, value: int) -> Tensor:
    """The baseline of the inputs x (N, C, H, W), broadcastable to them.

    zero: the number 0, whatever it stands for after the preprocessing; black and value: a picture of brightness 0 or
    `value` (0 to 255), preprocessed; mean: each channel's own mean; blurred: x blurred, standard deviation
    min(H, W) / 12 pixels, edges continued.
    """
    if kind == "zero":
        return torch.zeros_like(x)
    if kind == "mean":
        return x.mean((2, 3), keepdim=True).expand_as(x)
    if kind == "blurred":
        return _blurred(x, min(x.shape[2:]) / _BLUR)
    channels, height, width = classifier.input_shape
    shape = (height, width) if channels == 1 else (height, width, 3)
    picture = np.full(shape, 0 if kind == "black" else value, np.uint8)
    return classifier.inputs([picture]).detach().to(x.dtype).expand_as(x)


def _blurred(x: Tensor, deviation: float) -> Tensor:
    """x after a Gaussian blur along both sides."""
    reach = max(1, round(_REACH * deviation))
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (steps / deviation) ** 2)
    kernel = (weights / weights.sum()).to(x)
    flat = x.reshape(-1, 1, *x.shape[2:])
    flat = F.conv2d(F.pad(flat, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    flat = F.conv2d(F.pad(flat, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    return flat.reshape(x.shape)
