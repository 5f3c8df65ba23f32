"""The popup of tables: only rows in sight are told, however many there are, and better ones take their place."""

from __future__ import annotations

import numpy as np
from textual.app import App

from fer_tui.contract import Axis, Column, Heatmap, Place, Table
from fer_tui.contract.tables import MOST_ROWS
from fer_tui.tui.asking import Answered, Request
from fer_tui.tui.screens.tabling import Tables

REQUEST = Request("lens", {}, Place(image=0))


def map_with(*tables: Table) -> Heatmap:
    named = dict(zip(("tiles", "images"), tables, strict=False))
    return Heatmap(values=np.ones((2, 2), np.float32), image=np.zeros((2, 2), np.uint8), meta={}, tables=named)


def numbered(rows: int, scale: float = 1.0) -> Table:
    """A row's number, and something that falls and then rises again."""
    columns = [Column("row", link=Axis.IMAGE), Column("how far it is from the middle")]
    return Table(columns, [(row, scale * abs(row - rows / 2)) for row in range(rows)])


def lines_of(popup: Tables) -> list[str]:
    return ["".join(segment.text for segment in popup._compositor.render_strips()[y]) for y in range(popup.size.height)]


def cursor_line(popup: Tables) -> list[str]:
    return next(line for line in lines_of(popup) if "▸" in line).split("▸")[1].split()[:2]


async def test_of_many_rows_only_those_in_sight_are_told() -> None:
    async with App[None]().run_test(size=(100, 30)) as pilot:
        popup = Tables("Lens", "", map_with(numbered(MOST_ROWS)), ())
        await pilot.app.push_screen(popup)
        await pilot.press("G")
        assert cursor_line(popup) == ["9999", "4999"]
        await pilot.press("right", "s", "g")
        assert cursor_line(popup) == ["0", "5000"] and f"row 1 of {MOST_ROWS}" in "\n".join(lines_of(popup))
        assert len(popup.view._told) < 300


async def test_better_tables_take_the_place_of_those_so_far() -> None:
    now = [Answered(REQUEST, REQUEST.place, map_with(numbered(40)), progress=0.5)]
    async with App[None]().run_test(size=(100, 30)) as pilot:
        assert now[0].explanation is not None
        popup = Tables("Lens", "", now[0].explanation, (), lambda: now[0])
        await pilot.app.push_screen(popup)
        await pilot.press("right", "s", "g", "down")
        assert "Lens, so far  tiles" in "\n".join(lines_of(popup)) and cursor_line(popup) == ["1", "19"]
        now[0] = Answered(REQUEST, REQUEST.place, map_with(numbered(40, 2.0), numbered(3)), final=True, progress=1.0)
        popup._renew()
        await pilot.pause()
        text = "\n".join(lines_of(popup))
        assert "Lens  tiles  images" in text and "so far" not in text
        assert cursor_line(popup) == ["1", "38"] and "middle ↓" in text, "the cursor and the order stay"
        await pilot.press("tab")
        assert "row 1 of 3" in "\n".join(lines_of(popup))
