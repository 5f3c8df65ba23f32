"""A small user's project: data, network, and explainers installed as real distributions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_tui.engine.settings import Settings

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.features = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
                                      nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU(inplace=True))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))
"""

# Explainers of a package of its own, as somebody else would write them.
KIT = """
import os, signal, time
from dataclasses import dataclass
import numpy as np
from fer_tui.contract import Axis, Explainer, Heatmap, Parameters, Result, parameter

HERE = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})

def heatmap(subject, value):
    image = subject.classifier.shown(subject.image)
    return Heatmap(values=np.full(image.shape[:2], value, np.float32), image=image)

class _Base(Explainer):
    title = help = "for tests"
    version = "1"
    kind = "heatmap"
    axes = HERE

class Steps(_Base):
    name = "steps"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(Parameters):
        steps: int = parameter(5, "how many", low=1, high=100000)
        pause: float = parameter(0.0, "between two", unit="s", low=0.0)

    def explain(self, subject, parameters):
        for n in range(parameters.steps):
            time.sleep(parameters.pause)
            yield Result(subject.place, heatmap(subject, n), n == parameters.steps - 1, (n + 1) / parameters.steps)

class Dies(_Base):
    name = "dies"

    def explain(self, subject, parameters):
        os.kill(os.getpid(), signal.SIGSEGV)
        yield

class Hangs(_Base):
    name = "hangs"

    def explain(self, subject, parameters):
        time.sleep(3600)
        yield

class Exits(_Base):
    name = "exits"

    def explain(self, subject, parameters):
        print("a word on stdout that must not break the stream")
        raise SystemExit("enough")
        yield

class Rude(_Base):
    name = "rude"

    def explain(self, subject, parameters):
        module = subject.classifier.module
        module.train()
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        module.register_forward_hook(lambda *a: None)
        subject.classifier.scores(subject.classifier.inputs([subject.image]))
        raise RuntimeError("in the middle [red]of it\\x1b[2J")
        yield
"""


@pytest.fixture
def kit(install: Callable[[str, str, dict[str, str]], None]) -> None:
    """The distribution `kit`, installed."""
    names = ("Steps", "Dies", "Hangs", "Exits", "Rude")
    install("kit", KIT, {name.lower(): f"kit:{name}" for name in names})


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    """200 noise images of 12 x 10 in three classes, a small seeded network, a store of its own."""
    rng = np.random.default_rng(3)
    np.savez(
        tmp_path / "noise.npz",
        images=rng.integers(0, 256, (200, 12, 10), dtype=np.uint8),
        labels=rng.integers(0, 3, 200),
        class_names=np.array(["bee", "cat", "dog"]),
    )
    (tmp_path / "net.py").write_text(NET)
    return Settings(
        data=str(tmp_path / "noise.npz"),
        model=f"{tmp_path / 'net.py'}:Net",
        classes=("bee", "cat", "dog"),
        device="cpu",
        cache=str(tmp_path / "cache"),
    )
