"""The picture widget in an app: its size, what it sends again, terminals without colour."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from fer_tui.terminal import Picture


class Frame(App[None]):
    CSS = "Picture { margin: 1 2; background: rgb(10,20,30); }"

    def compose(self) -> ComposeResult:
        yield Picture()

    @property
    def picture(self) -> Picture:
        return self.query_one(Picture)


def noise(height: int = 12, width: int = 10) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def shown(app: App[None]) -> np.ndarray:
    """The picture as colours: two pixels for each cell of the widget, (0, 0, 0) where there is no colour."""
    region = app.query_one(Picture).region
    rows = []
    for line in app.screen._compositor.render_strips()[region.y : region.bottom]:
        tops, bottoms = [], []
        for segment in line.crop(region.x, region.right):
            style = segment.style
            ink, paper = (tuple(c.get_truecolor()) if c else (0, 0, 0) for c in (style.color, style.bgcolor))
            tops += [ink if character == "▀" else paper for character in segment.text]
            bottoms += [paper] * len(segment.text)
        rows += [tops, bottoms]
    return np.array(rows)


async def test_the_picture_is_in_the_middle_at_any_size() -> None:
    app = Frame()
    async with app.run_test(size=(40, 20)) as pilot:
        app.picture.show(noise())
        for width, height, times in ((40, 20, 3), (14, 8, 1), (24, 14, 2), (90, 38, 6)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            pixels = np.asarray(noise()).repeat(times, 0).repeat(times, 1)
            expected = np.tile([10, 20, 30], (2 * (height - 2), width - 4, 1))
            left, above = (width - 4 - 10 * times) // 2, 2 * ((height - 2 - 6 * times) // 2)
            expected[above : above + len(pixels), left : left + pixels.shape[1]] = pixels
            np.testing.assert_array_equal(shown(app), expected)


async def test_another_picture_sends_only_the_lines_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Frame()
    async with app.run_test(size=(14, 8)) as pilot:
        app.picture.show(noise())
        await pilot.pause()
        again: list[Region] = []
        monkeypatch.setattr(app.picture, "refresh", lambda *regions, **_: again.extend(regions))
        app.picture.show(noise())
        assert again == []
        pixels = np.asarray(noise()).copy()
        pixels[5:8, 4] = 0
        app.picture.show(Image.fromarray(pixels))
        assert again == [Region(0, 2, 10, 2)]
        monkeypatch.undo()
        app.picture.refresh(*again)
        await pilot.pause()
        np.testing.assert_array_equal(shown(app), pixels)


async def test_nothing_to_show_is_blank() -> None:
    app = Frame()
    async with app.run_test(size=(14, 8)) as pilot:
        app.picture.show(noise())
        await pilot.pause()
        app.picture.show(None)
        await pilot.pause()
        assert app.picture.picture is None
        assert (shown(app) == [10, 20, 30]).all()


async def test_without_colour_there_are_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Frame()
    async with app.run_test(size=(14, 8)) as pilot:
        app.picture.show(Image.fromarray(np.full((12, 10), 255, np.uint8)))
        await pilot.pause()
        lines: list[Strip] = app.screen._compositor.render_strips()
        assert [line.text for line in lines[1:7]] == ["  " + "█" * 10 + "  "] * 6


async def test_no_room_is_no_fault() -> None:
    app = Frame()
    async with app.run_test(size=(14, 8)) as pilot:
        app.picture.show(noise())
        for size in ((4, 8), (14, 2), (1, 1), (5, 3), (14, 8)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        np.testing.assert_array_equal(shown(app), np.asarray(noise()))
