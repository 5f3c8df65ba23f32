"""A sheet of many pictures: their places, frames and captions, at any size and of any number."""

from __future__ import annotations

import numpy as np
import pytest
from textual.app import App, ComposeResult

from fer_tui.contract import Gallery
from fer_tui.terminal import Picture, Sheet
from fer_tui.terminal.sheet import Row, columns_of, part_of


class Frame(App[None]):
    def compose(self) -> ComposeResult:
        yield Sheet()

    @property
    def sheet(self) -> Sheet:
        return self.query_one(Sheet)

    def lines(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


def gallery(count: int, captions: bool = True, marked: tuple[int, ...] = ()) -> Gallery:
    images = np.random.default_rng(0).random((count, 12, 12), dtype=np.float32)
    names = tuple(f"c{n}\x1b[31m" if n == 1 else f"c{n}" for n in range(count)) if captions else ("",) * count
    return Gallery(images=images, captions=names, scores=np.zeros(count, np.float32), marked=marked)


async def test_captions_are_below_their_pictures() -> None:
    app = Frame()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.sheet.show(gallery(6, marked=(2,)))
        await pilot.pause()
        rows = [row for row in app.query(Row) if row.display]
        columns = columns_of(6, 60, 20, True)
        assert len(rows) == 6 // columns and len({row.size for row in rows}) == 1
        lines = app.lines()
        for n in range(6):
            row = rows[n // columns]
            line = lines[row.region.bottom - 1]
            left, wide = row.query_one(Picture).span
            middle = left + wide * (n % columns + 0.5) / columns
            assert abs(line.index(f"c{n}") + 1 - middle) <= wide / columns / 2
        assert "\x1b" not in "".join(lines)
        shown = np.asarray(rows[2 // columns].query_one(Picture).picture)
        assert (shown == (230, 60, 50)).all(-1).any(), "the marked one has a red frame"


async def test_without_captions_it_is_one_picture() -> None:
    app = Frame()
    async with app.run_test(size=(64, 32)) as pilot:
        await app.sheet.show(gallery(64, captions=False))
        await pilot.pause()
        (row,) = [row for row in app.query(Row) if row.display]
        picture = row.query_one(Picture)
        assert picture.picture is not None and picture.picture.size == (8 * 16, 8 * 16)
        assert picture.size.height == 32


async def test_it_follows_size_and_number() -> None:
    app = Frame()
    async with app.run_test(size=(60, 20)) as pilot:
        for count in (30, 3, 1, 17):
            await app.sheet.show(gallery(count))
            for size in ((60, 20), (8, 3), (1, 1), (120, 40)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
            text = "\n".join(app.lines())
            assert all(f"c{n}" in text for n in range(count)) and f"c{count}" not in text
        await app.sheet.show(None)
        await pilot.pause()
        assert not "".join(app.lines()).strip()


@pytest.mark.parametrize(("count", "width", "height"), [(64, 64, 32), (7, 100, 8), (7, 10, 60), (1, 50, 50), (5, 3, 3)])
def test_as_many_columns_as_make_tiles_largest(count: int, width: int, height: int) -> None:
    columns = columns_of(count, width, height, False)
    assert 1 <= columns <= count

    def side(n: int) -> float:
        return min(width / n, 2 * height / -(-count // n))

    assert side(columns) >= max(side(n) for n in range(1, max(1, min(count, width // 4)) + 1)) - 1e-9


def test_a_part_of_a_gallery() -> None:
    part = part_of(gallery(6, marked=(1, 4)), 3, 9)
    assert part.captions == ("c3", "c4", "c5") and part.marked == (1,) and len(part.images) == 3
