"""A device apart computes as the CPU does, counts what it is asked for, and keeps an accelerator's rules."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.testing.apart import APART, device_apart


def test_it_computes_and_counts() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    x = torch.rand(5, 1, 6, 6)
    expected = network(x)
    with device_apart() as counts:
        far = network.to(APART)
        counts.clear()
        scores = far(x.to(APART))
        (gradient,) = torch.autograd.grad(scores.sum(), far[0].weight)
        assert counts.to_device == 1 and counts.to_host == 0 and not counts.waits
        assert counts.launches["aten::convolution"] == counts.launches["aten::addmm"] == 1
        assert torch.equal(scores.detach().cpu(), expected.detach())
        assert gradient.device == APART and gradient.cpu().abs().sum() > 0
        assert counts.to_host == 2


def test_numbers_that_are_asked_for_are_waits() -> None:
    with device_apart() as counts:
        far = torch.tensor([1.0, -2.0, 3.0], device=APART)
        assert float(far.max()) == 3 and bool((far > 0).any()) and far[far > 0].cpu().tolist() == [1, 3]
        assert far[[2, 0]].cpu().tolist() == [3, 1] and torch.equal(far, far)
        assert counts.waits.total() == 4
        assert far[torch.tensor([1])].cpu().tolist() == [-2]
        assert counts.waits["indices on the host"] == 1


def test_views_launch_nothing() -> None:
    with device_apart() as counts:
        far = torch.arange(12, device=APART)
        counts.clear()
        rows = far.view(3, 4).T[1:].unsqueeze(0).detach()
        assert not counts.launches
        far += 1
        assert rows.cpu().numpy().tolist() == (np.arange(12).reshape(3, 4).T[1:][None] + 1).tolist()


def test_a_copy_of_another_type_or_layout_is_one() -> None:
    with device_apart():
        network = nn.Conv2d(2, 3, 3).to(APART)
        network.to(torch.bfloat16).to(memory_format=torch.channels_last)
        assert network.weight.cpu().dtype == torch.bfloat16
        assert network.weight.cpu().is_contiguous(memory_format=torch.channels_last)


def test_an_accelerators_rules_are_kept() -> None:
    with device_apart():
        far = torch.ones(3, device=APART)
        with pytest.raises(RuntimeError, match="two devices"):
            far + torch.ones(3)
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, device=APART, generator=torch.Generator())
        with pytest.raises(RuntimeError, match="numpy"):
            far.numpy()
        assert (far + torch.tensor(1.0)).cpu().tolist() == [2, 2, 2]  # a single number may come from the host
    with pytest.raises(RuntimeError, match="outside"):
        far + 1
