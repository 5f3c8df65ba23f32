"""The same under the running explorer, with its compute process, in one session."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fer_tui_samples
from fer_tui import plugins
from fer_tui.contract import Heatmap, Reply
from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.filters import FiltersScreen
from fer_tui.tui.screens.tabling import Tables
from fer_tui.tui.widgets.parameter_form import ParameterForm


@pytest.fixture(autouse=True)
def few_methods(foreign: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FER_TUI_DISABLE_PLUGINS")
    others = [name for name in plugins.names() if name not in ("saliency", "confusion", "tiles", "guesses")]
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", ",".join(others))
    for name, value in (("COLORTERM", "truecolor"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)


async def test_all_that_a_foreign_plugin_gets(
    opened: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fer_tui.tui.ahead._CHEAP", 60)  # however slow the machine is
    async with opened(Settings(device="cpu", cache=str(tmp_path / "cache"))) as sight:
        await sight.predicted()
        await _parameters_and_trust(sight)
        await _tables(sight)
        await _actions(sight)
        await _files(sight)
        await _grid_focus_and_matrix(sight)


async def _parameters_and_trust(sight: Any) -> None:
    while sight.app.desk.choice.method is None or sight.app.desk.choice.method.name != "tiles":
        await sight.type("m")
    await sight.explained()
    assert "Tiles [bold] of" in sight.text() and "w 1 table" in sight.text()
    await sight.type("p")
    assert sight.app.screen.query(ParameterForm) and all(each in sight.text() for each in ("blend", "remark", "mode"))
    await sight.type("{escape}T")
    await sight.until(lambda: sight.explanation.meta.get("trust"), "the trust")
    assert "trust" in sight.text()
    await sight.type("s")
    await sight.until(lambda: sight.app.desk.similar.found, "similar images")
    await sight.type("{escape}j")
    await sight.explained()
    desk = sight.app.desk
    there = lambda row: desk.project.look_up(  # noqa: E731
        desk.project.request(
            desk.choice.method, desk.choice.parameters(desk.choice.method), sight.browser.place_of(row)
        )
    )
    await sight.until(lambda: there(sight.browser.row + 1), "the next one, made ahead")
    await sight.type("j")
    assert sight.answered.final and sight.answered.seconds is None  # it was made ahead


async def _tables(sight: Any) -> None:
    await sight.type("w")
    assert isinstance(sight.app.screen, Tables) and "the fall of the score where a tile is hidden" in sight.text()
    assert "speaks\\nagainst it" in sight.text() or "speaks for it" in sight.text()

    def at_cursor() -> list[str]:
        line = next(line for line in sight.lines() if "▸" in line and "speaks" in line)
        return line.rsplit("▸")[-1].split()[:3]

    first = at_cursor()
    assert first[:2] == ["0", "0"]
    await sight.type("lls")
    assert "fall (score) ↓" in sight.text() and at_cursor() == first  # the cursor stays with its row
    await sight.type("g")
    assert at_cursor()[2] == f"{float(np.max(sight.explanation.extras['drops'])):.4g}"
    await sight.type("ss{escape}")
    assert not isinstance(sight.app.screen, Tables)


async def _actions(sight: Any) -> None:
    app = sight.app
    await sight.type("A")
    assert "What a tile does to all classes" in sight.text() and "Hides the strongest tile" in sight.text()
    await sight.type("1")
    await sight.until(lambda: isinstance(app.screen, Tables), "what the action tells")
    assert "is \\x1b[31mthe strongest" in sight.text() and "fall (score)" in sight.text()
    assert isinstance(sight.explanation, Reply)
    await sight.type("jj{enter}")
    assert sight.browser.target == 2  # the class of that row
    await sight.explained()
    assert isinstance(sight.explanation, Heatmap)  # another place: the explanation again
    before = sight.explanation.values
    await sight.type(":action turned{enter}")
    await sight.until(lambda: sight.answered.final and "action" in sight.explanation.meta, "the turned map")
    assert np.array_equal(sight.explanation.values, -before) and "The map turned over" in sight.text()
    await sight.type("y")
    assert "--action turned" in sight.text()
    await sight.type("{escape}{escape}")
    assert np.array_equal(sight.explanation.values, before)
    await sight.type("A3")
    await sight.until(lambda: sight.answered.progress == 0.25, "early results")
    assert "computing 25%" in sight.text("#status")
    await sight.type("{escape}")
    await sight.until(lambda: not app.desk.image.is_working and not app.desk.lost, "the end of it")
    await sight.type("{escape}A4")
    await sight.until(lambda: isinstance(app.screen, Tables), "a table of images")
    assert "[red]bright[/red]" in sight.text()
    row = next(line.split("▸")[-1].split()[0] for line in sight.lines() if "▸" in line and "bright" in line)
    await sight.type("{enter}")
    assert sight.browser.row == int(row)


async def _files(sight: Any) -> None:
    await sight.explained()
    await sight.type("A1")
    await sight.until(lambda: isinstance(sight.app.screen, Tables), "what the action tells")
    await sight.type("{escape}e1{enter}")
    await sight.until(lambda: "are written" in sight.text("#status"), "the export")
    await sight.type("{escape}")
    await sight.explained()
    await sight.type("e1{enter}")
    await sight.until(lambda: len(list(Path().rglob("index.json"))) == 2, "the second export")
    indexes = [json.loads(path.read_text())[0] for path in sorted(Path().rglob("index.json"))]
    names = [{Path(name).suffixes[-1] for name in each["files"]} for each in indexes]
    assert sorted(map(sorted, names)) == [[".csv", ".json", ".npz"], [".csv", ".json", ".npz", ".png"]]
    for path, each in zip(sorted(Path().rglob("index.json")), indexes, strict=True):
        assert all(path.with_name(name).is_file() for name in each["files"])
        assert ("--action all-classes" in each["command"]) == (".png" not in str(each["files"]))
    table = next(Path().rglob("*.tiles.csv"))
    with table.open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["row", "column", "fall (score)", "how"] and len(rows) == 17


async def _grid_focus_and_matrix(sight: Any) -> None:
    app = sight.app
    await sight.type("gr2{tab}")
    assert "Tiles [bold]" in sight.text()
    await sight.type("gc")
    await sight.until(lambda: app.desk.matrix.answered.final, "the matrix")
    await sight.type("2f")
    await sight.until(lambda: not app.desk.focus.is_working, "the focus by class")
    assert not app.desk.focus.fault and "inside the face" in sight.text()
    await sight.type("w")
    assert "precision" in sight.text()
    await sight.type("{escape}M2")
    await sight.until(lambda: app.desk.matrix.answered.final and "Guesses" in sight.text(), "another matrix")
    assert app.desk.matrix.answered.explanation.counts[:, 1:].sum() == 0
    await sight.type("M1w")
    await sight.type("j{enter}")
    await sight.until(lambda: app.screen is app.explore, "the images of the class")
    assert sight.browser.narrowing.startswith("true:")


async def test_rows_lead_to_layers_filters_and_checkpoints(opened: Callable[..., Any], tmp_path: Path) -> None:
    """Every axis but the image and the class, which the actions above lead to; and what there is not."""
    run = str(fer_tui_samples.run_path())
    async with opened(Settings(device="cpu", cache=str(tmp_path / "cache"), weights=(run,), limit=4)) as sight:
        await sight.explained()
        while sight.app.desk.choice.method.name != "tiles":
            await sight.type("m")
        await _links(sight)


async def _links(sight: Any) -> None:
    desk, browser, app = sight.app.desk, sight.browser, sight.app
    layers = [each for each in desk.project.classifier.layers if each.filters]
    last = browser.checkpoint
    assert last > 0

    async def follow(row: int) -> None:
        await sight.explained()
        await sight.type("A5")
        await sight.until(lambda: isinstance(app.screen, Tables), "the table of places")
        await sight.type("j" * row + "{enter}")

    await follow(0)
    assert (browser.layer, browser.filter) == (layers[0].name, None) and app.screen is app.explore
    await follow(1)  # the method hangs on no filter: it opens where filters are looked at
    assert (browser.layer, browser.filter) == (layers[1].name, 2) and isinstance(app.screen, FiltersScreen)
    await sight.type("{escape}")
    await follow(2)  # a filter of the layer where the user is
    assert (desk.filters.layer.name, browser.filter) == (layers[1].name, 1) and isinstance(app.screen, FiltersScreen)
    await sight.type("{escape}")
    await follow(3)
    assert browser.checkpoint == 0 and app.screen is app.explore
    for row, said in ((4, f"there is no filter 9999 at {layers[0].name}"), (5, "there is no layer nowhere"),
                      (6, "there is no checkpoint 77")):  # fmt: skip
        await follow(row)
        assert said in sight.text("#status") and browser.checkpoint == 0
    await follow(7)
    assert isinstance(app.screen, Tables) and "Enter goes there" not in sight.text()  # it leads nowhere
