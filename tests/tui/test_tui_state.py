"""What the explorer keeps: marks, notes, the place; whatever becomes of its files and of itself."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui.tui.grid import Grid
from fer_tui.tui.marks import Marks
from fer_tui.tui.state import Record, State

sys.path.insert(0, str(Path(__file__).parents[1] / "terminal"))
from terminal_model import AppRun, recorded

Opened = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FER_TUI_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_record_is_kept_and_read_again(folder: Path) -> None:
    State.open().of("d").change(lambda values: values.update(marks=[3]))
    assert State.open().of("d").values == {"marks": [3]}
    assert [path.name for path in (folder / "datasets").iterdir() if path.suffix == ".json"] == ["d.json"]


def test_two_explorers_do_not_lose_each_others_marks(folder: Path) -> None:
    rows = np.arange(400)
    many = [Marks(State.open().of("d"), rows) for _ in range(4)]

    def mark(each: Marks, first: int) -> None:
        for row in range(first, 400, 4):
            each.toggle(row)

    threads = [threading.Thread(target=mark, args=(each, n)) for n, each in enumerate(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert State.open().of("d").values["marks"] == list(range(400))


@pytest.mark.parametrize("text", ["{", "[1]", '{"version": 99, "marks": [1]}', "\x00\xff"])
def test_a_file_that_cannot_be_read_is_kept_aside(folder: Path, text: str) -> None:
    path = folder / "user.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    state = State.open()
    (fault,) = state.faults()
    assert "could not be read" in fault and "\n" not in fault and not list(state.faults())
    state.user.change(lambda values: values.update(theme="dark"))
    assert State.open().user.values == {"theme": "dark"}
    (aside,) = [each for each in folder.iterdir() if each.name.startswith("user.json.")]
    assert aside.read_text() == text


def test_a_folder_that_cannot_be_written_keeps_what_this_run_knows(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    record = Record(tmp_path / "file" / "user.json")
    record.change(lambda values: values.update(a=1))
    assert record.values == {"a": 1} and "are not kept" in record.fault


def test_nothing_is_kept_where_that_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_TUI_STATE", "none")
    State.open().of("d").change(lambda values: values.update(a=1))
    assert State.open().of("d").values == {} and not list(tmp_path.iterdir())


def test_marks_and_notes_are_those_of_the_source_whatever_part_is_open(folder: Path) -> None:
    whole = Marks(State.open().of("d"), np.arange(10))
    whole.set([2, 5, 9], True)
    whole.note(5, "  open mouth ")
    part = Marks(State.open().of("d"), np.array([4, 5, 6, 9]))
    assert part.marked.tolist() == [False, True, False, True] and part.notes == {1: "open mouth"}
    part.set([1], False)
    part.note(1, "")
    again = Marks(State.open().of("d"), np.arange(10))
    assert np.flatnonzero(again.marked).tolist() == [2, 9] and again.notes == {}
    assert (part.source_of(2), part.row_of(6), part.row_of(99), part.row_of(5)) == (6, 2, 3, 1)


async def test_marks_and_notes_by_keys(opened: Opened, project: Callable[..., Any]) -> None:
    async with opened(project()) as sight:
        await sight.predicted()
        await sight.type(" 2 5G ")
        assert np.flatnonzero(sight.browser.marks.marked).tolist() == [0, 1, 2, 5] and sight.browser.row == 6
        assert "4 marked" in sight.text("#top") and sight.lines()[2].startswith("●")
        await sight.type("k ")
        assert "3 marked" in sight.text("#top")
        await sight.type("ggaround eyes{enter}")
        assert "note: round eyes" in sight.text("#caption")
        await sight.type("/marked{enter}")
        assert [sight.browser.row_at(at) for at in range(sight.browser.count)] == [0, 1, 2]
        await sight.type("/{ctrl+u}-marked row<5{enter}*")
        assert np.flatnonzero(sight.browser.marks.marked).tolist() == [0, 1, 2, 3, 4]
        await sight.type("*")
        assert np.flatnonzero(sight.browser.marks.marked).tolist() == [0, 1, 2]
        await sight.type("/{ctrl+u}row>=1 row<5{enter}V")
        assert np.flatnonzero(sight.browser.marks.marked).tolist() == [0, 3, 4] and "3 images are marked now" in (
            sight.text("#status")
        )
        assert sight.app.state.of(sight.app.desk.project.dataset.digest).values["marks"] == [0, 3, 4]
        await sight.type(":invert{enter}")
        assert np.flatnonzero(sight.browser.marks.marked).tolist() == [0, 1, 2]
        await sight.type("/{ctrl+u}note:EYES{enter}")
        assert sight.browser.count == 1 and sight.browser.row == 0
        await sight.type("a{ctrl+u}{enter}{escape}U")
        assert sight.browser.marks.notes == {} and sight.browser.marks.count == 0
        assert "3 marks are taken away" in sight.text("#status")


async def test_the_next_start_goes_on_where_the_last_one_ended(opened: Opened, project: Callable[..., Any]) -> None:
    settings = project()
    async with opened(settings) as sight:
        await sight.predicted()
        await sight.type("/pred:cat{enter}3jtoC--")
        place, look = sight.browser.place, sight.app.desk.look.to_dict()
        method = sight.app.desk.choice.method
        sight.app.desk.choice.set_parameter(method, method.parameters[0], "smoothgrad")
        await sight.type("gc")
        await sight.type("{ctrl+c}")
    async with opened(settings) as sight:
        await sight.until(lambda: type(sight.app.screen).__name__ == "ClassesScreen", "the screen of the last time")
        await sight.type("ge")
        await sight.explained()
        assert (sight.browser.place, sight.browser.narrowing) == (place, "pred:cat")
        assert sight.app.desk.look.to_dict() == look and look["view"] == "map"
        assert sight.app.desk.choice.parameters(sight.app.desk.choice.method)["variant"] == "smoothgrad"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_the_place_is_kept_however_the_explorer_ends(project: Callable[..., Any], folder: Path, number: int) -> None:
    settings = project()
    command = [sys.executable, "-m", "fer_tui", "open", settings.data, "--model", settings.model, "--cache", "none"]
    environment = {"FER_TUI_STATE": str(folder), "OMP_NUM_THREADS": "1"}
    with AppRun(command, recorded("xterm"), environment=environment) as run:
        run.wait_for("accuracy")
        run.type(b"17G")
        run.wait_for("17  true")
        run.settle(1.5)
        run.end(number)
    (kept,) = (folder / "datasets").glob("*.json")
    assert json.loads(kept.read_text())["session"]["row"] == 17
    with AppRun(command, recorded("xterm"), environment=environment) as run:
        run.wait_for("17  true")
    with AppRun([*command, "--fresh"], recorded("xterm"), environment=environment) as run:
        run.wait_for(" 0  true")
        run.end()
    assert kept.exists()


FAILS = """
import sys
from fer_tui.cli import main
from fer_tui.tui.screens.base import DeskScreen
def fail(screen, command):
    raise RuntimeError("a handler that fails")
DeskScreen.do_redraw = fail
sys.exit(main(sys.argv[1:]))
"""


def test_order_and_grid_are_kept_on_a_signal_and_on_a_crash(project: Callable[..., Any], folder: Path) -> None:
    settings = project()
    command = [sys.executable, "-c", FAILS, "open", settings.data, "--model", settings.model, "--cache", "none"]
    environment = {"FER_TUI_STATE": str(folder), "OMP_NUM_THREADS": "1"}

    def kept() -> Any:
        (path,) = (folder / "datasets").glob("*.json")
        return json.loads(path.read_text())["session"]

    def words(run: AppRun) -> str:
        run.settle(1.5)
        lines = (run.terminal.text(row).strip() for row in range(run.terminal.screen.rows))
        return next(line for line in lines if "  true " in line and "predicted" in line)

    with AppRun(command, recorded("xterm"), environment=environment) as run:
        run.wait_for("accuracy")
        run.type(b"2Sgrw5j")
        run.wait_for("as listed")
        before = words(run)
        assert os.waitstatus_to_exitcode(run.end(signal.SIGTERM)) == 128 + signal.SIGTERM
    found = kept()
    assert found["screen"] == "grid" and found["order"] == ["score", True]
    assert found["grid"]["images"] == "listed"
    with AppRun(command, recorded("xterm"), environment=environment) as run:
        run.wait_for(before)
        run.type(b"3j")
        assert words(run) != before
        run.type(b"\x0c")
        assert os.waitstatus_to_exitcode(run.wait(30)) == 1
    row, column = found["grid"]["cursor"]
    assert kept() == {**found, "grid": {**found["grid"], "cursor": [row + 3, column]}}


def test_a_grid_that_cannot_be_is_not_restored() -> None:
    grid = Grid()
    for found in ({"sides": ["methods", "variants"]}, {"sides": ["images"]}, {"sides": "xy", "cursor": [0, "1"]}):
        grid.restore({**found, "images": "all", "larger": 10**9})
        assert grid == Grid()
    grid.restore({"sides": ["layers", "images"], "images": "marked", "cursor": [3, 1], "larger": -2})
    assert grid == Grid(("layers", "images"), "marked", (3, 1), -2)
