"""Max pooling as a chain of ReLUs, for which the rescale rule adds up."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class PairwiseMax(nn.Module):
    """nn.MaxPool2d by max(a, b) = a + relu(b - a), one ReLU for each place of the window but the first."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.size, self.stride, self.padding = (_pair(each) for each in (pool.kernel_size, pool.stride, pool.padding))
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(self.size[0] * self.size[1] - 1))

    def forward(self, x: Tensor) -> Tensor:
        (rows, columns), (down, across), (top, left) = self.size, self.stride, self.padding
        x = F.pad(x, (left, left, top, top), mode="replicate")  # what is repeated is in the same window
        height, width = (x.shape[2] - rows) // down + 1, (x.shape[3] - columns) // across + 1
        places = [
            x[:, :, row : row + (height - 1) * down + 1 : down, column : column + (width - 1) * across + 1 : across]
            for row in range(rows)
            for column in range(columns)
        ]
        most = places[0]
        for place, relu in zip(places[1:], self.relus, strict=True):
            most = most + relu(place - most)
        return most


def pairwise(module: nn.Module) -> nn.Module:
    """`module`, or a PairwiseMax of its numbers where it is a plain MaxPool2d."""
    if type(module) is nn.MaxPool2d and not module.ceil_mode and _pair(module.dilation) == (1, 1):
        return PairwiseMax(module)
    return module


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
