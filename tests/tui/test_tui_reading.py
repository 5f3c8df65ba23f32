"""Reading a map in the explorer: its colours, their values, the value at a point, its twin in words."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_tui.engine.settings import Settings
from fer_tui.picture import heat_picture, scale_of, shares

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def shown(sight: Any) -> np.ndarray:
    return np.asarray(sight.app.explore.query_one("#picture").picture.convert("RGB"), int)


def numbers(sight: Any) -> list[float]:
    """The numbers beside the colour bar, the highest first."""
    return [float(line[4:]) for line in sight.text("#bar").splitlines()[1:] if line[4:].strip()]


async def test_colours_have_numbers_and_scales(opened: Opened, samples: Settings) -> None:
    async with opened(samples, (80, 24)) as sight:
        await sight.predicted()
        await sight.explained()
        first = sight.explanation
        high = float(first.values.max())
        assert numbers(sight) == [float(f"{high * share:.3g}") for share in (1, 0.75, 0.5, 0.25, 0)]
        assert sight.text("#bar").splitlines()[0].split() == ["own"]
        await sight.type("j")
        await sight.explained()
        second = sight.explanation
        await sight.type("ou")
        widest = max(high, float(second.values.max()))
        assert numbers(sight)[0] == float(f"{widest:.3g}") and "scale shared by 2 maps" in sight.text("#caption")
        for keys, heatmap in (("", second), ("k", first)):
            await sight.type(keys)
            await sight.explained()
            assert (
                np.abs(shown(sight) - np.asarray(heat_picture(heatmap, mode="map", scale=(0, widest)), int)).max() <= 1
            )
        await sight.type("gu{ctrl+u}-1{enter}")
        assert "-1.0 is outside 0 to any" in sight.text()
        await sight.type("{ctrl+u}100{enter}")
        assert "scale fixed at 100" in sight.text("#caption") and numbers(sight)[0] == 100
        dark = np.asarray(heat_picture(first, mode="map", scale=(0, 100)), int)
        assert np.abs(shown(sight) - dark).max() <= 1 and shown(sight)[..., 1].max() < 20
        await sight.type("u")
        assert "scale" not in sight.text("#caption")
        at = sight.app.explore.query_one("#picture").frame
        for _ in range(6):  # neither view moves the picture
            await sight.type("o")
            assert sight.app.explore.query_one("#picture").frame == at
        await sight.pilot.resize_terminal(120, 40)
        await sight.settle()
        assert [float(each) for each in sight.text("#bar").splitlines()[1].split()][-1] == float(
            f"{scale_of(first)[1]:.3g}"
        )


async def test_the_value_at_a_point_and_the_twin_in_words(opened: Opened, samples: Settings, tmp_path: Path) -> None:
    own_store = replace(samples, cache=str(tmp_path))  # in which there is no map yet of the last image
    async with opened(own_store, (80, 24)) as sight:
        await sight.predicted()
        await sight.explained()
        values, image = sight.explanation.values, sight.explanation.image
        row, column = (int(at) for at in np.unravel_index(np.abs(values).argmax(), values.shape))
        picture = sight.app.explore.query_one("#picture")

        def pointed(row: int, column: int) -> bool:
            told = " ".join(sight.text("#caption").split())
            value = f"row {row} column {column} · {float(values[row, column]):.4g} · above "
            return value in told and f"gray {int(image[row, column])}" in told and told.count("%") >= 2

        await sight.type("v")
        assert pointed(row, column) and "above 100.0%" in sight.text("#caption")
        await sight.type("gg")
        assert pointed(0, 0)
        await sight.type("5j3lk{left}")
        assert pointed(4, 2) and sight.browser.row == 0, "the list does not move"
        left, top, columns, rows = picture.frame
        assert sight.text("#across").index("▼") == left + picture.region.x - 31 + int(2.5 / 48 * columns)
        marks = sight.text("#down").splitlines()
        assert [n for n, mark in enumerate(marks) if mark] == [top + int(4.5 / 48 * rows)]
        at = picture.region.offset
        assert await sight.pilot.click(offset=(at.x + left + columns // 2, at.y + top + rows // 2))
        await sight.settle()
        assert pointed(int((rows // 2 + 0.5) / rows * 48), int((columns // 2 + 0.5) / columns * 48))
        await sight.type("G9j9l")
        assert pointed(47, 47)
        await sight.type("n{escape}j")
        await sight.explained()
        assert "column" not in sight.text("#caption").split("strongest")[0] and sight.browser.row > 0
        # ---- in words
        await sight.type("W")
        expected = shares(sight.explanation)
        told = [line.split()[2:] for line in sight.text("#words").splitlines() if line.startswith("row ")]
        np.testing.assert_allclose(np.array(told, float), 100 * expected, atol=0.0501)
        assert not picture.region.area
        await sight.type("oooo")
        assert "a gray picture of 48x48, values" in " ".join(sight.text("#words").split())
        await sight.type("oogw")
        assert "percent of the map in 7 rows and 7 columns" in sight.text()
        await sight.type("qWz")
        assert picture.region.width and not sight.app.explore.query_one("#list-pane").region.area
        await sight.type("z")
        assert sight.app.explore.query_one("#list-pane").region.area
        # ---- before the map is there
        os.kill(sight.app.compute.pid, signal.SIGSTOP)
        try:
            await sight.type("Gv")
            assert "no map yet" in sight.text("#status") and not sight.text("#across")
            await sight.type("5kl")
            assert "no map yet" in sight.text("#status") and sight.browser.row == len(sight.browser.predictions) - 1
        finally:
            os.kill(sight.app.compute.pid, signal.SIGCONT)
        await sight.explained()
        values, image = sight.explanation.values, sight.explanation.image
        assert pointed(*(int(at) for at in np.unravel_index(np.abs(values).argmax(), values.shape)))
