"""The command that `y` copies makes what was on the screen, to the last digits, whatever was chosen."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fer_tui.cli import main
from fer_tui.contract import Explanation, Gallery, Heatmap
from fer_tui.engine.settings import Settings
from fer_tui.picture import load
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.popups import Details
from tests.tui.truth import Truth

Opened = Callable[..., AbstractAsyncContextManager[Any]]

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.pool(self.features(x)).flatten(1))
"""


def numbers(explanation: Explanation) -> Any:
    assert isinstance(explanation, Heatmap | Gallery)
    return explanation.values if isinstance(explanation, Heatmap) else explanation.images


@pytest.fixture
def snapshots(project: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two checkpoints of a network with layers, class names and preprocessing that a shell could stumble over."""
    monkeypatch.delenv("FER_TUI_DISABLE_PLUGINS")
    settings = project(("bee's", "-cat dog", "$dog"))
    (tmp_path / "net.py").write_text(NET)
    scope: dict[str, Any] = {}
    exec(NET, scope)
    files = []
    for seed in range(2):
        torch.manual_seed(seed)
        files.append(str(tmp_path / f"epoch {seed}.pt"))
        torch.save(scope["Net"]().state_dict(), files[-1])
    return replace(settings, weights=tuple(files), mean=(0.1,), std=(0.7,), limit=40)


async def test_every_method_under_every_name_makes_the_same_again(
    opened: Opened, snapshots: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    shown: list[Any] = []
    async with opened(snapshots) as sight:
        await sight.predicted()
        await sight.until(
            lambda: len(sight.app.desk.project.methods) > 4 and sight.app.desk.described, "the explainers"
        )
        monkeypatch.setattr(sight.app, "copy_to_clipboard", copied.append)
        desk = sight.app.desk

        async def copy(keys: str) -> None:
            await sight.type(keys)
            desk.aim()
            await sight.explained()
            shown.append(numbers(sight.explanation))
            await sight.type("y{escape}")

        for number in range(1, len(desk.project.methods_for(dataset=False)) + 1):
            await copy(f"{3 * number}G{number}m")
        for description, alias in desk.project.aliases:
            desk.choice.choose_alias(description, alias)
            await copy("j")
        await copy(".t")
        await copy("2c")
        desk.choice.choose_named("cam")
        await copy("[")
        desk.choice.choose_named("filter-ascent")
        await copy("]}}")
    assert len(copied) == len(shown) > 20
    told = " ".join(copied)
    assert "--layer" in told and "--filter" in told and "--checkpoint 1" in told and "--checkpoint 0" in told
    for line, values in zip(copied, shown, strict=True):
        again = tmp_path / "again.npz"
        assert main([*shlex.split(line)[1:], "--cache", "none", "--out", str(again)]) == 0, line
        made = numbers(load(again))
        assert made.shape == values.shape, line
        np.testing.assert_allclose(made, values, rtol=1e-4, atol=1e-5, err_msg=line)


async def test_the_command_makes_the_same_again(
    opened: Opened, samples: Settings, truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    async with opened(samples) as sight:
        await sight.predicted()
        monkeypatch.setattr(sight.app, "copy_to_clipboard", copied.append)
        await sight.type("11Gt")
        await sight.explained()
        values, place = sight.explanation.values, sight.answered.place
        await sight.type("y")
        assert isinstance(sight.app.screen, Details)
        shown = sight.text()
        await sight.type("q")
        assert isinstance(sight.app.screen, Explore)
        await sight.type("gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        counts = sight.app.desk.matrix.answered.explanation.counts
        await sight.type("yq")
    words = [shlex.split(line) for line in copied]
    assert [each[:3] for each in words] == [["fer-tui", "explain", "saliency"], ["fer-tui", "explain", "confusion"]]
    assert all(word in shown for word in words[0]), "the command is not shown whole"
    assert main([*words[0][1:], "--cache", "none", "--out", str(tmp_path / "e.npz")]) == 0
    with np.load(tmp_path / "e.npz") as saved:
        np.testing.assert_allclose(saved["values"], values, rtol=0, atol=1e-6)
    assert (place.image, place.target) == (11, truth.labels[11])
    assert main([*words[1][1:], "--out", str(tmp_path / "m.json")]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["counts"] == counts.tolist()


async def test_the_command_names_what_is_open(
    opened: Opened, project: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of a user").mkdir()
    settings = project(("-minus", "two words", "1"), name="of a user/it's; $HOME.npz")
    settings = replace(settings, mean=(0.25,), std=(0.5,), equalise=True, limit=40, size=(12, 10), fit="pad")
    settings = replace(settings, classes=("-minus", "two words", "1"))
    copied: list[str] = []
    async with opened(settings) as sight:
        await sight.predicted()
        monkeypatch.setattr(sight.app, "copy_to_clipboard", copied.append)
        values = []
        for number in range(3):
            await sight.type(f"39G{number}c")
            await sight.explained()
            values.append(sight.explanation.values)
            await sight.type("yq")
    assert not np.array_equal(values[0], values[1])
    for number, line in enumerate(copied):
        out = tmp_path / f"{number}.npz"
        assert main([*shlex.split(line)[1:], "--out", str(out)]) == 0
        with np.load(out) as saved:
            np.testing.assert_allclose(saved["values"], values[number], rtol=0, atol=1e-6)
