"""A network of the size that people use for photographs: the layout of ResNet-18, with random weights."""

from __future__ import annotations

import itertools

import torch
from torch import nn


def _conv(inside: int, outside: int, size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outside),
    )


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(inside, outside, 3, stride), nn.ReLU(), _conv(outside, outside, 3, 1))
        same = stride == 1 and inside == outside
        self.shortcut = nn.Identity() if same else _conv(inside, outside, 1, stride)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.body(x) + self.shortcut(x))


def resnet18(classes: int = 7, seed: int = 0) -> nn.Module:
    """Input float32 (N, 3, 224, 224), output (N, classes); batch norms as after training, not as at birth."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        widths = [64, 64, 128, 256, 512]
        blocks = [
            block
            for n, (inside, outside) in enumerate(itertools.pairwise(widths))
            for block in (Block(inside, outside, 2 if n else 1), Block(outside, outside, 1))
        ]
        stem = [_conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        network = nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))
        for norm in (each for each in network.modules() if isinstance(each, nn.BatchNorm2d)):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)
            norm.weight.data.uniform_(0.5, 1.0)
    return network.eval()
