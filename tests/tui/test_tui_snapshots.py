"""Every screen and popup as it is drawn, beside what is kept of it in snapshots/: a file for each size of the terminal.

After a change that is wanted, FER_TUI_SNAPSHOTS=renew pytest tests/tui/test_tui_snapshots.py writes the files again;
their difference in version control is what is to be read. drawn.py tells how a screen becomes text: words, and below
them how many cells are in which colours under a dark and a light theme.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from fer_tui.engine.settings import Settings
from tests.tui.drawn import THEMES, Cell, cells_of, roles, told
from tests.tui.test_tui_timeline import weights

Opened = Callable[..., AbstractAsyncContextManager[Any]]
Done = Callable[[], object]

FOLDER = Path(__file__).parent / "snapshots"
SIZES = (80, 24), (120, 40), (200, 60)


@pytest.fixture(autouse=True)
def methods_and_stillness(only_two_methods: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """filter-ascent and saliency beside confusion; the cursor of a text box does not blink."""
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "lime,cam")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")


@pytest.fixture
def run(project: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A run of three snapshots of the tests' network, in the folder where the tests are."""
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    for epoch in (1, 2, 10):
        torch.save(weights(epoch), f"run/epoch{epoch}.pt")
    return dataclasses.replace(project(), data="noise.npz", model="net.py:Net", weights=("run",), cache="cache")


def walk(sight: Any, *, small: bool) -> Iterator[tuple[str, str, Done]]:
    """Screens and popups: a name, the keys that lead there from the last one, and what holds once all is made.

    small: with the popups that look the same at any size.
    """
    desk = sight.app.desk
    askings = desk.image, desk.matrix, desk.contrast, desk.cells, desk.frames, desk.filters
    made = lambda: desk.image.answered.final and not any(each.is_working for each in askings)  # noqa: E731
    cells = lambda: not desk.cells.is_working and not sight.app.screen._waits  # noqa: E731
    climbed = lambda: desk.filters.asking.answered.final and not desk.filters.is_working  # noqa: E731
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
    yield "similar", "{escape}s", made
    if small:
        yield "palette: jump", "{escape}:image 41", made
        yield "parameter", "{escape}pG{enter}", made
        yield "class", "{escape}{escape}c", made
        yield "method", "{escape}M", made
        yield "scale", "{escape}gu", made
        yield "sort", "{escape}S", made
        yield "note", "{escape}a", made
        yield "themes", "{escape}{ctrl+t}", made
        yield "export", "{escape}e", made
        yield "export: where", "{enter}", made
        yield "copy", "{escape}y", made
    yield "beside", "{escape}b", lambda: made() and desk.beside.answered.final and desk.beside.predictions.complete
    yield "grid: class sheet", "bgr", cells
    yield "grid: methods by classes", "{tab}", cells
    yield "grid: checkpoints", "{tab}", lambda: cells() and desk.run.known == 3
    yield "filters: images", "{tab}gfoo", lambda: climbed() and desk.filters.top.answered.final
    yield "filters: classes", "o", climbed
    yield "filters: ascent", "o", climbed
    yield "filters: outputs", "o", climbed
    yield "filters: layers", "i", climbed
    yield "classes", "{escape}3ogc{home}", lambda: desk.matrix.answered.final
    yield "classes: rates", "r", lambda: desk.matrix.answered.final
    yield "classes: two checkpoints", "rb", lambda: desk.matrix.answered.final
    yield "classes: contrast", "blld", lambda: desk.contrast.answered.final
    yield "timeline", "{escape}gt", lambda: desk.run.known == 3 and not desk.frames.is_working


@pytest.mark.timeout(400)
async def test_the_screens_are_what_they_were(opened: Opened, run: Settings) -> None:
    drawn: dict[tuple[int, int], str] = {}
    async with opened(run, SIZES[0]) as sight:
        await sight.explained()
        await sight.predicted()
        for size in SIZES:
            await sight.pilot.resize_terminal(*size)
            screens: dict[str, list[list[list[Cell]]]] = {}  # by name, under each theme
            for theme in THEMES:
                sight.app.wear(theme)
                await sight.settle()
                for name, keys, done in walk(sight, small=size == SIZES[0]):
                    await sight.type(keys)
                    await sight.until(done, name, 60)
                    screens.setdefault(name, []).append(cells_of(sight))
                await sight.type("ge")
            parts = [f"==== {name} ====\n" + "\n".join(told(*both)) + "\n" for name, both in screens.items()]
            drawn[size] = "".join([*(f"{role}\n" for role in roles()), *parts])
    for (width, height), text in drawn.items():
        file = FOLDER / f"{width}x{height}.txt"
        if os.environ.get("FER_TUI_SNAPSHOTS") == "renew":
            file.write_text(text, "utf-8")
        lines = unified_diff(file.read_text("utf-8").splitlines(), text.splitlines(), "kept", "drawn", lineterm="", n=8)
        differ = "\n".join(islice(lines, 100))
        assert not differ, f"{file.name} (the head of this module tells how to renew it)\n{differ}"
