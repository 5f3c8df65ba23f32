"""Contrasts in the explorer: the mean of a cell, and one image's, against the engine's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import numpy as np

from fer_tui.contract import Place
from fer_tui.engine import open_session
from fer_tui.engine.contrasting import Cell, cell_contrast, contrast
from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.contrast import CellContrast
from fer_tui.tui.screens.explore import Explore

Opened = Callable[..., AbstractAsyncContextManager[Any]]


async def test_a_cell_and_its_images(opened: Opened, project: Callable[..., Settings]) -> None:
    settings = project()
    async with opened(settings, (80, 24)) as sight:
        await sight.predicted()
        await sight.type("gc")
        desk = sight.app.desk
        await sight.until(lambda: desk.matrix.answered.final, "the matrix")
        counts = desk.matrix.answered.explanation.counts.copy()
        np.fill_diagonal(counts, 0)
        true, other = (int(n) for n in np.unravel_index(counts.argmax(), counts.shape))
        screen = sight.app.screen
        assert isinstance(screen, ClassesScreen)
        screen.table.move_to(true, true)
        await sight.type("d")
        assert "mistakes" in sight.text("#status")
        screen.table.move_to(true, other)
        await sight.type("4d")
        assert isinstance(sight.app.screen, CellContrast)
        await sight.until(lambda: desk.contrast.answered.final, "the mean")
        mean = desk.contrast.answered.explanation
        assert mean.meta["images"] == 4
        names = desk.browser.classes
        text = sight.text()
        assert f"{names[other]} − {names[true]}" in text and f"for {names[other]}" in text
        await sight.type("y")
        line = " ".join(sight.text().replace("\n", " ").split())
        assert f"--target {names[other]}" in line and "--cell 4" in line
        await sight.type("{escape}o{enter}")
        assert isinstance(sight.app.screen, Explore)
        await sight.explained()
        row, single = sight.browser.row, sight.explanation
        assert single.meta["against"] == true and sight.browser.target_class == other
        assert f"of {names[other]} − {names[true]}" in sight.text("#caption")
        await sight.type("d")
        await sight.explained()
        assert "against" not in sight.explanation.meta
    with open_session(settings) as session:
        engine = session.engine()
        *_, (_, wanted) = cell_contrast(engine, "saliency", Cell(true, other, 4))
        assert wanted is not None and np.array_equal(wanted.values, mean.values)
        *_, last = contrast(engine, engine.task("saliency", Place(row, other), {}), true)
        assert np.array_equal(last.explanation.values, single.values)
