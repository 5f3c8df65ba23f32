"""The explorer in terminals of all sizes, in few colours, and its one screen of help."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from fer_tui.engine.settings import Settings
from fer_tui.tui.bindings import bindings_of, key_name
from fer_tui.tui.first_steps import STEPS
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.popups import Help
from fer_tui.tui.state import State
from fer_tui.tui.widgets.lines import Page
from tests.tui.truth import Truth

Opened = Callable[..., AbstractAsyncContextManager[Any]]


async def test_help_and_hints(opened: Opened, samples: Settings) -> None:
    State.open().user.change(lambda values: values.update(steps=list(STEPS)))
    async with opened(samples, size=(160, 80)) as sight:
        for letter, keys in (("x", "?"), ("c", "gc?")):
            await sight.type(keys)
            assert isinstance(sight.app.screen, Help)
            words = " ".join(sight.app.screen.query_one(Page).text.split())  # its lines are wrapped
            for binding in bindings_of(letter):
                assert f"{' '.join(map(key_name, binding.keys))} {binding.help}" in words
            await sight.type("jjk")
            assert isinstance(sight.app.screen, Help)
            await sight.type("{escape}")
            assert letter == sight.app.screen.LETTER
            hints = sight.lines()[-1].split("  ")
            hinted = [f"{key_name(b.keys[0])} {b.hint}" for b in bindings_of(letter) if b.hint]
            assert sorted(hint.strip() for hint in hints if hint.strip()) == sorted(hinted)
        await sight.type("q?")
        await sight.type("q")
        assert isinstance(sight.app.screen, Explore)


SIZES = ((20, 5), (30, 8), (79, 24), (80, 24), (119, 40), (120, 40), (200, 50))


@pytest.mark.parametrize("colour", [True, False])
async def test_sizes(
    opened: Opened, samples: Settings, truth: Truth, monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    draw = random.Random(7)
    async with opened(samples, size=(80, 24)) as sight:
        await sight.predicted()
        row = 0
        for size in (*SIZES, *draw.choices(SIZES, k=2 if colour else 0)):
            await sight.pilot.resize_terminal(*size)
            assert sight.browser.row == row
            await check_size(sight, size, truth)
            await sight.type("7j")
            row += 7
            await check_size(sight, size, truth)
        if not colour:
            styles = [s.style for strip in sight.app.screen._compositor.render_strips() for s in strip if s.style]
            assert all(
                c is None or c.is_default or len(set(c.get_truecolor())) == 1 for s in styles for c in (s.color,)
            )
            assert "▀" not in sight.text() and re.search(r"[░▒▓█]{8}", sight.text())
            return
        await sight.type("gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        for size in (*SIZES, (30, 8)):
            await sight.pilot.resize_terminal(*size)
            await sight.type("jl")
            lines = sight.lines()
            assert [len(line) for line in lines] == [size[0]] * size[1]
            assert size == (20, 5) or "[" in sight.text(), "the cell at the cursor is not in sight"
        await sight.type("q{tab}?")
        for size in ((20, 5), (30, 8), (200, 50)):
            await sight.pilot.resize_terminal(*size)
            await sight.pilot.pause()
            assert isinstance(sight.app.screen, Help) and (size == (20, 5) or "Move" in sight.text())
            await sight.type("{pagedown}{pageup}")
        await sight.type("q")
        assert sight.browser.row == row


async def check_size(sight: Any, size: tuple[int, int], truth: Truth) -> None:
    """The screen is full, and the row of the cursor is in sight wherever the size allows a list."""
    await sight.pilot.pause()
    lines = sight.lines()
    assert [len(line) for line in lines] == [size[0]] * size[1]
    if size == (20, 5):
        assert "too small" in lines[0] and "30 x 8 at least" in lines[1]
        return
    row = sight.browser.row
    name = truth.dataset.classes[int(truth.labels[row])]
    assert [line for line in lines if re.match(rf" [✓✗] {row:>3} {name}\b", line)], f"row {row} is not in sight"
    assert (f"{row}  true {name}" in "\n".join(lines)) == (size[0] >= 80)
    assert ("methods" in "\n".join(lines)) == (size[0] >= 120)


async def test_panes_of_narrow_terminals(opened: Opened, samples: Settings) -> None:
    async with opened(samples, size=(79, 24)) as sight:
        await sight.predicted()
        panes = (" ✓   0 angry ", "0  true angry ", "methods")
        for keys, pane in (("", 0), ("{tab}", 1), ("{tab}", 2), ("{tab}", 0), ("{shift+tab}", 2), ("{shift+tab}", 1)):
            await sight.type(keys)
            assert [shown in sight.text() for shown in panes] == [n == pane for n in range(3)]
        await sight.type("{tab}2j")
        assert (sight.browser.row, sight.browser.target) == (0, 2), "j at the classes moves the target"
