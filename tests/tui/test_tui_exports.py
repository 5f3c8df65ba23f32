"""What is exported is what was seen, and says how it is made again."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import json
import shlex
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.naming import file_name
from fer_tui.picture import heat_picture, load
from fer_tui.timeline import Course
from fer_tui.tui.asking import Answered, Request
from fer_tui.tui.exporting import Exporter, Item, free
from fer_tui.tui.tables import COLUMNS, curves
from tests.tui.test_tui_grid import done

Opened = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def written(sight: Any) -> None:
    await sight.until(lambda: "are written" in sight.text("#status"), "the end of the export")


async def test_the_explanation_on_the_screen(opened: Opened, project: Callable[..., Any], tmp_path: Path) -> None:
    async with opened(project()) as sight:
        await sight.predicted()
        await sight.type("3j2cooo")  # the outline
        await sight.explained()
        seen = sight.explanation
        await sight.type("e1{enter}")
        await written(sight)
        folder = tmp_path / "fer-tui-exports" / "noise.npz" / "saliency"
        (entry,) = json.loads((folder / "index.json").read_text())
        assert sorted(path.name for path in folder.iterdir()) == sorted([*entry["files"], "index.json"])
        assert (entry["row"], entry["explained"]) == (3, "dog") and entry["files"][1] == "3_saliency_dog.npz"
        stored = load(folder / entry["files"][1])
        np.testing.assert_array_equal(stored.values, seen.values)
        figure = np.asarray(Image.open(folder / entry["files"][0]).convert("RGB"))
        drawn = np.asarray(sight.app.desk.look.picture(seen, sight.app.desk.project.dataset[3].image))
        zoom = next(n for n in range(1, 99) if 12 * n >= 384)
        right = figure[12 : 12 + 12 * zoom : zoom, 12 + 10 * zoom + 10 :: zoom][:, :10]
        assert entry["look"]["view"] == "outline" and np.array_equal(right, drawn), "as it was looked at"
        await sight.type("e1")
        assert "saliency-2" in sight.app.screen.query_one("Input").value
        await sight.type("{escape}")
    assert main([*shlex.split(entry["command"])[1:], "--out", str(tmp_path / "again.npz")]) == 0
    np.testing.assert_allclose(load(tmp_path / "again.npz").values, seen.values, rtol=0, atol=1e-7)


async def test_the_marked_images_and_the_tables(opened: Opened, project: Callable[..., Any], tmp_path: Path) -> None:
    async with opened(project(), (80, 24)) as sight:
        await sight.predicted()
        await sight.type("  aopen, wide{enter}k 7G t")  # 0 and 7
        marked = np.flatnonzero(sight.browser.marks.marked).tolist()
        await sight.type("e2{ctrl+u}out/maps{enter}")
        await written(sight)
        entries = json.loads((tmp_path / "out" / "maps" / "index.json").read_text())
        assert [each["row"] for each in entries] == marked
        for each in entries:
            assert each["confidence"] == pytest.approx(sight.browser.predictions.confidence[each["row"]], abs=1e-6)
            assert each["explained"] == each["true"] and load(tmp_path / "out" / "maps" / each["files"][1]).values.any()
        await sight.type("e3{ctrl+u}out/both{enter}")
        await sight.until((tmp_path / "out" / "both" / "index.json").exists, "the export for both classes")
        both = json.loads((tmp_path / "out" / "both" / "index.json").read_text())
        wanted = [(each["row"], name) for each in entries for name in dict.fromkeys((each["predicted"], each["true"]))]
        assert [(each["row"], each["explained"]) for each in both] == wanted
        await sight.type("xe")
        in_grid = sight.text()
        assert "the whole sheet" in in_grid and f"the {len(marked)} marked images by Saliency" in in_grid
        await sight.type("{escape}gee4{ctrl+u}out/marked.csv{enter}")
        await sight.type("/wrong{enter}e5{ctrl+u}out/wrong.csv{enter}")
        known, browser = sight.browser.predictions, sight.browser
        with (tmp_path / "out" / "wrong.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert tuple(rows[0]) == COLUMNS and [int(row["row"]) for row in rows] == np.flatnonzero(known.wrong).tolist()
        for row in rows:
            number = int(row["row"])
            assert row["predicted"] == browser.classes[known.predicted[number]]
            assert float(row["confidence"]) == pytest.approx(known.confidence[number], rel=1e-5)
        with (tmp_path / "out" / "marked.csv").open(newline="") as file:
            assert [row["note"] for row in csv.DictReader(file)] == [browser.marks.notes.get(row, "") for row in marked]
        await sight.type("e5{ctrl+u}out/wrong.csv{enter}")
        assert "is there already" in sight.text()
        await sight.type("{enter}e1{ctrl+u}out/wrong.csv/x{enter}")
        assert "cannot be made" in sight.text("#status")
        await sight.type("P")
        assert (tmp_path / "fer-tui-exports" / "screen.svg").read_text().startswith("<svg")


async def test_the_grid_as_a_sheet_and_the_confusion_as_numbers(
    opened: Opened, project: Callable[..., Any], tmp_path: Path
) -> None:
    async with opened(project(), (80, 24)) as sight:
        await sight.predicted()
        look, seen = sight.app.desk.look, sight.explanation
        look.scales.seen.see(dataclasses.replace(seen, values=99 * seen.values, meta={**seen.meta, "place": {}}))
        await sight.type("gr2{tab}u")  # methods by classes, on a shared scale: that of the sheet, whatever was seen
        await done(sight)
        assert "shared by the 3 maps of Saliency" in sight.text("#grid-bar")
        await sight.type("e1{enter}")
        await written(sight)
        (folder,) = (tmp_path / "fer-tui-exports" / "noise.npz").glob("grid_methods_classes")
        entries = json.loads((folder / "index.json").read_text())
        assert [each["cell"] for each in entries] == [[0, 0], [0, 1], [0, 2]]
        assert [each["explained"] for each in entries] == list(sight.browser.classes)
        maps = [load(folder / each["files"][1]) for each in entries]
        sheet = np.asarray(Image.open(folder / "sheet.png"))
        most = float(np.stack([each.values for each in maps]).max())
        assert f" {most:.3g}  shared" in sight.text("#grid-bar")
        for number, each in enumerate(maps):
            tile = heat_picture(each, mode="overlay", opacity=look.opacity, colours="viridis", scale=(0.0, most))
            drawn = np.asarray(tile.resize((round(tile.width * 128 / tile.height), 128), Image.Resampling.NEAREST))
            wide = drawn.shape[1]
            left = sheet.shape[1] - 12 - 128 - (len(maps) - 1 - number) * 136 + (128 - wide) // 2
            tops = [y for y in range(sheet.shape[0] - 128) if (sheet[y : y + 128, left : left + wide] == drawn).all()]
            assert len(tops) == 1, number
            shown = sight.app.screen._pictures[0, number][1]
            assert (np.asarray(shown) == np.asarray(tile)).all()
        await sight.type("u")
        assert f" {float(f'{most:.3g}'):g}  fixed" in sight.text("#grid-bar") and look.scales.most == most
        await sight.type("u")
        assert "this map's own scale" in sight.text("#grid-bar")
        await sight.type("gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        await sight.type("e2{enter}")
        assert "the counts are written" in sight.text("#status")
        with (tmp_path / "fer-tui-exports" / "noise.npz" / "confusion.csv").open(newline="") as file:
            lines = list(csv.reader(file))
        counts = sight.app.desk.matrix.answered.explanation.counts
        assert [line[1:] for line in lines[1:]] == [[str(each) for each in row] for row in counts.tolist()]
        assert lines[0][1:] == [line[0] for line in lines[1:]] == list(sight.browser.classes)
        await sight.type("e1{enter}")
        assert Image.open(tmp_path / "fer-tui-exports" / "noise.npz" / "confusion.png").width > 100


def test_the_curves_as_numbers() -> None:
    labels = np.array([0, 0, 1, -1])
    course = Course(("a", "b"), ("cat", "dog", "none"), labels, np.array([[0, 1, 0, 0], [0, 0, 1, 1]]))
    assert list(csv.reader(curves(course).splitlines())) == [
        ["checkpoint", "accuracy", "recall of cat", "recall of dog", "recall of none"],
        ["a", "0.333333", "0.5", "0", ""],
        ["b", "1", "1", "1", ""],
    ]


def test_names_of_files(tmp_path: Path) -> None:
    assert file_name(3, "../a b/\x1b[31m", "é") == "3_a-b--x1b-31m_é" and file_name("..") == "export"
    (tmp_path / "a.csv").write_text("")
    assert free(tmp_path / "a.csv").name == "a-2.csv" and free(tmp_path / "b").name == "b"


async def test_what_cannot_be_made_is_told_and_the_others_are_written(tmp_path: Path) -> None:
    class Fails:
        """Every second explanation fails; the others are there."""

        def want(self, request: Request | None, *, again: bool = False) -> None:
            assert request is not None
            if request.place.image % 2:
                self.answered = Answered(request, fault="no room")
            else:
                values = np.full((4, 4), request.place.image, np.float32)
                made = Heatmap(values=values, image=np.zeros((4, 4), np.uint8))
                self.answered = Answered(request, request.place, made, final=True)

        answered = Answered()

    told: list[str] = []
    items = [Item(str(row), Request("m", {}, Place(row)), {"row": row}) for row in range(5)]
    exporter = Exporter(Fails, told.append)  # type: ignore[arg-type]
    exporter.begin(tmp_path / "out", items, lambda explanation: {"mode": "map"})
    async with asyncio.timeout(30):
        while not told:
            await asyncio.sleep(0.01)
    assert told[0].startswith("3 of 5") and told[0].endswith("; 2 could not be made: no room")
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [each["row"] for each in index] == [0, 2, 4]
    assert load(tmp_path / "out" / "4.npz").values.max() == 4  # type: ignore[attr-defined]
