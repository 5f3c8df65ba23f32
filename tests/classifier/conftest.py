"""Fixtures for the classifier: one thread, tiny networks, a file of networks as a user would write it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

NETS = '''\
import torch
from torch import nn


class Tiny(nn.Module):
    """A fixed-size head: runs on 48x48 only."""

    def __init__(self, classes=7, channels=1):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(4))
        self.head = nn.Linear(4 * 12 * 12, classes)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


class Needs(Tiny):
    def __init__(self, num_classes, in_channels):
        super().__init__(num_classes, in_channels)


def make(classes=7):
    return Tiny(classes)


def halves(image):
    import numpy as np
    return torch.from_numpy(np.asarray(image, np.float32) / 510)


def first_three(scores):
    return scores[:, :3]


READY = Tiny()
NUMBER = 3
'''


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads on a busy machine spend their time waiting for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def net_file(tmp_path: Path) -> Path:
    path = tmp_path / "my_nets.py"
    path.write_text(NETS)
    return path
