"""Every screen as it is drawn, beside what is kept of it in snapshots/: one file for each size of the terminal.

After a change that is wanted, FER_TUI_SNAPSHOTS=renew pytest tests/tui/test_tui_snapshots.py writes the files again;
their difference in version control is what is to be read. What hangs on the machine is left out: pictures are ░, a
fraction's digits are 0, the time that something took is "made". Below the lines stand the theme's colours in the
second cell of the first four and the last two of them, as ink/paper, under a dark and a light theme.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.segment import Segment

from fer_tui.engine.settings import Settings
from fer_tui.terminal import Picture
from fer_tui.tui.screens.base import DeskScreen
from tests.tui.test_tui_timeline import weights

Opened = Callable[..., AbstractAsyncContextManager[Any]]
Done = Callable[[], object]

FOLDER = Path(__file__).parent / "snapshots"
SIZES = (80, 24), (120, 40), (200, 60)
THEMES = "dark", "paper"
ROLES = "foreground", "primary", "secondary", "accent", "success", "error", "background", "surface", "panel"
FRACTION = re.compile(r"\d*\.\d+(e[-+]\d+)?|\d+(?=%)")
MADE = re.compile(r"stored(?= |$)|\d+ ms on cpu")
LINES = 0, 1, 2, 3, -2, -1


@pytest.fixture(autouse=True)
def with_filters(only_two_methods: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """filter-ascent and saliency beside confusion."""
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "lime,cam")


@pytest.fixture
def run(project: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A run of three snapshots of the tests' network, in the folder where the tests are."""
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    for epoch in (1, 2, 10):
        torch.save(weights(epoch), f"run/epoch{epoch}.pt")
    return dataclasses.replace(project(), weights=("run",))


def walk(sight: Any, *, popups: bool) -> Iterator[tuple[str, str, Done]]:
    """The screens: a name, the keys that lead there from the last one, and what holds once all is made."""
    desk = sight.app.desk
    askings = desk.image, desk.matrix, desk.contrast, desk.cells, desk.frames, desk.filters
    made = lambda: desk.image.answered.final and not any(each.is_working for each in askings)  # noqa: E731
    cells = lambda: not desk.cells.is_working and not sight.app.screen._waits  # noqa: E731
    climbed = lambda: desk.filters.asking.answered.final and not desk.filters.is_working  # noqa: E731
    yield "explore", "", made
    yield "parameters", "p", made
    if popups:
        yield "words", "{escape}W", made
        yield "narrowing", "W/tru:", made
        yield "palette", "{escape}{escape}:the", made
        yield "layers", "{escape}i", made
        yield "help", "{escape}?", made
        yield "themes", "{escape}{ctrl+t}", made
        yield "export", "{escape}e", made
    yield "beside", "{escape}b", lambda: made() and desk.beside.answered.final and desk.beside.predictions.complete
    yield "grid: class sheet", "bgr", cells
    yield "grid: methods by classes", "{tab}", cells
    yield "grid: checkpoints", "{tab}", lambda: cells() and desk.run.known == 3
    yield "filters: ascent", "{tab}gf", climbed
    yield "filters: outputs", "o", climbed
    yield "filters: images", "o", lambda: climbed() and desk.filters.top.answered.final
    yield "classes", "oogc", lambda: desk.matrix.answered.final
    yield "classes: contrast", "lld", lambda: desk.contrast.answered.final
    yield "timeline", "{escape}gt", lambda: desk.run.known == 3 and not desk.frames.is_working


def lines_of(sight: Any) -> list[str]:
    """What is drawn, of a popup only the popup, without what hangs on the machine."""
    screen, lines = sight.app.screen, [list(line) for line in sight.lines()]
    for picture in screen.query(Picture):
        left, top, right, bottom = screen.region.intersection(picture.region).corners
        for line in lines[top:bottom]:
            line[left:right] = "░" * (right - left)
    for popup in screen.query(".popup"):
        left, top, right, bottom = popup.region.corners
        lines = [line[left:right] for line in lines[top:bottom]]
    texts = [MADE.sub("made", FRACTION.sub(zeros, "".join(line))).rstrip() for line in lines]
    return [re.sub("░{4,}", lambda found: f"░×{len(found[0])}", text) for text in texts]


def zeros(found: re.Match[str]) -> str:
    return re.sub(r"\d", "0", found[0])


def colours_of(sight: Any) -> str:
    """The theme's names of the colours of some cells, ink/paper."""
    theme, strips = sight.app.current_theme, sight.app.screen._compositor.render_strips()
    names = {getattr(theme, role).lower(): role for role in reversed(ROLES)}
    told = []
    for line in LINES:
        segment = next(iter(Segment.simplify(strips[line].crop(1, 2))))
        style = segment.style
        inks = [style.color, style.bgcolor] if style is not None else []
        told.append("/".join(names.get(ink.name, "mixed") if ink is not None else "none" for ink in inks))
    return ", ".join(told)


def folded(lines: list[str]) -> Iterator[str]:
    """The lines, those that are one another's like told once."""
    at = 0
    while at < len(lines):
        same = next((n for n in range(at, len(lines)) if lines[n] != lines[at]), len(lines)) - at
        yield lines[at] if same == 1 else f"{lines[at]}  [{same} lines]"
        at += same


async def test_the_screens_are_what_they_were(opened: Opened, run: Settings) -> None:
    drawn: dict[tuple[int, int], list[str]] = {}
    async with opened(run, SIZES[0]) as sight:
        await sight.explained()
        await sight.predicted()
        for size in SIZES:
            await sight.pilot.resize_terminal(*size)
            await sight.settle()
            drawn[size] = []
            for name, keys, done in walk(sight, popups=size == SIZES[0]):
                await sight.type(keys)
                await sight.until(done, name, 15)
                drawn[size] += [f"==== {name} ====", *folded(lines_of(sight))]
                if isinstance(sight.app.screen, DeskScreen):  # the next screen is drawn in the other theme first
                    told = {sight.app.wardrobe.skin.name: colours_of(sight)}
                    sight.app.wear(next(theme for theme in THEMES if theme not in told))
                    await sight.settle()
                    told[sight.app.wardrobe.skin.name] = colours_of(sight)
                    drawn[size] += [f"{theme}: {told[theme]}" for theme in THEMES]
            await sight.type("ge")
    for (width, height), lines in drawn.items():
        file, text = FOLDER / f"{width}x{height}.txt", "\n".join(lines) + "\n"
        if os.environ.get("FER_TUI_SNAPSHOTS") == "renew":
            file.write_text(text, "utf-8")
        assert text == file.read_text("utf-8"), f"{file.name} (the head of this module tells how to renew it)"
