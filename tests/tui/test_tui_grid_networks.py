"""The Grid of several networks under Pilot: one beside the other, and cells that a network has not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import numpy as np
import pytest

from fer_tui.cli.settings import bundled_run
from fer_tui.contract import Place
from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.widgets.grid_view import GridLine
from fer_tui.tui.widgets.lines import Lines
from tests.tui.test_tui_grid import done

Opened = Callable[..., AbstractAsyncContextManager[Any]]
RUN_AND_NETWORK = Settings(weights=(bundled_run(),), others=(Settings(model="fer-res"),), limit=35)


@pytest.fixture
def all_but_slow(monkeypatch: pytest.MonkeyPatch, only_two_methods: None) -> None:
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "lime")


async def test_networks_lie_along_a_side(opened: Opened, all_but_slow: None) -> None:
    async with opened(RUN_AND_NETWORK, size=(160, 50)) as sight:
        await sight.predicted()
        desk, browser = sight.app.desk, sight.browser
        count = len(desk.run.names) - 1
        here = browser.checkpoint
        await sight.type("gr4{tab}")
        screen = sight.app.screen
        await done(sight)
        await sight.until(lambda: desk.run.known_of((here, count)) == 2, "the predictions of both networks")
        names = [step.name for step in screen.table.rows]
        assert names == ["original", *(each.name for each in desk.project.classifier.networks)]
        assert screen.grid.sides == ("networks", "images") and screen.grid.cursor == (1, 0)
        assert desk.run.known == 2  # of the run only the checkpoint that is shown is predicted

        row = screen.table.columns[0].image
        target = int(browser.predictions.predicted[row])
        with open_session(RUN_AND_NETWORK) as session:
            for number, checkpoint in ((1, here), (2, count)):
                answered = desk.cells.answered((number, 0))
                assert answered.place == Place(row, target, checkpoint=checkpoint)
                made = list(session.engine().explain("saliency", answered.place))[-1].explanation
                np.testing.assert_allclose(answered.explanation.values, made.values, rtol=1e-4, atol=1e-6)

        await sight.type("d6")  # the checkpoints are those of the run alone
        assert screen.grid.sides == ("images", "checkpoints") and len(screen.table.columns) == count
        await sight.type("2m" if desk.project.methods_for(dataset=False)[1].name == "cam" else "1m")
        assert desk.choice.method.name == "cam"
        await sight.type("r7d2")  # each network's prediction stands in the column of that class
        await done(sight)
        at = browser.row
        for number, checkpoint in enumerate((here, count)):
            named = desk.run.prediction(checkpoint, at)[0]
            words = screen.view.query(GridLine)[number].query_one(".words", Lines).text.strip("▸◂ ")
            assert words.startswith(browser.classes[named]) and len(words.split()) == 2
        await sight.type("d5")
        await done(sight)
        own = {each.name for each in desk.project.classifier.layers if each.filters}
        column = next(n for n, step in enumerate(screen.table.columns) if step.layer not in own)
        assert screen.table.cell(0, column).missing and not screen.table.cell(1, column).missing
        await sight.type(f"{column}l")
        assert "has no layer" in sight.text("#grid-words") and "no layer" in sight.text()
        await sight.type("j")
        await done(sight)
        layer = screen.table.columns[column].layer
        assert desk.cells.answered((1, column)).place.layer == layer
        await sight.type("{enter}")
        await sight.explained()
        assert isinstance(sight.app.screen, Explore)
        assert (browser.checkpoint, browser.layer) == (count, layer)

        await sight.type("grr3d7")  # methods of one image; views of the filters are among them
        names = [step.name for step in screen.table.rows]
        assert {"Saliency", "Filters: outputs", "Filters: ascent"} < set(names)
        assert [step.checkpoint for step in screen.table.columns] == [here, count]  # here: the run's default
        await sight.type("{escape}d1")
        assert {"Saliency", "Filters: outputs"} < {step.name for step in screen.table.rows}
        assert "Filters: class" not in {step.name for step in screen.table.rows}
        at = next(n for n, step in enumerate(screen.table.rows) if step.name == "Filters: outputs")
        await sight.type(f"{{escape}}{at}G{{enter}}")
        assert desk.choice.method.name == "filter-ascent"
        assert desk.choice.parameters(desk.choice.method)["view"] == "outputs"


async def test_one_network_has_no_side_of_its_own(opened: Opened) -> None:
    async with opened(Settings(limit=7)) as sight:
        await sight.predicted()
        await sight.type("grr7")
        assert "there is one network" in sight.text("#status") and sight.app.desk.grid.sides[0] == "images"
        await sight.type("3{tab}")
        assert "there is one checkpoint" in sight.text("#status")
        await sight.type("{tab}{tab}")
        assert sight.app.desk.grid.arrangement == 0
