"""The network's structure: all modules as a tree, narrowed by words, in the popup and by `fer-tui layers`."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import numpy as np
import pytest
import torch
from textual.app import App
from torch import nn

import fer_tui
from fer_tui.cli import main
from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.filters import FiltersScreen
from fer_tui.tui.screens.layers import LayerPicker
from fer_tui.tui.structure import branches, shape_of

Opened = Callable[..., AbstractAsyncContextManager[Any]]


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 3, 3, padding=1) for _ in range(3)])
        self.two = Two()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = conv(x)
        return self.two(x)[0]


class Two(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


class Deep(nn.Module):
    """A network with more than a hundred modules, some of which return no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[Block() for _ in range(20)])
        self.head = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(x).mean((2, 3)))


@pytest.fixture(scope="module")
def modules() -> Any:
    return fer_tui.open_classifier(Deep(), size=(224, 224), device="cpu").modules


def test_all_modules_are_known_in_the_order_of_the_code(modules: Any) -> None:
    named = {name: each for name, each in Deep().named_modules() if name}
    assert [each.name for each in modules] == list(named) and len(modules) > 100
    for each in modules:
        assert each.kind == type(named[each.name]).__name__
        assert each.parameters == sum(int(np.prod(weights.shape)) for weights in named[each.name].parameters())
    shapes = {each.name: (shape_of(each), each.filters) for each in modules}
    assert shapes["blocks.7.convs.2"] == ("3×224×224", 3) and shapes["head"] == ("4", 0)
    assert shapes["blocks.7.convs"] == shapes["blocks.7.two"] == ("–", 0)


def test_words_narrow_the_tree_and_parents_stay(modules: Any) -> None:
    found = branches(modules, "S.1 conv2d")
    assert [each.module.name for each in found if each.found] == [
        name for name in (each.name for each in modules if each.kind == "Conv2d") if "s.1" in name
    ]
    assert [(each.leaf, each.depth) for each in found[:4]] == [("blocks", 0), ("0", 1), ("convs", 2), ("1", 3)]
    assert [each.found for each in found[:4]] == [False, False, False, True]
    assert branches(modules, "no such") == [] and len(branches(modules)) == len(modules)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_a_hundred_modules_are_chosen_from_by_typing(modules: Any, size: tuple[int, int]) -> None:
    chosen: list[str | None] = []
    names = [each.name for each in modules if each.filters]
    app: App[None] = App()
    async with app.run_test(size=size) as pilot:
        picker = LayerPicker(modules, names, "blocks.19.convs.2", "")
        app.push_screen(picker, chosen.append)
        await pilot.pause()
        lines = lambda: [strip.text.rstrip() for strip in picker._compositor.render_strips()]  # noqa: E731
        assert any("▸◆" in line and "224" in line and line.rstrip().endswith("84") for line in lines())
        await pilot.press(*"13.convs", "up", "enter")
        assert not chosen and any("blocks.13.convs has no filters" in line for line in lines())
        await pilot.press("down", "down", "enter")
        await pilot.pause()
    assert chosen == ["blocks.13.convs.1"]


async def test_the_filters_screen_goes_to_a_chosen_layer(opened: Opened, samples: Settings) -> None:
    async with opened(samples, (80, 24)) as sight:
        await sight.explained()
        await sight.type("gfi")
        assert isinstance(sight.app.screen, LayerPicker)
        assert "▸◆" in sight.text() and "can be chosen" in sight.text(), "the place in use and the foot are in sight"
        await sight.type("stage2.0 conv1{enter}")
        assert isinstance(sight.app.screen, FiltersScreen)
        assert sight.browser.layer == "features.stage2.0.conv1" and "96 filters" in sight.text("#filters-title")


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str], samples: Settings) -> None:
    assert main(["layers", "conv1", "--json", "--device", "cpu", "--cache", str(samples.cache)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"conv1"} == {each["name"].rpartition(".")[2] for each in told["modules"]}
    first = told["modules"][0]
    assert (first["name"], first["output"], first["parameters"]) == ("features.conv1", [32, 48, 48], 32 * 9)
    assert main(["layers", "--device", "cpu", "--cache", str(samples.cache)]) == 0
    shown = capsys.readouterr().out
    assert "    features.stage1.0 " in shown and "32×48×48" in shown
