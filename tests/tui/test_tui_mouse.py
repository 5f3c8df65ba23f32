"""The mouse: clicks and the wheel do what keys do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from textual.events import MouseScrollDown, MouseScrollUp

from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.popups import Choice, Help

Make = Callable[..., Settings]
Opened = Callable[..., AbstractAsyncContextManager[Any]]


async def wheel(sight: Any, selector: str, kind: type[MouseScrollDown | MouseScrollUp]) -> None:
    """Turn the wheel one step over the middle of a widget."""
    x, y = sight.app.screen.query_one(selector).region.center
    flags = {"button": 0, "shift": False, "meta": False, "ctrl": False}
    sight.app.screen._forward_event(kind(None, int(x), int(y), 0, 0, **flags, screen_x=int(x), screen_y=int(y)))
    await sight.settle()


async def test_clicks_and_the_wheel(opened: Opened, project: Make) -> None:
    async with opened(project()) as sight:
        await sight.predicted()
        await sight.pilot.click("#list", offset=(5, 7))
        await sight.settle()
        assert sight.browser.row == 7
        await sight.pilot.click("#scores", offset=(5, 2))
        await sight.settle()
        assert sight.browser.target == 2
        await sight.type("c")
        assert isinstance(sight.app.screen, Choice)
        await sight.pilot.click("#choices", offset=(5, 2))
        await sight.explained()
        assert isinstance(sight.app.screen, Explore) and sight.answered.place.target == 1
        await sight.type("/wr")
        await sight.pilot.click("#list", offset=(5, 7))
        await sight.type("{escape}")
        assert (sight.browser.row, sight.browser.narrowing) == (7, "")
        for kind, row in ((MouseScrollDown, 8), (MouseScrollDown, 9), (MouseScrollUp, 8)):
            await wheel(sight, "#picture", kind)
            assert sight.browser.row == row
        await wheel(sight, "#list", MouseScrollDown)
        assert sight.browser.row == 8 and sight.app.screen.query_one("#list").scroll_offset.y > 0
        hints = sight.text("#hints")
        await sight.pilot.click("#hints", offset=(hints.index("help"), 0))
        await sight.settle()
        assert isinstance(sight.app.screen, Help)
        await sight.type("{escape}")
        await sight.pilot.click("#hints", offset=(hints.index("target"), 0))
        await sight.settle()
        assert sight.browser.target == "predicted"
        await sight.type("gc")
        await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        table = sight.app.screen.table
        counts = sight.app.desk.matrix.answered.explanation.counts
        row, column = divmod(int(counts.argmax()), 3)
        x, y = table._names_width + column * table._cell_width + 1, 1 + row * table._cell_height
        if table.cursor != (row, column):
            await sight.pilot.click("#table", offset=(x, y))
            await sight.settle()
        assert isinstance(sight.app.screen, ClassesScreen) and table.cursor == (row, column)
        await sight.pilot.click("#table", offset=(x, y))
        await sight.settle()
        assert isinstance(sight.app.screen, Explore) and sight.browser.count == counts.max()
