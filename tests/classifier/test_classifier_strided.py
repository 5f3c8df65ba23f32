"""The other way to an entrance's gradient is the same gradient."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from fer_tui.classifier.strided import hasten_entrances


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        (7, 2, 3),
        (3, 2, 1),
        (3, 2, 0),
        (5, 3, 2),
        (4, 4, 0),
        ((3, 5), 2, (1, 2)),
        ((7, 2), 2, (0, 1)),
        (11, 4, 2),
        (2, 2, 0),
    ],
)
def test_input_gradients_equal_autograd(kernel: int, stride: int, padding: int) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 6, kernel, stride, padding)).double()
    fast = nn.Sequential(nn.Conv2d(3, 6, kernel, stride, padding)).double()
    fast.load_state_dict(plain.state_dict())
    hasten_entrances(fast.requires_grad_(False))
    for height, width in itertools.product((16, 17, 19), (21, 22)):
        x = torch.randn(2, 3, height, width, dtype=torch.float64)
        found = []
        for network in (plain, fast):
            y = x.clone().requires_grad_()
            made = network(y)
            weights = torch.arange(made.numel(), dtype=torch.float64).view_as(made).sin()
            (gradient,) = torch.autograd.grad((made * weights).sum(), y)
            found.append((made.detach(), gradient))
        assert torch.equal(found[0][0], found[1][0])
        assert torch.allclose(found[0][1], found[1][1], rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(fast, torch.randn(1, 3, 12, 13, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(8, 4, 3, 2),
        nn.Conv2d(3, 4, 3, 1),
        nn.Conv2d(3, 4, 3, 2, dilation=2),
        nn.Conv2d(3, 3, 3, 2, groups=3),
        nn.Conv2d(3, 4, 3, (2, 1)),
        nn.Conv2d(3, 4, 1, 2),
        nn.Conv2d(3, 4, 3, 2, 1, padding_mode="reflect"),
    ],
)
def test_others_are_left_alone(conv: nn.Conv2d) -> None:
    hasten_entrances(nn.Sequential(conv))
    assert "_conv_forward" not in vars(conv)
