"""Networks, images and runners that the tests of lime share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier
from fer_tui.contract import Heatmap, Place, Result, Subject
from fer_tui_plugins.lime import Lime, LimeParameters

Array = np.ndarray


def run(classifier: TorchClassifier, image: Array, target: int = 0, **parameters: object) -> list[Result]:
    subject = Subject(classifier, Place(image=0, target=target, checkpoint=0), image)
    return list(Lime().explain(subject, LimeParameters(**parameters)))


def explain(classifier: TorchClassifier, image: Array, target: int = 0, **parameters: object) -> Heatmap:
    last = run(classifier, image, target, **parameters)[-1]
    assert last.final and last.place.target == target and isinstance(last.explanation, Heatmap)
    return last.explanation


def coefficients(*given: Any, **parameters: object) -> Array:
    return explain(*given, **parameters).extras["coefficients"]


def blobs(height: int, width: int, colours: int = 0, seed: int = 0) -> Array:
    """Soft blobs, uint8, so that a segmentation finds something."""
    small = torch.from_numpy(np.random.default_rng(seed).random((1, colours or 1, 6, 6), np.float32))
    large = F.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)[0].permute(1, 2, 0)
    image = (large.numpy() * 255).astype(np.uint8)
    return image if colours else image[..., 0]


class Functional(nn.Module):
    """Functional operations, an in-place ReLU that is used twice, a shortcut around it."""

    def __init__(self, channels: int = 3, classes: int = 3) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(channels, 8, 5, stride=2), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.relu, self.head = nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Linear(8, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.first(x))
        x = self.relu(self.norm(self.second(x)) + x)
        x = F.max_pool2d(F.relu(x * 2), 2)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1)) * 4


def functional(channels: int = 3, classes: int = 3) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = Functional(channels, classes).eval()
        module.norm.running_mean.normal_(0, 0.1)
        module.norm.running_var.uniform_(0.5, 1.5)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


class Brightness(nn.Module):
    """Probabilities that are linear in the pixels: class 1 has `weights` . x, class 0 the rest."""

    def __init__(self, weights: Array) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights.astype(np.float32)).flatten())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        share = x.flatten(1) @ self.weights
        return torch.stack([1 - share, share], 1)
