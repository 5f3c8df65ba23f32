"""A table as it is looked at: the cursor, the order of its rows, and its lines at any width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from fer_tui.contract import Place, Table, plain

from .widgets.lines import Inks, cut

_WIDEST = 40  # columns of the screen that a column may take
_FIRST = 100  # rows that are looked at before one of them is in sight: the columns are as wide as these need
_GAP = 2


class TableView:
    """row: where among the sorted rows the cursor is. column: the one that is chosen. classes: their names.

    Only rows that come into sight are told, for there may be many; their columns get wider as they need it.
    """

    def __init__(self, name: str, table: Table, classes: Sequence[str]) -> None:
        from fer_tui.picture.tables import heading

        self.name, self.table, self._classes = plain(name), table, classes
        self._headings = list(map(heading, table.columns))
        self._widths = [min(_WIDEST, cell_len(each) + 2) for each in self._headings]
        self._told: dict[int, list[str]] = {}  # the cells of rows that have been in sight
        self._order = list(range(len(table.rows)))
        self._by: tuple[int, bool] | None = None  # the column that the rows are sorted by, and whether it goes down
        self.row, self.column = 0, 0
        self._top = self._left = 0
        for row in self._order[:_FIRST]:
            self._cells(row)

    def renewed(self, table: Table) -> TableView:
        """The same view of a table that has come in place of this one."""
        view = TableView(self.name, table, self._classes)
        if view._headings == self._headings:
            view._widths = list(map(max, view._widths, self._widths))
            view._by, view._top, view._left = self._by, self._top, self._left
            if self._by is not None:
                view._order = table.order(self._by[0], down=self._by[1])
            view.row, view.column = self.row, self.column
            view.move(0)
        return view

    def move(self, rows: int, columns: int = 0) -> None:
        """The cursor, within the table."""
        self.row = min(max(0, self.row + rows), max(0, len(self._order) - 1))
        self.column = min(max(0, self.column + columns), len(self._headings) - 1)

    def sort(self) -> None:
        """By the chosen column, the highest first; again: the lowest first; again: as it came."""
        now = self._by if self._by is not None and self._by[0] == self.column else None
        self._by = (self.column, True) if now is None else (self.column, False) if now[1] else None
        current = self._order[self.row] if self._order else 0
        if self._by is None:
            self._order = list(range(len(self.table.rows)))
        else:
            self._order = self.table.order(self._by[0], down=self._by[1])
        self.row = self._order.index(current) if self._order else 0

    @property
    def link(self) -> Place | None:
        """Where the row at the cursor leads: only the axes that it names."""
        return self.table.place(self._order[self.row], Place()) if self._order else None

    @property
    def where(self) -> str:
        """Which row of how many the cursor is on, and which column."""
        rows = f"row {self.row + 1} of {len(self._order)}" if self._order else "no rows"
        return f"{rows}, column {self.column + 1} of {len(self._headings)}"

    def lines(self, width: int, height: int, inks: Inks, cursor: Style) -> Iterator[Text]:
        """The heading, and as many rows as there is room for: the cursor is among them."""
        room = max(1, height - 1)
        self._top = min(max(self._top, self.row - room + 1), self.row)
        in_sight = range(self._top, min(len(self._order), self._top + room))
        told, widths = [self._cells(self._order[at]) for at in in_sight], self._widths
        self._left = min(self._left, self.column)
        while self._left < self.column and _taken(widths[self._left : self.column + 1]) > width - _GAP:
            self._left += 1
        shown = [n for n in range(self._left, len(widths)) if _taken(widths[self._left : n + 1]) <= width - _GAP]
        shown = shown or [self._left]
        head = Text("  ")
        for number in shown:
            mark = "" if self._by is None or self._by[0] != number else " ↓" if self._by[1] else " ↑"
            ink = inks.accent if number == self.column else inks.muted
            head.append(self._aligned(number, f"{self._headings[number]}{mark}", widths[number]), ink)
        yield head
        for at, cells in zip(in_sight, told, strict=True):
            text = "".join(self._aligned(number, cells[number], widths[number]) for number in shown)
            is_current = at == self.row
            line = Text.assemble(("▸ " if is_current else "  ", inks.accent), (text, inks.plain))
            if is_current:
                line.append(" " * max(0, width - line.cell_len))
                line.stylize(cursor)
            yield line

    def point(self, line: int) -> bool:
        """Put the cursor on a line of `lines`; whether a row is there."""
        at = self._top + line - 1
        if line < 1 or at >= len(self._order):
            return False
        self.row = at
        return True

    @property
    def width(self) -> int:
        """The columns of the screen that all of it takes, by what has been in sight."""
        return _GAP + sum(width + _GAP for width in self._widths)

    def _cells(self, row: int) -> list[str]:
        """The cells of a row of the table, told once."""
        if row not in self._told:
            from fer_tui.picture.tables import cells_of_row

            self._told[row] = told = cells_of_row(self.table, row, self._classes)
            self._widths = [
                max(width, min(_WIDEST, cell_len(cell))) for width, cell in zip(self._widths, told, strict=True)
            ]
        return self._told[row]

    def _aligned(self, number: int, text: str, width: int) -> str:
        if self.table.columns[number].align == "right":
            text = " " * max(0, width - cell_len(text)) + text
        return cut(text, width) + " " * _GAP


def _taken(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)
