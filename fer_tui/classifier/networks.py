"""The networks that come with fer-tui. Input: float32 (N, 1, 48, 48), gray / 255; output: raw class scores."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn


class FerGap(nn.Module):
    """Six convolutions, the mean of each 12x12 map, one linear layer: 90 thousand parameters.

    The score of a class is a weighted sum of the maps' means, so a plain class activation map is exact, on a grid of
    12x12. The ReLUs are modules of their own, not in place; there is no dropout.
    """

    input_shape: ClassVar[tuple[int, int, int]] = (1, 48, 48)

    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        plan = ((1, 16, True), (16, 24, False), (24, 32, True), (32, 48, False), (48, 64, False), (64, 64, False))
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, (given, made, halved) in enumerate(plan, 1):
            layers[f"conv{number}"] = nn.Conv2d(given, made, 3, padding=1, bias=False)
            layers[f"norm{number}"] = nn.BatchNorm2d(made)
            layers[f"relu{number}"] = nn.ReLU()
            if halved:
                layers[f"pool{number}"] = nn.MaxPool2d(2)
        self.features = nn.Sequential(layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(plan[-1][1], classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc(self.flatten(self.pool(self.features(images))))
        return scores


NETWORKS: dict[str, Callable[..., nn.Module]] = {"fer-gap": FerGap}
