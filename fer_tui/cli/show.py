"""An explanation on stdout: drawn in cells where it is a terminal, and always in words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Place, Reply, plain
from fer_tui.picture import Look, heat_picture, render, table, words

from . import streams
from .cells import Cells, in_colours
from .tables import confusion_table, of_explanation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

_MOST_CLASSES = 20  # a wider table is told in words only


def show(
    explanation: Explanation, method: str, place: Place, classes: Sequence[str], look: Look, focus: str = ""
) -> None:
    """Heading, picture (on a terminal) or table, the twin in words, its tables, the focus in words, the notes."""
    console = streams.console()
    drawn = sys.stdout.isatty()
    console.print(Text(_heading(method, place, classes), "bold"))
    match explanation:
        case Heatmap():
            console.print(_pictures(explanation, console, look) if drawn else _numbers(explanation))
        case Gallery():
            if drawn:
                console.print(Cells(render(explanation)))
            console.print(_captions(explanation))
        case Matrix(counts=counts, classes=names) if len(names) <= _MOST_CLASSES:
            console.print(confusion_table(names, counts.tolist()))
    lines = explanation.text.splitlines() if isinstance(explanation, Reply) else [words(explanation)]
    for line in lines:
        console.print(Text(plain(line)))
    for name, each in explanation.tables.items():
        console.print()
        console.print(of_explanation(name, each, classes))
    for line in focus.splitlines():
        console.print(Text(plain(line)))
    for note in explanation.notes:
        console.print(Text(f"note: {plain(note)}"))


def _heading(method: str, place: Place, classes: Sequence[str]) -> str:
    where = {
        axis: f"{value} ({classes[value]})" if axis == "target" else value for axis, value in place.to_dict().items()
    }
    return plain(": ".join(filter(None, (method, ", ".join(f"{axis} {value}" for axis, value in where.items())))))


def _pictures(heatmap: Heatmap, console: Console, look: Look) -> RenderableType:
    """The image and beside it the map: on the image where there are colours, alone where there are only shades."""
    colours = in_colours(console)
    chosen: Look = {"mode": "overlay" if colours else "map", "colours": None if colours else "gray"}
    chosen.update(look)
    explained = heat_picture(heatmap, **chosen)
    width = heatmap.values.shape[1]
    if 2 * min(width, 40) + 2 > console.width:
        return Cells(explained)
    grid = Table.grid(padding=(0, 2))
    grid.add_row(Cells(heat_picture(heatmap, mode="original")), Cells(explained))
    return grid


def _numbers(heatmap: Heatmap) -> RenderableType:
    """Means of the parts of a 7 x 7 grid."""
    grid = Table.grid(padding=(0, 2))
    for _ in range(7):
        grid.add_column(justify="right")
    for row in table(heatmap).tolist():
        grid.add_row(*("-" if value != value else f"{value:.3g}" for value in row))
    return grid


def _captions(gallery: Gallery) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for index, (caption, score) in enumerate(zip(gallery.captions, gallery.scores.tolist(), strict=True)):
        mark = "*" if index in gallery.marked else ""
        grid.add_row(str(index), mark, Text(plain(caption)), f"{score:.4g}")
    return grid
