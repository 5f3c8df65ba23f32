"""Two networks in the explorer: both maps abreast, fixed, broken and disagreeing images against NumPy."""

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
from fer_tui.tui import narrowing

Opened = Callable[..., AbstractAsyncContextManager[Any]]
TWO = Settings(model="fer-gap", weights=(), others=(Settings(model="fer-res"),), limit=140)


@pytest.fixture
def all_methods(monkeypatch: pytest.MonkeyPatch, only_two_methods: None) -> None:
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "lime,filter-ascent")


async def test_two_networks(opened: Opened, all_methods: None) -> None:
    with open_session(TWO) as session:
        engine = session.engine()
        assert engine.dataset is not None
        labels = np.asarray(engine.dataset.labels)
        scores = [np.concatenate([part for _, part in engine.scores(number)]) for number in range(2)]
        first, second = (each.argmax(1) for each in scores)
        expected = {
            "fixed": np.flatnonzero((first != labels) & (second == labels)),
            "broken": np.flatnonzero((first == labels) & (second != labels)),
            "disagree": np.flatnonzero(first != second),
        }
        maps = [
            list(engine.explain("saliency", Place(0, int(first[0]), checkpoint=number)))[-1].explanation.values
            for number in range(2)
        ]
    async with opened(TWO, size=(120, 40)) as sight:
        await sight.predicted()
        await sight.explained()
        beside = sight.app.desk.beside
        assert "checkpoint 1/2" in sight.text()

        await sight.type("b")
        await sight.until(lambda: beside.answered.final and beside.predictions.complete, "the other network")
        np.testing.assert_allclose(sight.explanation.values, maps[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(beside.answered.explanation.values, maps[1], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(beside.predictions.all_scores, scores[1], rtol=1e-4, atol=1e-4)
        shown = sight.text()
        counted = " · ".join(f"{word} {len(rows)}" for word, rows in expected.items())
        assert f"fer-res: {counted}" in shown
        panes = [sight.app.explore.query_one(f"#{name}") for name in ("explained", "beside")]
        assert panes[0].picture.region.width == panes[1].picture.region.width > 0
        for number, pane in enumerate(panes):
            name, each = ("fer-gap", "fer-res")[number], scores[number][0]
            assert name in pane.query_one("#title").text
            assert f" {each[int(first[0])]:.2f} " in pane.query_one("#caption").text  # the explained class's score

        await sight.type(".")  # they change places; fixed stays what it was, and nothing is predicted again
        assert sight.browser.checkpoint == 1 and beside.partner == 0 and sight.browser.predictions.complete
        await sight.until(lambda: sight.answered.final and beside.answered.final, "both maps")
        target = sight.browser.target_class
        assert beside.answered.place.target == sight.answered.place.target == target == int(second[0])
        assert f"fer-res: {counted}" in sight.text()

        for word, rows in expected.items():
            await sight.type(f"/{{ctrl+u}}{word}{{enter}}")
            assert sight.browser.listed.tolist() == rows.tolist(), word
        await sight.type("/{ctrl+u}-disagree true:fear{enter}")
        both = np.flatnonzero((first == second) & (labels == list(session.classifier.classes).index("fear")))
        assert sight.browser.listed.tolist() == both.tolist()
        await sight.type("/{ctrl+u}{enter}")
        await sight.type("y")
        line = sight.app.clipboard
        assert "--model fer-gap --model fer-res" in line and "--checkpoint 1" in line
        await sight.type("{escape}")

        # fer-res has layers that fer-gap lacks: that is said, and each network keeps its own
        cam = next(n for n, each in enumerate(sight.app.desk.project.methods_for(dataset=False)) if each.name == "cam")
        await sight.type(f"{cam + 1}m")
        await sight.explained()
        await sight.type("[")
        await sight.until(lambda: sight.answered.final and beside.answered.final, "both at a layer")
        layer = sight.browser.layer
        assert layer is not None and layer not in {e.name for e in sight.app.desk.project.classifier.at(0).layers}
        assert "no such layer: at" in panes[1].query_one("#caption").text and beside.answered.place.layer is None
        await sight.type(",")
        assert sight.browser.layer is None and f"fer-gap has no layer {layer}" in sight.text()
        await sight.type(".")
        assert sight.browser.layer == layer

        await sight.pilot.resize_terminal(80, 24)
        await sight.until(lambda: sight.answered.final and beside.answered.final, "both maps")
        assert all(pane.picture.region.height >= 8 and pane.picture.region.width >= 16 for pane in panes)
        assert "disagree" in sight.text()
        await sight.type("9b")
        assert "checkpoint 9 is not there" in sight.text()
        await sight.type("b")
        assert not beside.shown and panes[1].region.width == 0


async def test_a_run_has_a_checkpoint_beside_the_current_one(opened: Opened) -> None:
    """Of one run, `b` puts the first beside the last; a number chooses another."""
    settings = Settings(weights=(bundled_run(),), limit=70)
    async with opened(settings) as sight:
        await sight.predicted()
        beside, count = sight.app.desk.beside, len(sight.app.desk.run.names)
        assert sight.browser.checkpoint == count - 1
        await sight.type("/disagree{enter}")
        await sight.until(lambda: beside.predictions.complete, "the first checkpoint's predictions")
        await sight.until(lambda: sight.browser.count, "images on which they disagree")
        assert beside.order == (0, count - 1) and not beside.shown
        await sight.type("3b")
        assert beside.partner == 2 and beside.shown
        await sight.until(lambda: beside.predictions.complete and beside.answered.final, "the third checkpoint")
        await sight.type(",")
        assert sight.browser.checkpoint == count - 2 and beside.partner == 2


async def test_nothing_beside_one_network(opened: Opened) -> None:
    async with opened(Settings(limit=7)) as sight:
        await sight.predicted()
        await sight.type("b")
        assert "nothing to put beside it" in sight.text()
        with pytest.raises(narrowing.NarrowingError, match="there is one network"):
            sight.browser.narrow("fixed")
