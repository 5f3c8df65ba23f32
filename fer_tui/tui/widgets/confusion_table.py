"""The confusion matrix as a table of coloured cells with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fer_tui.contract import plain

from .lines import Paper, centred, cut, inks_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.contract import Matrix

_CELL, _WIDEST = 6, 11  # columns of a cell
_TALLEST = 3  # lines of a cell
_NAMES = 14  # columns for the names of rows, at most
_SUMS = {"recall": 8, "images": 8}  # columns of what is told of a class
_INSIDE = {"in face": 9}  # the same, where the focus is known


class ConfusionTable(Paper, ScrollView, can_focus=False):
    """Rows are true classes, columns predicted ones; beside them each class's recall and number of images.

    Where the focus was measured, the share of attribution inside the face stands beside them.
    """

    DEFAULT_CSS = "ConfusionTable { scrollbar-size: 1 1; overflow: auto auto; }"

    class Opened(Message):
        """A cell was clicked that the cursor was on."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = (0, 0)
        self.rates = True
        self._matrix: Matrix | None = None
        self._shares: NDArray[np.float64] | None = None
        self._colours = "viridis"
        self._inside: Sequence[str] = ()

    def show(self, matrix: Matrix, colours: str, inside: Sequence[str] = ()) -> None:
        """Show this matrix; the cursor stays where it is. inside: each class's share inside the face, if known."""
        from fer_tui.picture import row_shares

        self._matrix, self._shares, self._colours, self._inside = matrix, row_shares(matrix), colours, inside
        last = len(matrix.classes) - 1
        self.cursor = (min(self.cursor[0], last), min(self.cursor[1], last))
        self._lay_out()
        self.refresh()

    def toggle_rates(self) -> None:
        """Rates by true class, or counts."""
        self.rates = not self.rates
        self.refresh()

    def move(self, down: int, right: int) -> None:
        """Move the cursor by cells."""
        row, column = self.cursor
        self.move_to(row + down, column + right)

    def move_to(self, row: int, column: int) -> None:
        last = len(self._matrix.classes) - 1 if self._matrix is not None else 0
        self.cursor = (min(max(row, 0), last), min(max(column, 0), last))
        self._keep_in_sight()
        self.refresh()

    # ---- layout ------------------------------------------------------------------------------------------------------

    @property
    def _sums(self) -> dict[str, int]:
        return {**_SUMS, **_INSIDE} if self._inside else _SUMS

    @property
    def _count(self) -> int:
        return len(self._matrix.classes) if self._matrix is not None else 0

    @property
    def _names_width(self) -> int:
        longest = max((cell_len(plain(name)) for name in self._matrix.classes), default=0) if self._matrix else 0
        return min(_NAMES, longest) + 2

    @property
    def _cell_width(self) -> int:
        room = (self.size.width - self._names_width - sum(self._sums.values())) // max(1, self._count)
        return max(_CELL, min(_WIDEST, room))

    @property
    def _cell_height(self) -> int:
        return max(1, min(_TALLEST, (self.size.height - 1) // max(1, self._count)))

    def _lay_out(self) -> None:
        width = self._names_width + self._count * self._cell_width + sum(self._sums.values())
        size = Size(width, 1 + self._count * self._cell_height)
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
        if event.y < 1 or event.x < self._names_width or row >= self._count or column >= self._count:
            return
        if (row, column) == self.cursor:
            self.post_message(self.Opened())
        self.move_to(row, column)

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, style = self.scrollable_content_region.width, self.paper
        if self._matrix is None or self._shares is None:
            return Strip.blank(width, style)
        row, part = divmod(y - 1 + self.scroll_offset.y, self._cell_height)
        if y == 0:
            names, cells = self._heading()
        elif row < self._count:
            names, cells = self._row(row, is_middle=part == (self._cell_height - 1) // 2)
        else:
            return Strip.blank(width, style)
        scrolled = Strip(cells).crop(self.scroll_offset.x, self.scroll_offset.x + width - self._names_width)
        return Strip([names, *scrolled]).apply_style(style).adjust_cell_length(width, style)

    def _heading(self) -> tuple[Segment, list[Segment]]:
        assert self._matrix is not None
        inks, wide = inks_of(self.app), self._cell_width
        cells = [
            Segment(
                centred(cut(plain(name), wide - 1).strip(), wide),
                inks.title if column == self.cursor[1] else inks.muted,
            )
            for column, name in enumerate(self._matrix.classes)
        ]
        sums = [Segment(f"{name:>{wide}}", inks.muted) for name, wide in self._sums.items()]
        return Segment(" " * self._names_width), cells + sums

    def _row(self, row: int, *, is_middle: bool) -> tuple[Segment, list[Segment]]:
        assert self._matrix is not None and self._shares is not None
        inks, wide = inks_of(self.app), self._cell_width
        counts, shares = self._matrix.counts[row], self._shares[row]
        name = cut(plain(self._matrix.classes[row]), self._names_width - 2)
        is_current = row == self.cursor[0]
        cells = []
        for column in range(self._count):
            text = self._text(int(counts[column]), float(shares[column])) if is_middle else ""
            if is_current and column == self.cursor[1]:
                text = f"[{text}]" if is_middle else ""
            style = _heat(float(shares[column]), self._colours)
            if is_current and column == self.cursor[1]:
                style += Style(bold=True, reverse=True)
            cells.append(Segment(f"{text:^{wide}}", style))
        total = int(counts.sum())
        recall = f"{counts[row] / total:.0%}" if total else "–"
        told = (recall, f"{total}", *self._inside[row : row + 1])
        for text, room in zip(told, self._sums.values(), strict=True):
            cells.append(Segment(f"{text if is_middle else '':>{room}}", inks.plain))
        return Segment(
            cut(f" {name if is_middle else ''}", self._names_width), inks.title if is_current else inks.plain
        ), cells

    def _text(self, count: int, share: float) -> str:
        if not self.rates:
            return str(count)
        if share != share:
            return "–"
        return f"{share:.0%}" if count else "·"


@lru_cache(4096)
def _heat(share: float, colours: str) -> Style:
    """Ink and paper for a share of a row: spread by its root, for most mistakes are rare."""
    from fer_tui.picture import colour_map

    level = 0.0 if share != share else share**0.5
    red, green, blue = (int(part) for part in colour_map(colours)[round(level * 255)])
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140
    ink = Color.from_rgb(245, 245, 245) if dark else Color.from_rgb(15, 15, 15)
    return Style(color=ink, bgcolor=Color.from_rgb(red, green, blue))
