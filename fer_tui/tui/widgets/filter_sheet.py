"""A layer's filters on one sheet, and a cursor that is drawn beside the picture, so that moving it sends no picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Region
from textual.message import Message

from fer_tui.terminal import Picture

from .lines import Lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_MARGIN = 6  # columns for the numbers at the left
_LEAST = (10, 7, 14, 20, 30)  # columns of a tile at least, by size
_PIXELS = 24  # of a tile's side at least: smaller maps are enlarged by whole steps


@dataclass(frozen=True, slots=True)
class Grid:
    """How tiles lie: so many columns and rows on a page."""

    columns: int = 1
    rows: int = 1

    @property
    def page(self) -> int:
        return self.columns * self.rows


def grid_of(count: int, width: int, height: int, least: int) -> Grid:
    """Square tiles as large as `count` of them fit in `width` x `height` cells, but at least `least` columns wide."""
    from fer_tui.terminal.sheet import columns_of

    most = Grid(max(1, width // least), max(1, 2 * height // least))
    if count >= most.page:
        return most
    columns = max(1, columns_of(count, width, height, captions=False))
    return Grid(columns, math.ceil(count / columns))


class FilterSheet(Vertical):
    """One picture of all filters of a page. The wheel turns pages, a click chooses."""

    DEFAULT_CSS = """
    FilterSheet { width: 1fr; height: 1fr; }
    FilterSheet > #columns { height: 1; }
    FilterSheet > Horizontal { height: 1fr; }
    FilterSheet #rows { width: 6; height: 1fr; }
    """

    class Chosen(Message):
        """The filter at this position of the order was clicked; again: the cursor was there already."""

        def __init__(self, position: int, again: bool) -> None:
            self.position, self.again = position, again
            super().__init__()

    class Turned(Message):
        """The wheel was turned by so many pages."""

        def __init__(self, pages: int) -> None:
            self.pages = pages
            super().__init__()

    class Resized(Message):
        """There is room for more or fewer tiles."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.zoom = 0
        self._count, self._at = 0, 0
        self._drawn: tuple[object, ...] | None = None
        self._order: Sequence[int] = ()

    def compose(self) -> ComposeResult:
        yield Lines(id="columns")
        with Horizontal():
            yield Lines(id="rows")
            yield Picture()

    @property
    def grid(self) -> Grid:
        """How the tiles lie, at the size that the widget has now."""
        width, height = self.size.width - _MARGIN, self.size.height - 1
        sizes = sorted(_LEAST)
        least = sizes[min(max(sizes.index(_LEAST[0]) + self.zoom, 0), len(sizes) - 1)]
        return grid_of(max(1, self._count), max(1, width), max(1, height), least)

    @property
    def pages(self) -> tuple[int, int]:
        """The page of the cursor, from 0, and how many there are."""
        return self._at // self.grid.page, max(1, math.ceil(self._count / self.grid.page))

    def enlarge(self, steps: int) -> None:
        """Larger (or smaller) tiles."""
        low = -sorted(_LEAST).index(_LEAST[0])
        self.zoom = min(max(self.zoom + steps, low), low + len(_LEAST) - 1)

    def show(
        self,
        order: Sequence[int],
        position: int,
        framed: frozenset[int],
        source: tuple[object, ...],
        pictures: Mapping[int, NDArray[np.float32]],
    ) -> None:
        """Show the page where `position` is. A page of the same source in the same order is not drawn again."""
        self._order, self._count, self._at = order, len(order), position
        grid, (page, pages) = self.grid, self.pages
        numbers = tuple(order[page * grid.page : (page + 1) * grid.page])
        key = (source, numbers, framed, grid)
        if key != self._drawn:
            self._drawn = key
            rows = grid.rows if pages > 1 else math.ceil(len(numbers) / grid.columns)
            self.query_one(Picture).show(sheet_of(numbers, pictures, framed, Grid(grid.columns, max(1, rows))))
        self._mark(grid, numbers, position % grid.page)

    def _mark(self, grid: Grid, numbers: Sequence[int], at: int) -> None:
        """Write above and beside the picture where the cursor is."""
        columns, rows = self.query_one("#columns", Lines), self.query_one("#rows", Lines)
        area, inks = Region(*self.query_one(Picture).frame), columns.inks
        high = max(1, math.ceil(len(numbers) / grid.columns)) if self.pages[1] == 1 else grid.rows
        if not numbers or not area.area:
            columns.show([])
            rows.show([])
            return
        row, column = divmod(at, grid.columns)
        first, last = (area.x + area.width * n // grid.columns for n in (column, column + 1))
        columns.show([Text.assemble(" " * (_MARGIN + first), ("▄" * max(1, last - first - 1), inks.accent))])
        lines = [Text("")] * self.size.height
        for each in range(math.ceil(len(numbers) / grid.columns)):
            top, bottom = (area.y + area.height * n // high for n in (each, each + 1))
            middle = (top + bottom - 1) // 2
            for y in range(top, max(top + 1, bottom)):
                number = numbers[at] if each == row else numbers[each * grid.columns]
                told = f"{number:>{_MARGIN - 2}}" if y == middle else " " * (_MARGIN - 2)
                ink = inks.accent if each == row else inks.muted
                lines[y] = Text(f"{told} {'▐' if each == row else ' '}", ink)
        rows.show(lines[: self.size.height - 1])

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.Resized())

    def on_click(self, event: events.Click) -> None:
        picture, grid = self.query_one(Picture), self.grid
        area = Region(*picture.frame)
        x, y = event.screen_x - picture.region.x - area.x, event.screen_y - picture.region.y - area.y
        if not area.area or not (0 <= x < area.width and 0 <= y < area.height):
            return
        rows = grid.rows if self.pages[1] > 1 else math.ceil(self._count / grid.columns)
        position = self.pages[0] * grid.page + y * rows // area.height * grid.columns + x * grid.columns // area.width
        if position < self._count:
            self.post_message(self.Chosen(position, position == self._at))

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Turned(1))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Turned(-1))


def sheet_of(
    numbers: Sequence[int], pictures: Mapping[int, NDArray[np.float32]], framed: frozenset[int], grid: Grid
) -> Image.Image | None:
    """The pictures of these filters in rows, those framed in red; nothing where one is not there yet; None: none is."""
    import numpy as np
    from PIL import Image

    from fer_tui.contract import Gallery
    from fer_tui.picture import sheet
    from fer_tui.picture.sheets import BACKGROUND, FRAME, cell_box

    there = [number for number in numbers if number in pictures]
    if not there:
        return None
    shape = pictures[there[0]].shape
    zoom = math.ceil(_PIXELS / min(shape[:2]))
    images = [np.repeat(np.repeat(pictures[number], zoom, 0), zoom, 1) for number in there]
    gallery = Gallery(
        images=np.stack(images),
        captions=("",) * len(there),
        scores=np.zeros(len(there), np.float32),
        marked=tuple(n for n, number in enumerate(there) if number in framed),
    )
    height, width = images[0].shape[:2]
    if len(there) == len(numbers) == grid.page:
        return sheet(gallery, columns=grid.columns)
    size = grid.columns * (width + 2 * FRAME), grid.rows * (height + 2 * FRAME)
    canvas, flat = Image.new("RGB", size, BACKGROUND), sheet(gallery, columns=1)
    for n, number in enumerate(there):
        left, top, right, bottom = cell_box(n, 1, height, width)
        tile = flat.crop((left - FRAME, top - FRAME, right + FRAME, bottom + FRAME))
        left, top, _, _ = cell_box(numbers.index(number), grid.columns, height, width)
        canvas.paste(tile, (left - FRAME, top - FRAME))
    return canvas
