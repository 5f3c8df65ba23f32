"""Tables that several commands print."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fer_tui import contract
from fer_tui.contract import plain

_MOST_ROWS = 12  # of a table that came with an explanation


def confusion_table(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Table:
    """Counts by true class (rows) and predicted class (columns), with support and recall."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("true \\ predicted")
    table.add_column("n", justify="right")
    table.add_column("recall", justify="right")
    for name in classes:
        table.add_column(Text(plain(name)), justify="right")
    for index, (name, row) in enumerate(zip(classes, counts, strict=True)):
        support = sum(row)
        cells = [Text(str(count), "bold" if at == index else "") for at, count in enumerate(row)]
        table.add_row(Text(plain(name)), str(support), share(row[index] / support if support else None), *cells)
    return table


def of_explanation(name: str, table: contract.Table, classes: Sequence[str]) -> RenderableType:
    """A table that came with an explanation, under its name and caption."""
    from fer_tui.picture.tables import cells, heading

    title = Text(plain(f"{name}: {table.caption}" if table.caption else name), "bold")
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in table.columns:
        shown.add_column(Text(heading(column)), justify=column.align, overflow="fold")
    for row in cells(table, classes)[:_MOST_ROWS]:
        shown.add_row(*map(Text, row))
    more = len(table.rows) - _MOST_ROWS
    return Group(title, shown, *([Text(f"and {more} more rows: --words or --json has them all")] if more > 0 else []))


def share(value: float | None) -> str:
    """A share with four digits, '-' where there is none."""
    return "-" if value is None else f"{value:.4f}"
