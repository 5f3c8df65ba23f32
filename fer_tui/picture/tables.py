"""Tables of explanations as text: their cells, lines in columns, and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from fer_tui.contract import Axis, Cell, Column, Explanation, Table, plain
from fer_tui.naming import file_name

NOTHING = "–"  # where there is no value


def heading(column: Column) -> str:
    """A column's heading with its unit."""
    return plain(f"{column.heading} ({column.unit})" if column.unit else column.heading)


def cells(table: Table, classes: Sequence[str]) -> list[list[str]]:
    """Every cell as it is shown: numbers with four digits, classes by their names."""
    return [cells_of_row(table, row, classes) for row in range(len(table.rows))]


def cells_of_row(table: Table, row: int, classes: Sequence[str]) -> list[str]:
    """The cells of one row as they are shown."""
    return [_told(*each, classes) for each in zip(table.columns, table.rows[row], strict=True)]


def lines(table: Table, classes: Sequence[str] = ()) -> Iterator[str]:
    """The table in columns of plain text, its caption above it."""
    rows = [list(map(heading, table.columns)), *cells(table, classes)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(table.columns))]
    if table.caption:
        yield plain(table.caption)
    for row in rows:
        sides = ("<" if column.align == "left" else ">" for column in table.columns)
        yield "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()


def as_csv(table: Table, classes: Sequence[str] = ()) -> str:
    """The table as CSV: numbers with all their digits, classes by their names, empty where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(heading, table.columns))
    for row in table.rows:
        writer.writerow(_exact(*each, classes) for each in zip(table.columns, row, strict=True))
    return text.getvalue()


def tables_in_words(explanation: Explanation) -> Iterator[str]:
    """All tables of an explanation, each under its name, as lines of plain text."""
    for name, table in explanation.tables.items():
        yield from ("", f"{plain(name)}:", *lines(table, classes_of(explanation)))


def table_files(path: Path, explanation: Explanation) -> dict[Path, Table]:
    """The CSV files beside `path` (without a suffix) into which an explanation's tables go, in their order."""
    found: dict[Path, Table] = {}
    for number, (name, table) in enumerate(explanation.tables.items(), 1):
        file = path.with_name(f"{path.name}.{file_name(name)}.csv")
        found[path.with_name(f"{path.name}.{file_name(name)}-{number}.csv") if file in found else file] = table
    return found


def classes_of(explanation: Explanation) -> tuple[str, ...]:
    """The names of the classes, as far as its meta tells them."""
    names = explanation.meta.get("classes")
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()


def _told(column: Column, cell: Cell, classes: Sequence[str]) -> str:
    match cell:
        case None:
            return NOTHING
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:.4g}"
        case int() if column.link is Axis.TARGET and cell < len(classes):
            return plain(classes[cell])
    return plain(cell)


def _exact(column: Column, cell: Cell, classes: Sequence[str]) -> object:
    match cell:
        case None:
            return ""
        case int() if not isinstance(cell, bool) and column.link is Axis.TARGET and cell < len(classes):
            return plain(classes[cell])
        case str():
            return plain(cell)
    return cell
