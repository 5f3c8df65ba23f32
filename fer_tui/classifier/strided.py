"""The gradient of a network's entrance: where a strided convolution takes few channels, found several times as fast."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FEW = 4  # channels: a picture's


def hasten_entrances(network: nn.Module) -> None:
    """Give the strided convolutions of few channels another way to their input's gradient; their outputs stay.

    Their weights are constants from now on: no gradient reaches them. Only for CPUs, where the usual way (a transposed
    convolution) takes five times the forward pass.
    """
    for conv in network.modules():
        if type(conv) is nn.Conv2d and _fits(conv):
            conv._conv_forward = partial(_forward, conv.stride[0], conv.padding)  # type: ignore[arg-type, method-assign]


def _fits(conv: nn.Conv2d) -> bool:
    stride = conv.stride[0]
    return (
        conv.in_channels <= _FEW
        and conv.groups == 1
        and conv.stride == (stride, stride)
        and 1 < stride <= min(conv.kernel_size)
        and conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
    )


def _forward(stride: int, padding: tuple[int, int], x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    made: Tensor = _Entrance.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
    return made


class _Entrance(torch.autograd.Function):
    """A convolution whose gradient is a convolution too: one output channel for each place in a cell of the stride."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.shape, ctx.stride, ctx.padding = x.shape, stride, padding
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None, None, None, None]:
        (weight,) = ctx.saved_tensors
        height, width = ctx.shape[2:]
        stride, (top, left) = ctx.stride, ctx.padding
        rows, row_taps, row_from = _taps(weight.shape[2], stride, top)
        columns, column_taps, column_from = _taps(weight.shape[3], stride, left)
        padded = F.pad(weight, (0, 1, 0, 1))  # the last row and column stand for taps that there are not
        kernel = padded[:, :, rows.flatten()][..., columns.flatten()]
        kernel = kernel.view(*weight.shape[:2], stride, row_taps, stride, column_taps)
        kernel = kernel.permute(1, 2, 4, 0, 3, 5).reshape(-1, len(weight), row_taps, column_taps)
        (given,) = gradients
        cells = -(-height // stride), -(-width // stride)
        above, before = -row_from, -column_from
        below = cells[0] + row_from + row_taps - 1 - given.shape[2]
        behind = cells[1] + column_from + column_taps - 1 - given.shape[3]
        given = F.pad(given, (before, behind, above, below)).contiguous(memory_format=torch.channels_last)
        found = F.pixel_shuffle(F.conv2d(given, kernel), stride)
        return found[..., :height, :width], None, None, None, None


def _taps(size: int, stride: int, padding: int) -> tuple[Tensor, int, int]:
    """Which of `size` taps meet input n = stride * cell + place: (place, tap) to an index of the kernel, or to `size`.

    Output o takes part by the tap n + padding - stride * o; the outputs are cell + first, cell + first + 1, ...
    """
    pairs = [(place, tap) for place in range(stride) for tap in range(size) if (place + padding - tap) % stride == 0]
    offsets = [(place + padding - tap) // stride for place, tap in pairs]
    first, count = min(offsets), max(offsets) - min(offsets) + 1
    table = torch.full((stride, count), size)
    for (place, tap), offset in zip(pairs, offsets, strict=True):
        table[place, offset - first] = tap
    return table, count, first
