"""Tables: numbers and words that belong to an explanation, as plain data that every face can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .places import Axis, Place

Cell = str | int | float | bool | None
Align = Literal["left", "right"]

# What a table may hold, so that none can stop a screen, a page or the store.
MOST_TABLES, MOST_COLUMNS, MOST_ROWS, MOST_CELLS, MOST_LETTERS = 8, 32, 10_000, 100_000, 500


@dataclass(frozen=True, slots=True)
class Column:
    """A column. unit: of its numbers. align: right for numbers, left for words.

    link: the axis that its cells name places on, where a row leads somewhere: rows of the dataset, class indices, names
    of layers, channels of the layer, numbers of checkpoints. Class indices are shown as names.
    """

    heading: str
    unit: str = ""
    align: Align = "right"
    link: Axis | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows of plain values, each with a cell for every column: None where there is no value.

    caption: what it says, in a sentence. Numbers of NumPy become plain ones, and what is not finite None. ValueError
    where a row has another length, a cell is no plain value or no place on its column's axis, or there is too much.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""

    def __post_init__(self) -> None:
        columns, rows = tuple(self.columns), tuple(tuple(map(_plain, row)) for row in self.rows)
        _expect(0 < len(columns) <= MOST_COLUMNS, f"a table has 1 to {MOST_COLUMNS} columns, not {len(columns)}")
        _expect(len(rows) <= MOST_ROWS, f"a table has {MOST_ROWS} rows at most, not {len(rows)}")
        cells = len(rows) * len(columns)
        _expect(cells <= MOST_CELLS, f"a table has {MOST_CELLS} cells at most, not {cells}")
        for number, row in enumerate(rows):
            _expect(len(row) == len(columns), f"row {number} has {len(row)} cells for {len(columns)} columns")
            for column, cell in zip(columns, row, strict=True):
                _expect(_is_place(cell, column.link), f"row {number}: {cell!r} is no {column.link} to go to")
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "rows", rows)

    def place(self, row: int, here: Place) -> Place | None:
        """Where the links of a row lead from `here`; None where it has none."""
        linked = zip(self.columns, self.rows[row], strict=True)
        found: dict[str, Any] = {column.link: cell for column, cell in linked if column.link and cell is not None}
        return replace(here, **found) if found else None

    def order(self, column: int, *, down: bool = False) -> list[int]:
        """The rows' numbers, sorted by a column: numbers, then words, then what has no value."""
        cells = [row[column] for row in self.rows]
        known = [number for number, cell in enumerate(cells) if cell is not None]
        known.sort(key=lambda number: _sortable(cells[number]), reverse=down)
        return known + [number for number, cell in enumerate(cells) if cell is None]

    def to_dict(self) -> dict[str, Any]:
        columns = [
            {"heading": each.heading, "unit": each.unit, "align": each.align, "link": each.link and each.link.value}
            for each in self.columns
        ]
        return {"caption": self.caption, "columns": columns, "rows": [list(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Table:
        columns = [Column(**{**each, "link": Axis(each["link"]) if each["link"] else None}) for each in data["columns"]]
        return cls(columns, data["rows"], data["caption"])


def checked(tables: Mapping[str, Table]) -> None:
    """ValueError where these cannot be an explanation's tables."""
    _expect(len(tables) <= MOST_TABLES, f"an explanation has {MOST_TABLES} tables at most, not {len(tables)}")
    wrong = [name for name, table in tables.items() if not (isinstance(name, str) and isinstance(table, Table))]
    _expect(not wrong, "Explanation.tables must be Tables by their names")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _plain(cell: Any) -> Cell:
    if hasattr(cell, "item") and getattr(cell, "ndim", None) == 0:  # a number of NumPy or torch
        cell = cell.item()
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, str):
        _expect(len(cell) <= MOST_LETTERS, f"a cell has {MOST_LETTERS} letters at most, not {len(cell)}")
    _expect(cell is None or isinstance(cell, str | int), f"{type(cell).__name__} is no plain value for a cell")
    return cell  # type: ignore[no-any-return]


def _is_place(cell: Cell, axis: Axis | None) -> bool:
    if axis is None or cell is None:
        return True
    if axis is Axis.LAYER:
        return isinstance(cell, str)
    return isinstance(cell, int) and not isinstance(cell, bool) and cell >= 0


def _sortable(cell: Cell) -> tuple[bool, float, str]:
    is_text = isinstance(cell, str)
    return is_text, 0.0 if is_text else float(cell or 0), str(cell).casefold() if is_text else ""
