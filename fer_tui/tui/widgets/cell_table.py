"""A table of coloured cells with a cursor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .lines import Paper, apart, centred, cut, inks_of

_CELL = 6  # columns of a cell, at least
_TALLEST = 3  # lines of a cell
_NAMES = 14  # columns for the names of rows, at most


class CellTable(Paper, ScrollView, can_focus=False):
    """Names stand above and at the left, and what is told of each row at the right. rates: shares, not counts."""

    WIDEST: ClassVar[int] = 11  # columns of a cell
    DEFAULT_CSS = "CellTable { scrollbar-size: 1 1; overflow: auto auto; }"

    class Opened(Message):
        """A cell was clicked that the cursor was on."""

    def __init__(self, *, id: str | None = None, rates: bool = True) -> None:
        super().__init__(id=id)
        self.cursor = (0, 0)
        self.rates = rates

    # ---- what there is to show ---------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def rows(self) -> Sequence[str]:
        """The names of the rows, none before there is anything to show."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The names of the columns."""

    @property
    @abstractmethod
    def sums(self) -> Mapping[str, int]:
        """The names of what is told of each row, and the columns that it takes."""

    @abstractmethod
    def cell(self, row: int, column: int) -> tuple[str, Style]:
        """A cell's text, and how it is written."""

    @abstractmethod
    def told(self, row: int) -> Sequence[str]:
        """What is told of a row: a text for each of `sums`."""

    def show_anew(self) -> None:
        """What there is to show is another thing now; the cursor stays where it is."""
        self.cursor = self._nearest(*self.cursor)
        self._lay_out()
        self.refresh()

    # ---- moving ------------------------------------------------------------------------------------------------------

    def toggle_rates(self) -> None:
        """Rates by row, or counts."""
        self.rates = not self.rates
        self.refresh()

    def move(self, down: int, right: int) -> None:
        """Move the cursor by cells."""
        row, column = self.cursor
        self.move_to(row + down, column + right)

    def move_to(self, row: int, column: int) -> None:
        """Be at that cell, or at the nearest one that there is."""
        self.cursor = self._nearest(row, column)
        self._keep_in_sight()
        self.refresh()

    def _nearest(self, row: int, column: int) -> tuple[int, int]:
        return max(0, min(row, len(self.rows) - 1)), max(0, min(column, len(self.columns) - 1))

    # ---- layout ------------------------------------------------------------------------------------------------------

    @property
    def _names_width(self) -> int:
        return min(_NAMES, max(map(cell_len, self.rows), default=0)) + 2

    @property
    def _cell_width(self) -> int:
        room = (self.size.width - self._names_width - sum(self.sums.values())) // max(1, len(self.columns))
        return max(_CELL, min(self.WIDEST, room))

    @property
    def _cell_height(self) -> int:
        return max(1, min(_TALLEST, (self.size.height - 1) // max(1, len(self.rows))))

    def _lay_out(self) -> None:
        width = self._names_width + len(self.columns) * self._cell_width + sum(self.sums.values())
        size = Size(width, 1 + len(self.rows) * self._cell_height)
        if size != self.virtual_size:
            self.virtual_size = size

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        row, column = self.cursor
        tall, wide = self._cell_height, self._cell_width
        (x, y), room = self.scroll_offset, self.scrollable_content_region
        room_x, room_y = room.width - self._names_width, room.height - 1
        x = max(min(x, column * wide), (column + 1) * wide - room_x)
        y = max(min(y, row * tall), (row + 1) * tall - room_y)
        self.scroll_to(x, y, animate=False, immediate=True, force=True)

    def on_click(self, event: events.Click) -> None:
        row = (event.y - 1 + self.scroll_offset.y) // self._cell_height
        column = (event.x - self._names_width + self.scroll_offset.x) // self._cell_width
        if event.y < 1 or event.x < self._names_width or row >= len(self.rows) or column >= len(self.columns):
            return
        if (row, column) == self.cursor:
            self.post_message(self.Opened())
        self.move_to(row, column)

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, style = self.scrollable_content_region.width, self.paper
        if not self.rows:
            return Strip.blank(width, style)
        row, part = divmod(y - 1 + self.scroll_offset.y, self._cell_height)
        if y == 0:
            names, cells = self._heading()
        elif row < len(self.rows):
            names, cells = self._row(row, is_middle=part == (self._cell_height - 1) // 2)
        else:
            return Strip.blank(width, style)
        scrolled = Strip(cells).crop(self.scroll_offset.x, self.scroll_offset.x + width - self._names_width)
        return Strip([names, *scrolled]).apply_style(style).adjust_cell_length(width, style)

    def _heading(self) -> tuple[Segment, list[Segment]]:
        inks, wide = inks_of(self.app), self._cell_width
        cells = [
            Segment(
                centred(name, wide),
                inks.title if column == self.cursor[1] else inks.muted,
            )
            for column, name in enumerate(apart(tuple(self.columns), wide - 1))
        ]
        sums = [Segment(f"{name:>{room}}", inks.muted) for name, room in self.sums.items()]
        return Segment(" " * self._names_width), cells + sums

    def _row(self, row: int, *, is_middle: bool) -> tuple[Segment, list[Segment]]:
        inks, wide, is_current = inks_of(self.app), self._cell_width, row == self.cursor[0]
        cells = []
        for column in range(len(self.columns)):
            text, style = self.cell(row, column)
            if is_current and column == self.cursor[1]:
                text, style = f"[{text}]", style + Style(bold=True, reverse=True)
            cells.append(Segment(f"{text if is_middle else '':^{wide}}", style))
        for text, room in zip(self.told(row), self.sums.values(), strict=True):
            cells.append(Segment(f"{text if is_middle else '':>{room}}", inks.plain))
        name = apart(tuple(self.rows), self._names_width - 2)[row] if is_middle else ""
        return Segment(cut(f" {name}", self._names_width), inks.title if is_current else inks.plain), cells


@lru_cache(4096)
def heat(share: float, colours: str) -> Style:
    """Ink and paper for a share of a row: spread by its root, for small shares are the rule."""
    from fer_tui.picture import colour_map

    level = 0.0 if share != share else share**0.5
    red, green, blue = (int(part) for part in colour_map(colours)[round(level * 255)])
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140
    ink = Color.from_rgb(245, 245, 245) if dark else Color.from_rgb(15, 15, 15)
    return Style(color=ink, bgcolor=Color.from_rgb(red, green, blue))
