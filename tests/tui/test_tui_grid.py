"""The Grid: which place is each cell, what fits, and the screen as a user drives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from rich.text import Text

from fer_tui.contract import Axis, Description, Gallery, Place
from fer_tui.engine import codec
from fer_tui.engine.messages import Done, Failed
from fer_tui.engine.settings import Settings
from fer_tui.picture import cell_box, row_of
from fer_tui.tui.asking import Asking, Request
from fer_tui.tui.frames import Frames
from fer_tui.tui.grid import Grid, Method, Step, Table, outward, tile_size
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.grid import GridScreen
from fer_tui.tui.widgets.curves import CurvePlot
from fer_tui.tui.widgets.grid_view import GridLine, GridView, _spread
from tests.tui.test_tui_timeline import weights

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def method(name: str, *axes: Axis) -> Method:
    described = Description(name, name, "", "1", "heatmap", "cheap", False, (), frozenset({Axis.IMAGE, *axes}))
    return Method(name, described, {})


MAPS, CAM = method("maps", Axis.TARGET), method("cam", Axis.TARGET, Axis.LAYER)


def table(rows: tuple[Step, ...], columns: tuple[Step, ...], sides: Any, locked: Method = MAPS) -> Table:
    place = Place(image=7, layer="conv", filter=2, checkpoint=1)
    return Table(rows, columns, sides, place, locked, lambda row: 5 if row == 7 else None)


def test_a_cell_is_the_locked_place_but_for_its_row_and_column() -> None:
    rows = (Step("7", image=7), Step("9", image=9))
    found = table(rows, (Step("bee", target=0), Step("cat", target=1)), ("images", "classes")).cell(1, 1)
    assert found.place == Place(9, 1, "conv", 2, 1) and found.method == MAPS and found.repeats is None
    one = table((Step("maps", method=MAPS), Step("cam", method=CAM)), (Step("a", layer="a"),), ("methods", "layers"))
    assert one.cell(1, 0).place == Place(7, 5, "a", None, 1) and one.cell(1, 0).method == CAM
    sheet = table(rows, (Step("original", bare=True), Step("cam", method=CAM)), ("images", "methods"))
    assert sheet.cell(1, 0).place == Place(image=9) and sheet.cell(1, 0).method is None
    assert sheet.cell(0, 1).place.target == 5 and sheet.cell(1, 1).place.target is None


def test_what_a_method_does_not_use_is_the_first_cell_again() -> None:
    layers = (Step("a", layer="a"), Step("b", layer="b"))
    found = table((Step("maps", method=MAPS), Step("cam", method=CAM)), layers, ("methods", "layers"))
    repeats = [[found.cell(row, column).repeats for column in (0, 1)] for row in (0, 1)]
    assert repeats == [[None, "layers"], [None, None]]
    checkpoints = (Step("1", checkpoint=0), Step("2", checkpoint=1))
    assert table((Step("7", image=7),), checkpoints, ("images", "checkpoints")).cell(0, 1).repeats is None


def test_a_cell_tells_what_its_network_has_not() -> None:
    one, two = Step("one", checkpoint=0, layers={"a": 3, "conv": 4}), Step("two", checkpoint=2, layers={"b": 8})
    layers = Step("a", layer="a"), Step("b", layer="b")
    found = table((one, two), layers, ("networks", "layers"), CAM)
    assert [[found.cell(row, column).missing for column in (0, 1)] for row in (0, 1)] == [
        ["", "no layer b"],
        ["no layer a", ""],
    ]
    assert found.cell(1, 1).place == Place(7, 5, "b", None, 2)
    images = Step("original", bare=True), one, two
    sheet = table(images, (Step("7", image=7), Step("9", image=9)), ("networks", "images"), CAM)
    assert sheet.cell(0, 1).method is None and sheet.cell(0, 1).repeats is None
    assert sheet.cell(1, 0).place == Place(7, 5, "conv", 2, 0) and not sheet.cell(1, 0).note
    assert sheet.cell(2, 0).place == Place(7, 5, None, None, 2) and not sheet.cell(2, 0).missing
    assert "no layer conv" in sheet.cell(2, 0).note
    grid = Grid()
    grid.choose(0, "networks")
    assert grid.sides == ("networks", "methods")
    grid.choose(1, "checkpoints")  # both say which weights: the other side gives way
    assert grid.sides == ("images", "checkpoints")


def test_sides_are_chosen_swapped_and_never_the_same() -> None:
    grid = Grid()
    assert grid.arrangement == 0
    grid.cursor = (2, 1)
    grid.swap()
    assert grid.sides == ("methods", "images") and grid.cursor == (1, 2) and grid.arrangement is None
    grid.choose(0, "images")
    assert grid.sides == ("images", "methods")
    grid.choose(1, "variants")
    assert grid.sides == ("images", "variants")
    grid.choose(0, "methods")  # both are methods: the other side gives way
    assert grid.sides == ("methods", "images")
    grid.arrange(1)
    grid.show("marked")
    assert grid.sides == ("images", "classes") and grid.images == "marked"


def test_the_cursor_stays_in_sight_and_no_room_is_left_empty() -> None:
    rows = tuple(Step(str(n), image=n) for n in range(10))
    found = table(rows, (Step("a", target=0), Step("b", target=1)), ("images", "classes"))
    grid = Grid()
    assert grid.in_sight((3, 4), found) == (range(3), range(2))
    grid.move_to(5, 9, found)
    assert grid.cursor == (5, 1) and grid.in_sight((3, 4), found)[0] == range(3, 6)
    grid.move(-1, 0, found)
    assert grid.in_sight((3, 4), found)[0] == range(3, 6)
    grid.move(99, 0, found)
    assert grid.in_sight((3, 1), found) == (range(7, 10), range(1, 2))
    assert grid.in_sight((20, 4), found) == (range(10), range(2))
    cells = outward(range(3), range(3), (1, 0))
    assert cells[0] == (1, 0) and cells[-1][1] == 2 and len(set(cells)) == 9


@pytest.mark.parametrize("room", [(60, 13), (100, 30), (180, 50), (20, 5), (4, 3)])
@pytest.mark.parametrize("larger", [0, 3, -9, 40])
@pytest.mark.parametrize("in_pixels", [True, False])
def test_pictures_fit_the_room(room: tuple[int, int], larger: int, in_pixels: bool) -> None:
    (columns, lines), (down, across) = tile_size(room, (7, 4), 2.0, larger, in_pixels=in_pixels)
    assert lines >= 2 and columns >= 4 and down >= 1 and across >= 1
    if room[1] > 5:
        assert down * (lines + 1) <= room[1] and across * columns <= room[0]


def test_a_row_of_pictures_leaves_empty_places_and_bends_nothing() -> None:
    white = Image.new("L", (10, 20), 255)
    row = np.asarray(row_of([None, white, Image.new("RGB", (80, 40), "red")], 20, 20))
    left, top, right, bottom = cell_box(1, 3, 20, 20)
    assert (row[top:bottom, left + 5 : right - 5] == 255).all() and row[top:bottom, left : left + 5].max() < 60
    assert row[:, :20].max() < 60
    left, top, _, _ = cell_box(2, 3, 20, 20)
    assert (row[top + 5 : top + 15, left : left + 20, 0] > 250).all() and row[top + 2, left, 0] < 60


def test_words_stand_in_the_middle_of_pictures_that_take_less_room() -> None:
    words = [Text("angry 41%"), Text("surprise 100%"), Text("✗ cannot be"), Text("Filters: outputs")]
    line = _spread(words, 3, 50).plain
    assert line.index("angry 41%") == round(3 + 6.25 - 4.5) and "surpr… 100%" in line
    assert "✗ cannot be" in line and line.endswith("Fi… outputs") and len(line) <= 53
    assert _spread(words[2:3], 0, 9).plain.strip() == "✗ canno…"
    assert _spread([], 0, 10).plain == ""


class Jobs:
    """Numbers the jobs that it is asked for, and notes those that are cancelled."""

    def __init__(self) -> None:
        self.asked: list[Place] = []
        self.cancelled: list[int] = []

    def explain(self, method: str, parameters: Any, place: Place, **how: bool) -> int:
        self.asked.append(place)
        return len(self.asked) - 1

    def cancel(self, job: int) -> None:
        self.cancelled.append(job)


def test_few_cells_are_asked_for_at_a_time_and_none_that_is_out_of_sight() -> None:
    jobs, stored = Jobs(), Request("maps", {}, Place(image=9))
    kept = (
        stored.place,
        Gallery(images=np.zeros((1, 2, 2), np.float32), captions=("",), scores=np.zeros(1, np.float32)),
    )
    frames = Frames[int](
        lambda: Asking(jobs, lambda request: kept if request == stored else None, codec.unpack),  # type: ignore[arg-type]
        at_once=2,
    )
    wanted = {n: Request("maps", {}, Place(image=n)) for n in range(10)}
    frames.want(wanted)
    assert frames.answered(9).final and frames.left == 9
    assert [place.image for place in jobs.asked] == [0, 1]
    frames.take(Failed(0, "no"))
    assert [place.image for place in jobs.asked] == [0, 1, 2] and frames.answered(0).fault == "no"
    frames.want({n: wanted[n] for n in (8, 7, 2)})  # the user is elsewhere
    assert jobs.cancelled == [1] and [place.image for place in jobs.asked] == [0, 1, 2, 8]
    frames.take(Done(3))
    assert jobs.asked[-1].image == 7
    assert frames.stop() and not frames.is_working and frames.left == 0 and jobs.cancelled == [1, 2, 4]
    frames.want({7: wanted[7]})
    assert not frames.is_working  # stopped by the user: only asked again when they say so
    frames.want({7: wanted[7]}, again=True)
    assert frames.is_coming(7) and jobs.asked[-1].image == 7


async def done(sight: Any) -> None:
    cells = sight.app.desk.cells
    await sight.until(lambda: not cells.is_working and not sight.app.screen._waits, "all cells")


def shown(sight: Any) -> list[GridLine]:
    return [line for line in sight.app.screen.query(GridLine) if line.display]


async def test_a_class_sheet_and_what_else_the_keys_make_of_it(
    opened: Opened, project: Callable[..., Settings]
) -> None:
    async with opened(project()) as sight:
        desk = sight.app.desk
        await sight.explained()
        await sight.predicted()
        await sight.type("x")
        assert isinstance(sight.app.screen, Explore) and "nothing is marked" in sight.text("#status")
        await sight.type("gr")
        screen = sight.app.screen
        assert isinstance(screen, GridScreen)
        await done(sight)
        known, rows = sight.browser.predictions, [step.image for step in screen.table.rows]
        assert [int(known.labels[row]) for row in rows] == [0, 1, 2]
        for label, row in enumerate(rows):
            own = known.true_confidence[known.labels == label]
            assert known.true_confidence[row] == own.max()
            answered = desk.cells.answered((label, 1))
            assert answered.final and answered.place == Place(row, int(known.predicted[row]), checkpoint=0)
        assert [step.name for step in screen.table.columns] == ["original", "Saliency"]
        assert not desk.cells.answered((0, 0)).request  # the image itself
        pictures = [line.picture.picture for line in shown(sight)]
        await sight.type("jl")  # moving makes no picture again
        assert [line.picture.picture for line in shown(sight)] == pictures
        assert "Saliency of" in sight.text("#grid-words") and f" {rows[1]}  true cat" in sight.text("#grid-words")
        await sight.type("o")
        assert all(line.picture.picture is not before for line, before in zip(shown(sight), pictures, strict=True))
        await sight.type("{enter}")
        assert isinstance(sight.app.screen, Explore) and sight.browser.row == rows[1]

        await sight.type("gr2{tab}")
        await done(sight)
        assert screen.grid.sides == ("methods", "classes") and screen.grid.cursor == (0, sight.browser.target_class)
        assert {desk.cells.answered((0, n)).place for n in range(3)} == {
            Place(rows[1], n, checkpoint=0) for n in range(3)
        }
        await sight.type("9l{enter}")
        await sight.explained()
        assert sight.answered.place.target == 2 and sight.browser.target == 2

        await sight.type("/row>50{enter}grww")  # nothing is marked: best again
        assert screen.grid.images == "best" and screen.grid.sides == ("images", "classes")
        await sight.type("wG")
        assert screen.grid.images == "listed" and screen.table.rows[screen.grid.cursor[0]].image == 59
        await sight.type("d5")  # layers, which saliency does not hang on
        assert [step.name for step in screen.table.columns] == ["any layer"]
        assert "does not hang on layers" in sight.text("#grid-title")
        await sight.type("r1d6")
        assert "there is one checkpoint" in sight.text("#status")
        await sight.type("d4")
        names = [step.name for step in screen.table.columns]
        assert names[0] == "original" and len(names) > 5
        await sight.type("X")
        assert screen.grid.sides == ("variants", "images")
        await sight.type("G")
        alias = screen.table.rows[screen.grid.cursor[0]].method
        await sight.type("{enter}")
        assert desk.choice.parameters(desk.choice.method) == dict(alias.parameters)

        await sight.type("{escape}gg 3G x")
        assert isinstance(sight.app.screen, GridScreen)
        assert [step.image for step in screen.table.columns] == [0, 3]
        await sight.type("X")
        await done(sight)
        room = screen.size_of(screen.table)[0]
        await sight.type("3+")
        assert screen.size_of(screen.table)[0] > room
        await sight.type("99-")
        assert screen.size_of(screen.table)[0][1] == 2
        await sight.type("99+1-y")
        assert "fer-tui explain" in sight.text() or "nothing to make again" in sight.text("#status")


async def test_clicks_sizes_and_work_that_stops(opened: Opened, project: Callable[..., Settings]) -> None:
    async with opened(project(count=400), (200, 60)) as sight:
        await sight.explained()
        await sight.predicted()
        await sight.type("grw")
        screen, cells = sight.app.screen, sight.app.desk.cells
        await done(sight)
        assert 1 < len(shown(sight)) <= 12
        tile = screen.size_of(screen.table)[0]
        view = screen.query_one(GridView)
        at = (view.size.width - view.room[0] + tile[0] + 2, 1 + tile[1] + 3)
        await sight.pilot.click(GridView, offset=at)
        await sight.until(lambda: screen.grid.cursor == (1, 1), "the clicked cell")
        await sight.type("200G")
        await done(sight)
        assert screen.grid.cursor[0] == 200
        assert set(cells.numbers) <= {(row, column) for row in range(180, 220) for column in range(2)}
        await sight.type("d4")
        for size in ((80, 24), (120, 40), (34, 12), (200, 60)):
            await sight.pilot.resize_terminal(*size)
            await sight.settle()
            assert shown(sight) and "▸" in sight.text(), size
            for line in shown(sight)[:1]:
                assert line.region.bottom <= view.region.bottom
        await sight.pilot.click(GridView, offset=(view.size.width - view.room[0] + 1, 3))
        await sight.until(lambda: screen.grid.cursor[1] == 0, "the clicked cell")
        await sight.type("{escape}{escape}")
        assert isinstance(sight.app.screen, Explore) and not cells.is_working


async def test_checkpoints_lie_below_their_curves(
    opened: Opened, project: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    for epoch in (1, 2, 10):
        torch.save(weights(epoch), tmp_path / "run" / f"epoch{epoch}.pt")
    run = dataclasses.replace(project(), weights=(str(tmp_path / "run"),))
    async with opened(run) as sight:
        desk = sight.app.desk
        await sight.explained()
        await sight.type("gr3{tab}")
        screen = sight.app.screen
        await sight.until(lambda: desk.run.known == 3, "the predictions of all checkpoints")
        await done(sight)
        assert [step.name for step in screen.table.columns] == ["1", "2", "10"] and screen.grid.cursor == (0, 2)
        assert sight.text("#grid-curves").count("●") >= 1 and screen.query_one(CurvePlot).display
        row = screen.table.rows[0].image
        last = desk.run.prediction(2, row)[0]
        places = [desk.cells.answered((0, n)).place for n in range(3)]
        assert places == [Place(row, last, checkpoint=n) for n in range(3)]
        await sight.type("h{enter}")
        assert isinstance(sight.app.screen, Explore)
        await sight.explained()
        assert sight.answered.place == Place(row, last, checkpoint=1)
