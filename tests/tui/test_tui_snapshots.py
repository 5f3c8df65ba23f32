"""Every screen and popup as it is drawn, beside what is kept of it in snapshots/: a file for each size of the terminal.

After a change that is wanted, FER_TUI_SNAPSHOTS=renew pytest tests/tui/test_tui_snapshots.py writes the files again;
their difference in version control is what is to be read. drawn.py tells how a screen becomes text: words, and below
them how many cells are in which colours under a dark and a light theme. All is walked through once before anything is
kept: what is made by then, and so what is stored and told of it, is the same however fast the machine is.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from textual.screen import Screen

from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.method_picker import MethodPicker
from fer_tui.tui.screens.resembling import SimilarPopup
from tests.tui.drawn import THEMES, Cell, cells_of, roles, told
from tests.tui.test_tui_timeline import weights

Opened = Callable[..., AbstractAsyncContextManager[Any]]
Done = Callable[[], object]

FOLDER = Path(__file__).parent / "snapshots"
SMALL, BROAD = (80, 24), (160, 50)
SIZES = SMALL, (120, 40), BROAD, (200, 60)


@pytest.fixture(autouse=True)
def methods_and_stillness(only_two_methods: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """filter-ascent and saliency beside confusion; no cursor blinks; nothing is made ahead, for that hangs on speed."""
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "lime,cam")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("fer_tui.tui.ahead._CHEAP", -1.0)


@pytest.fixture
def run(project: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A run of three snapshots of the tests' network, in the folder where the tests are."""
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    for epoch in (1, 2, 10):
        torch.save(weights(epoch), f"run/epoch{epoch}.pt")
    return dataclasses.replace(project(), data="noise.npz", model="net.py:Net", weights=("run",), cache="cache")


def walk(sight: Any, size: tuple[int, int]) -> Iterator[tuple[str, str, Done]]:
    """Screens and popups: a name, the keys that lead there from the last one, and what holds once all is made.

    Popups that look much the same at any size are there when it is small, and are all when it is broad.
    """
    if size != BROAD:
        yield from beginning(sight)
    if size in (SMALL, BROAD):
        yield from little(sight)
    if size != BROAD:
        yield from ending(sight)


def beginning(sight: Any) -> Iterator[tuple[str, str, Done]]:
    """Explore, and its large popups."""
    desk, made = sight.app.desk, made_on(sight)
    found = lambda: desk.similar.found is not None and _is_open(sight, SimilarPopup)  # noqa: E731
    yield "explore", "{escape}gg", made
    yield "value cursor", "v", made
    yield "zoom", "{escape}z", made
    yield "words", "zW", made
    yield "difference", "Wd", made
    yield "parameters", "dp", made
    yield "narrowing: a fault", "{escape}/tru:", made
    yield "narrowing: completion", "{backspace}{backspace}{tab}", made
    yield "palette", "{escape}{escape}:the", made
    yield "layers", "{escape}i", made
    yield "help", "{escape}?", made
    yield "words to read", "{escape}gw", made
    yield "understood", "{escape}I", made
    yield "similar", "{escape}s", found


def little(sight: Any) -> Iterator[tuple[str, str, Done]]:
    """The popups of Explore that need little room."""
    desk, made = sight.app.desk, made_on(sight)
    counted = lambda: _is_open(sight, MethodPicker) and not desk.stored.is_working  # noqa: E731
    yield "palette: jump", "{escape}:image 41", made
    yield "parameter", "{escape}pG{enter}", made
    yield "class", "{escape}{escape}c", made
    yield "method", "{escape}M", counted
    yield "scale", "{escape}gu", made
    yield "sort", "{escape}S", made
    yield "note", "{escape}a", made
    yield "themes", "{escape}{ctrl+t}", made
    yield "export", "{escape}e", made
    yield "export: where", "{enter}", made
    yield "copy", "{escape}y", made


def ending(sight: Any) -> Iterator[tuple[str, str, Done]]:
    """Two networks, and all other screens."""
    desk, made = sight.app.desk, made_on(sight)
    cells = lambda: not desk.cells.is_working and not sight.app.screen._waits  # noqa: E731
    climbed = lambda: (  # noqa: E731
        desk.filters.asking.answered.final and not desk.filters.is_working and not desk.filters.outputs.is_working
    )
    yield "beside", "{escape}b", lambda: made() and desk.beside.answered.final and desk.beside.predictions.complete
    yield "grid: class sheet", "bgr", cells
    yield "grid: methods by classes", "{tab}", cells
    yield "grid: checkpoints", "{tab}", lambda: cells() and desk.run.known == 3
    yield "", "{tab}gf", climbed
    yield "", "o", climbed
    yield "filters: images", "o", lambda: climbed() and desk.filters.top.answered.final
    yield "filters: classes", "o", climbed
    yield "filters: ascent", "o", climbed
    yield "filters: outputs", "o", climbed
    yield "filters: layers", "i", climbed
    yield "classes", "{escape}3ogc{home}", lambda: desk.matrix.answered.final
    yield "classes: rates", "r", lambda: desk.matrix.answered.final
    yield "classes: two checkpoints", "rb", lambda: desk.matrix.answered.final
    yield "classes: contrast", "blld", lambda: desk.contrast.answered.final
    yield "timeline", "{escape}gt", lambda: desk.run.known == 3 and not desk.frames.is_working


def made_on(sight: Any) -> Done:
    """What holds once all that was asked for is there."""
    desk = sight.app.desk
    askings = desk.image, desk.matrix, desk.contrast, desk.cells, desk.frames, desk.filters
    return lambda: desk.image.answered.final and not any(each.is_working for each in askings)


def _is_open(sight: Any, popup: type[Screen[Any]]) -> bool:
    """Whether this popup is there; one that looks now and then at what has come looks now."""
    screen = sight.app.screen
    if not isinstance(screen, popup) or not screen.is_mounted:
        return False
    screen._draw()  # type: ignore[attr-defined]
    return True


async def walked(sight: Any, size: tuple[int, int]) -> AsyncIterator[tuple[str, list[list[Cell]]]]:
    """Each screen and popup of the walk by its name, once all of it is made and drawn; those without one are passed."""
    for name, keys, done in walk(sight, size):
        await sight.type(keys)
        await sight.until(done, name or keys, 60)
        if name:
            yield name, cells_of(sight)
    await sight.type("{escape}" if size == BROAD else "ge")


@pytest.mark.timeout(400)
async def test_the_screens_are_what_they_were(opened: Opened, run: Settings) -> None:
    drawn: dict[tuple[int, int], str] = {}
    async with opened(run, SIZES[0]) as sight:
        await sight.explained()
        await sight.predicted()
        async for _ in walked(sight, SMALL):
            pass
        for size in SIZES:
            await sight.pilot.resize_terminal(*size)
            screens: dict[str, list[list[list[Cell]]]] = {}  # by name, under each theme
            for theme in THEMES:
                sight.app.wear(theme)
                await sight.settle()
                async for name, cells in walked(sight, size):
                    screens.setdefault(name, []).append(cells)
            parts = [f"==== {name} ====\n" + "\n".join(told(*both)) + "\n" for name, both in screens.items()]
            drawn[size] = "".join([*(f"{role}\n" for role in roles()), *parts])
    for (width, height), text in drawn.items():
        file = FOLDER / f"{width}x{height}.txt"
        if os.environ.get("FER_TUI_SNAPSHOTS") == "renew":
            file.write_text(text, "utf-8")
        lines = unified_diff(file.read_text("utf-8").splitlines(), text.splitlines(), "kept", "drawn", lineterm="", n=8)
        differ = "\n".join(islice(lines, 100))
        assert not differ, f"{file.name} (the head of this module tells how to renew it)\n{differ}"
