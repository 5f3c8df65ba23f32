"""The Filters screen under Pilot: four views of a layer, oracles from torch, and a cursor that sends no picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import fer_tui
from fer_tui.contract import Gallery
from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.picture import load, save
from fer_tui.terminal import Picture
from fer_tui.tui.gallery_sheet import GallerySheet
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.filters import FiltersScreen
from fer_tui.tui.screens.tabling import Tables
from fer_tui.tui.widgets.filter_sheet import FilterSheet, Grid, grid_of, sheet_of

Opened = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture(autouse=True)
def with_filters(only_two_methods: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """filter-ascent and saliency beside confusion."""
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "lime,cam")


@pytest.mark.parametrize("size", [(52, 17), (76, 32), (140, 52)])
@pytest.mark.parametrize("count", [1, 4, 64, 512])
def test_tiles_stay_legible_and_fill_the_room(count: int, size: tuple[int, int]) -> None:
    width, height = size
    grid = grid_of(count, width, height, 10)
    assert grid.columns * 10 <= width and (grid.rows * 5 <= height or count < grid.page)
    assert grid.page >= count or grid.page >= (width // 10) * (2 * height // 10)
    assert grid.columns <= count


def test_the_sheet_leaves_room_for_what_is_not_there_yet() -> None:
    pictures = {n: np.full((30, 30), n / 9, np.float32) for n in range(6)}
    pictures[4][0, 0] = 1
    whole = np.asarray(sheet_of(range(6), pictures, frozenset({4}), Grid(3, 2)))
    part = np.asarray(sheet_of(range(6), {4: pictures[4]}, frozenset({4}), Grid(3, 2)))
    assert whole.shape == part.shape == (68, 102, 3)
    where = (slice(34, 68), slice(34, 68))
    assert np.array_equal(whole[where], part[where]) and part[where][0, 0].tolist() == [230, 60, 50]
    assert len(np.unique(part[:34].reshape(-1, 3), axis=0)) == 1
    small = sheet_of([0], {0: np.eye(6, dtype=np.float32)}, frozenset(), Grid())
    assert small is not None and small.size == (28, 28), "small maps are enlarged by whole steps"
    assert sheet_of(range(6), {}, frozenset(), Grid(3, 2)) is None


def test_a_sheet_in_a_file_has_the_order_of_the_screen(tmp_path: Path) -> None:
    """Of what was not made the place stays empty; each picture is where its number stands in the order."""
    rng = np.random.default_rng(4)
    gallery = Gallery(
        images=rng.random((3, 9, 9), np.float32),
        captions=("one", "two", "three"),
        scores=np.zeros(3, np.float32),
        marked=(1,),
        extras={"filters": np.array([7, 4, 2])},
    )
    save(gallery, tmp_path / "known.npz")
    picture = {}
    for name, order in (("a", [7, 4, 2, 9]), ("b", [2, 9, 4, 7])):
        sheet = GallerySheet(f"{name}.png", "a title", [("known" if n != 9 else "unknown", n) for n in order])
        sheet.write(tmp_path, ["known"])
        pixels = np.asarray(Image.open(tmp_path / f"{name}.png"))
        corners = [(row, column) for row in (-318, -165) for column in (20, 156)]  # from the sheet's foot
        picture[name] = {n: pixels[y : y + 145, x : x + 128] for n, (y, x) in zip(order, corners, strict=True)}
    for number in (7, 4, 2, 9):
        assert np.array_equal(picture["a"][number], picture["b"][number]), number
    red = [n for n, tile in picture["a"].items() if (tile == (230, 60, 50)).all(2).any()]
    assert red == [4] and len(np.unique(picture["a"][9])) == 1


async def exports_are_what_is_on_the_screen(sight: Any, by_gain: list[int]) -> None:
    """`e`: the gallery's numbers, the sheet in the order of the screen, an index that says how each is made again."""
    climbed = sight.app.desk.filters.asking.answered.explanation
    await sight.type("e")
    shown = sight.text()
    assert (
        "1 the 4 filters: ascent " in shown
        and "2 the 4 filters: ascent, outputs here, images" in shown
        and "table of the 60 images" in shown
    )
    await sight.type("2{ctrl+u}out{enter}")
    await sight.until(lambda: "3 of 3 explanations are written" in sight.text("#status"), "the export")
    entries = {entry["view"]: entry for entry in json.loads(Path("out/index.json").read_text())}
    assert list(entries) == ["ascent", "outputs", "images"]
    for view, entry in entries.items():
        assert (entry["layer"], entry["order"], "explained" in entry) == ("features.0", by_gain, False)
        stored = load(Path("out", entry["files"][1]))
        assert stored.meta["parameters"]["view"] == view and stored.meta["layer"] == "features.0"
        assert f"-p view={view}" in entry["command"] or view == "ascent"
    stored = load(Path("out", entries["ascent"]["files"][1]))
    for name in ("filters", "start", "final", "gain"):
        assert np.array_equal(stored.extras[name], climbed.extras[name])
    assert {path.name for path in Path("out").glob("sheet_*")} == {f"sheet_{view}.png" for view in entries}


async def test_four_views_of_a_layer(
    opened: Opened, project: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = project()
    async with opened(settings) as sight:
        await sight.explained()
        await sight.type("gf")
        screen, filters = sight.app.screen, sight.app.desk.filters
        assert isinstance(screen, FiltersScreen) and filters.view == "ascent"
        done = lambda: filters.asking.answered.final and not filters.is_working  # noqa: E731
        await sight.until(done, "the ascent")
        climbed = filters.asking.answered.explanation
        assert "features.0" in sight.text("#filters-title") and "4 filters of 12×10" in sight.text("#filters-title")

        sheet = screen.query_one(FilterSheet)
        picture = sheet.query_one(Picture)
        sent, ruler = picture._version, sight.text("#columns")
        await sight.type("l")
        assert filters.chosen == sight.browser.filter == 1
        assert picture._version == sent and sight.text("#columns") != ruler, "the cursor moved, and no picture was sent"
        assert f"{climbed.extras['gain'][1]:+.3g}" in sight.text("#filter-facts")
        await sight.type("9gg")
        assert "there is no 9" in sight.text("#status") and filters.chosen == 1
        await sight.type("2gg")
        assert filters.chosen == 2 and "filter 2" in sight.text("#filter-title")
        await sight.type("S")
        by_gain = np.argsort(-climbed.extras["gain"], kind="stable").tolist()
        assert list(filters.sorted()) == by_gain and filters.chosen == 2 and picture._version > sent
        await sight.type("gg")
        assert filters.chosen == by_gain[0]
        await sight.type("wllljsss{enter}")  # by gain, and back: the table's second row is that of filter 1
        assert filters.chosen == 1 and sight.app.screen is screen
        await sight.type("wllls")
        assert isinstance(sight.app.screen, Tables) and "gain (activation) ↓" in sight.text()
        await sight.type("G{enter}")
        assert filters.chosen == by_gain[-1]
        await exports_are_what_is_on_the_screen(sight, by_gain)

        await sight.type("oJ")
        await sight.until(done, "the outputs")
        assert sight.browser.row == 1 and filters.view == "outputs"
        outputs = filters.asking.answered.explanation
        assert f"{outputs.extras['mean'][filters.chosen]:.3g}" in sight.text("#filter-facts")
        await sight.type("2S")
        assert list(filters.sorted()) == np.argsort(-outputs.extras["mean"], kind="stable").tolist()

        await sight.type("o3gg")
        await sight.until(lambda: done() and filters.top.answered.final, "the images")
        top = filters.top.answered.explanation.extras["rows"].tolist()
        assert f"its images: rows {top[0]}" in sight.text("#filter-top-title")
        table = filters.asking.answered.explanation.tables["images"]
        await sight.type("wj{enter}")
        assert isinstance(sight.app.screen, Explore) and sight.browser.row == table.rows[1][1]
        await sight.type("gf")

        await sight.type("]")
        assert sight.browser.layer == "features.1" and filters.chosen == 0
        await sight.type("[o")
        await sight.until(lambda: not filters.is_working and len(filters.pictures) == 3, "a picture of each class")
        await sight.type("l")
        assert sight.browser.target_class == filters.chosen

        await sight.type("OOO")
        await sight.until(done, "the ascent again")
        await sight.type("3gg{enter}")
        assert isinstance(sight.app.screen, Explore)
        await sight.explained()
        place, single = sight.answered.place, sight.explanation
        assert (place.layer, place.filter) == ("features.0", 3)
        assert np.array_equal(single.images[0], climbed.images[3])
        await sight.type("gf")
        assert filters.chosen == 3
        await sight.type("{escape}")
        assert isinstance(sight.app.screen, Explore)

    with open_session(settings) as session:
        classifier, dataset = session.classifier, session.dataset
        expected = fer_tui.explain("filter-ascent", classifier, layer="features.0")
        with torch.no_grad():
            inputs = classifier.inputs([dataset[row].image for row in range(len(dataset))])
            maps = classifier.module.features[0](inputs - 0.5).mean((2, 3)).numpy()
    assert climbed.extras["final"] == pytest.approx(expected.extras["final"], abs=1e-4)
    assert outputs.extras["mean"] == pytest.approx(maps[1], abs=1e-5)
    assert top == np.argsort(-maps[:, 3], kind="stable")[:10].tolist()


async def test_a_climb_streams_and_is_stopped(opened: Opened, samples: Settings) -> None:
    async with opened(samples, (80, 24)) as sight:
        await sight.explained()
        description = sight.app.desk.filters.description
        sight.app.desk.choice.set_parameter(
            description, next(i for i in description.parameters if i.name == "steps"), 9000
        )
        await sight.type("gf")
        filters = sight.app.desk.filters
        await sight.until(lambda: filters.pictures, "a picture on the way")
        assert filters.is_working and not filters.asking.answered.final
        assert "climbing" in sight.text("#status") and "of 9000" in sight.text("#status")
        assert "page 1 of" in sight.text("#filters-title")
        await sight.type("w")
        assert "there are no tables yet: they may come at the end" in sight.text("#status")
        await sight.type("{pagedown}")
        assert filters.chosen == sight.app.screen.query_one(FilterSheet).grid.page
        await sight.type("{escape}")
        assert not filters.is_working and "stopped" in sight.text("#status") and filters.pictures
