"""Small seeded networks of every kind that users bring, and one whose evidence is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

LAYERS = ("conv1", "conv2")  # of a Toy: the layers that have filters, and whose maps are as large as the input
SIDE, MARGIN, SQUARE = 40, 3, 12  # of Planted, in pixels: its input, and its regions


class ToyBreak(RuntimeError):
    """A Toy was told to break."""


class Passes:
    """How many passes went through a network and its copies, and after how many it breaks (None: never)."""

    def __init__(self) -> None:
        self.count = 0
        self.limit: int | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Passes:
        return self  # a faster copy of the network breaks with it

    @property
    def broke(self) -> bool:
        return self.limit is not None and self.count > self.limit

    def another(self) -> None:
        """One more pass; ToyBreak from the limit on."""
        self.count += 1
        if self.broke:
            raise ToyBreak("the network broke")


class Toy(nn.Module):
    """Two convolutions with a batch norm, mean pooling, a linear head; gray or RGB, any size, any classes.

    style: how activations and pooling are written; every style computes the same numbers. passes: see `Passes`.
    """

    def __init__(self, channels: int = 1, classes: int = 3, style: str = "modules", seed: int = 11) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv1, self.norm = nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6)
            self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
            self.fc = nn.Linear(6, classes)
            with torch.no_grad():
                self.norm.get_buffer("running_mean").normal_(0, 0.2)
                self.norm.get_buffer("running_var").uniform_(0.5, 1.5)
                self.fc.weight.mul_(3)
        self.style, self.passes = style, Passes()
        self.relu1 = nn.ReLU(inplace=style == "in place")
        self.relu2 = self.relu1 if style == "reused" else nn.ReLU(inplace=style == "in place")
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv1(x))
        x = F.relu(x) if self.style == "functional" else self.relu1(x)
        self.passes.another()
        x = self.conv2(x)
        x = torch.relu(x) if self.style == "functional" else self.relu2(x)
        x = x.mean((2, 3)) if self.style == "functional" else self.pool(x).flatten(1)
        scores: torch.Tensor = self.fc(x)
        return scores


def frozen(channels: int = 1, classes: int = 3) -> nn.Module:
    """A Toy none of whose parameters asks for gradients."""
    return Toy(channels, classes).requires_grad_(False)


def parallel(channels: int = 1, classes: int = 3) -> nn.Module:
    """A Toy inside nn.DataParallel: its layers' names begin with "module."."""
    return nn.DataParallel(Toy(channels, classes)).eval()


def training(channels: int = 1, classes: int = 3) -> nn.Module:
    """A Toy in training mode, as it comes out of a training loop."""
    return Toy(channels, classes).train()


NETWORKS: Mapping[str, Callable[[int, int], nn.Module]] = {  # all compute a Toy's numbers; (channels, classes)
    "in-place ReLU": lambda channels, classes: Toy(channels, classes, "in place"),
    "a reused ReLU": lambda channels, classes: Toy(channels, classes, "reused"),
    "functional": lambda channels, classes: Toy(channels, classes, "functional"),
    "frozen": frozen,
    "DataParallel": parallel,
    "in training mode": training,
}


class Planted(nn.Module):
    """A network with known evidence: the score of class c hangs on the pixels of `regions[c]` alone.

    Each class has a square of its own; regions: float32 (3, SIDE, SIDE) of 0 and 1. The score is how rough the picture
    is there, so that black, gray and a mean colour all hide it: a convolution that sees pixels brighter than those
    around them, the map of each class cut out by its region, a convolution that passes it on (`read`, the last layer
    with maps), mean pooling, a linear head.
    """

    regions: torch.Tensor

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        corners = ((MARGIN, MARGIN), (MARGIN + 4, SIDE - MARGIN - SQUARE), (SIDE - MARGIN - SQUARE, SIDE // 2 - 4))
        regions = torch.zeros(len(corners), SIDE, SIDE)
        for region, (top, left) in zip(regions, corners, strict=True):
            region[top : top + SQUARE, left : left + SQUARE] = 1
        self.register_buffer("regions", regions)
        classes = len(corners)
        self.see = nn.Conv2d(channels, classes, 3, padding=1, padding_mode="replicate", bias=False)
        self.read, self.relu = nn.Conv2d(classes, classes, 1, bias=False), nn.ReLU()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(classes, classes, bias=False)
        with torch.no_grad():
            self.see.weight.fill_(-1 / (9 * channels))
            self.see.weight[:, :, 1, 1] += 1 / channels
            self.read.weight.copy_(torch.eye(classes)[:, :, None, None])
            self.fc.weight.copy_(40 * torch.eye(classes))
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.see(x)) * self.regions
        scores: torch.Tensor = self.fc(self.pool(self.relu(self.read(x))).flatten(1))
        return scores
