"""What a picture is compared with, and what is put where a part of it is hidden."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fer_tui.contract import Classifier, InputError, Subject

BASELINES = ("zero", "black", "mean", "blurred", "value")
BASELINE_HELP = "what the picture is compared with; zero: the number 0 of the network's input, captum's own choice"
_BLUR = 12  # the shorter side in standard deviations of the blur


def baseline(classifier: Classifier, x: Tensor, kind: str, value: int) -> Tensor:
    """The baseline of inputs x (N, C, H, W), of their shape.

    black, value: a picture of that brightness as the network gets it; mean: each channel's mean; blurred: a Gaussian
    blur, its standard deviation a twelfth of the shorter side.
    """
    if kind == "zero":
        return torch.zeros_like(x)
    if kind == "mean":
        return x.mean((2, 3), keepdim=True).expand_as(x).clone()
    if kind == "blurred":
        return _blurred(x, min(x.shape[2:]) / _BLUR)
    channels, height, width = classifier.input_shape
    shape = (height, width) if channels == 1 else (height, width, 3)
    picture = np.full(shape, 0 if kind == "black" else value, np.uint8)
    return classifier.inputs([picture]).detach().to(x.dtype).expand_as(x).clone()


def _blurred(x: Tensor, deviation: float) -> Tensor:
    reach = max(1, round(3 * deviation))
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / deviation) ** 2)
    kernel = (weights / weights.sum()).to(x)
    planes = F.pad(x.reshape(-1, 1, *x.shape[2:]), (reach,) * 4, mode="replicate")
    planes = F.conv2d(F.conv2d(planes, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    return planes.reshape(x.shape)


def references(subject: Subject, count: int, seed: int) -> Tensor:
    """About `count` pictures of the dataset, drawn by `seed`, as the network gets them: (n, C, H, W), n from 2 on."""
    dataset = subject.dataset
    if dataset is None or len(dataset) < 2:
        raise InputError("dataset", "its pictures are the references, and there are not two", "open more with --data")
    rows = np.random.default_rng(seed).choice(len(dataset), min(max(count, 2), len(dataset)), replace=False)
    return subject.classifier.inputs([dataset[int(row)].image for row in rows]).detach()
