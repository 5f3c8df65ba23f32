"""The networks that come with fer-tui. Input: float32 (N, 1, 48, 48), gray / 255, if not told else; output: raw scores.

All end in the mean of each map and one linear layer, so the score of a class is a weighted sum of the maps' means and a
plain class activation map is exact. ReLUs are modules of their own, not in place; there is no dropout.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import nn


class FerGap(nn.Module):
    """Six convolutions, maps of 12x12 (a quarter of the input's side): 90 thousand parameters."""

    def __init__(self, classes: int = 7, channels: int = 1, size: Sequence[int] = (48, 48)) -> None:
        super().__init__()
        self.input_shape = (channels, *size)
        plan = ((16, True), (24, False), (32, True), (48, False), (64, False), (64, False))
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        given = channels
        for number, (made, halved) in enumerate(plan, 1):
            layers[f"conv{number}"] = nn.Conv2d(given, made, 3, padding=1, bias=False)
            layers[f"norm{number}"] = nn.BatchNorm2d(made)
            layers[f"relu{number}"] = nn.ReLU()
            if halved:
                layers[f"pool{number}"] = nn.MaxPool2d(2)
            given = made
        self.features = nn.Sequential(layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(given, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc(self.flatten(self.pool(self.features(images))))
        return scores


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut. The first of a stage (`halved`) halves the side of the maps."""

    def __init__(self, given: int, made: int, halved: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, made, 3, 2 if halved else 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(made)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(made, made, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(made)
        nn.init.zeros_(self.norm2.weight)  # at first a block passes on what it is given: deep networks start faster
        self.shortcut: nn.Module | None = None
        if halved:
            pool = nn.AvgPool2d(2, ceil_mode=True)
            self.shortcut = nn.Sequential(pool, nn.Conv2d(given, made, 1, bias=False), nn.BatchNorm2d(made))
        self.relu2 = nn.ReLU()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        made = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(maps)))))
        summed: torch.Tensor = self.relu2(made + (maps if self.shortcut is None else self.shortcut(maps)))
        return summed


class FerRes(nn.Module):
    """A residual network of 13 convolutions, maps of 6x6 (an eighth of the input's side): 1.4 million parameters.

    width: multiplies the filters of every layer.
    """

    def __init__(self, classes: int = 7, channels: int = 1, size: Sequence[int] = (48, 48), width: float = 1.0) -> None:
        super().__init__()
        self.input_shape = (channels, *size)
        first, *stages = (8 * max(1, round(width * filters / 8)) for filters in (32, 48, 96, 176))
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(channels, first, 3, padding=1, bias=False), norm1=nn.BatchNorm2d(first), relu1=nn.ReLU()
        )
        given = first
        for number, made in enumerate(stages, 1):
            layers[f"stage{number}"] = nn.Sequential(Residual(given, made, True), Residual(made, made, False))
            given = made
        self.features = nn.Sequential(layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(given, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc(self.flatten(self.pool(self.features(images))))
        return scores


NETWORKS: dict[str, Callable[..., nn.Module]] = {"fer-res": FerRes, "fer-gap": FerGap}
