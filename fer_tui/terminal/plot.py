"""Curves as lines of text: two by four dots a cell, in Braille. Needs Rich, and neither NumPy nor Textual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a Braille cell, by row and column
_AXIS = 5  # columns for the numbers at the left
_TICK = 0.1


@dataclass(frozen=True, slots=True)
class Curve:
    """One value for each step, NaN where there is none. The last curve of a plot lies on top."""

    values: Sequence[float]
    style: Style


def plot(
    curves: Sequence[Curve],
    steps: Sequence[str],
    width: int,
    height: int,
    *,
    muted: Style,
    cursor: int | None = None,
    accent: Style | None = None,
) -> list[Text]:
    """`height` lines of `width` cells: numbers at the left, curves, and the names of the steps below them.

    cursor: the step at which a line is drawn, with a point on each curve. The range of values is found: tenths.
    """
    columns, rows = width - _AXIS, height - 1
    if columns < 4 or rows < 2:
        return [Text(" " * max(0, width))] * max(0, height)
    low, high = span([value for curve in curves for value in curve.values])
    grid = _Grid(columns, rows, low, high, max(1, len(steps)))
    for curve in curves:
        grid.draw(curve)
    if cursor is not None:
        grid.rule(cursor, curves, muted)
    lines = []
    for row in range(rows):
        label = _label(row, rows, low, high)
        lines.append(Text.assemble((f"{label:>{_AXIS - 1}} ", muted)).append_text(grid.line(row)))
    lines.append(_names(steps, grid, cursor, muted, accent or muted))
    return lines


def span(values: Sequence[float]) -> tuple[float, float]:
    """The range of values, out to the next tenths; never less than two of them."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = math.floor(min(finite) / _TICK + 1e-9), math.ceil(max(finite) / _TICK - 1e-9)
    if high - low < 2:
        low = low - 1 if low else 0
        high = max(high, low + 2)
    return low * _TICK, high * _TICK


class _Grid:
    """Dots and the style of each cell."""

    def __init__(self, columns: int, rows: int, low: float, high: float, steps: int) -> None:
        self._columns, self._rows, self._low, self._high, self._steps = columns, rows, low, high, steps
        self._cells = [[0] * columns for _ in range(rows)]
        self._styles: list[list[Style | None]] = [[None] * columns for _ in range(rows)]
        self._marks: dict[tuple[int, int], tuple[str, Style]] = {}

    def x(self, step: float) -> int:
        """The column of dots of a step."""
        last = 2 * self._columns - 1
        return round(step * last / (self._steps - 1)) if self._steps > 1 else last // 2

    def y(self, value: float) -> int:
        """The row of dots of a value."""
        last = 4 * self._rows - 1
        share = (value - self._low) / (self._high - self._low)
        return min(max(round((1 - share) * last), 0), last)

    def draw(self, curve: Curve) -> None:
        known = [(n, value) for n, value in enumerate(curve.values) if math.isfinite(value)]
        for n, value in known:
            self._dot(self.x(n), self.y(value), curve.style)
        for (n, value), (after, next_value) in pairwise(known):
            if after == n + 1:  # no line over what is not known
                self._line((self.x(n), self.y(value)), (self.x(after), self.y(next_value)), curve.style)

    def _line(self, begin: tuple[int, int], end: tuple[int, int], style: Style) -> None:
        far = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]), 1)
        for part in range(far + 1):
            x, y = (round(a + (b - a) * part / far) for a, b in zip(begin, end, strict=True))
            self._dot(x, y, style)

    def _dot(self, x: int, y: int, style: Style) -> None:
        self._cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
        self._styles[y // 4][x // 2] = style

    def rule(self, step: int, curves: Sequence[Curve], muted: Style) -> None:
        """A line at a step, with the curves' points on it."""
        column = self.x(step) // 2
        for row in range(self._rows):
            if not self._cells[row][column]:
                self._marks[row, column] = "│", muted
        for curve in curves:
            if step < len(curve.values) and math.isfinite(curve.values[step]):
                self._marks[self.y(curve.values[step]) // 4, column] = "●", curve.style

    def line(self, row: int) -> Text:
        """One line of cells; equal neighbours' styles together."""
        text = Text()
        for style, cells in groupby(map(partial(self._cell, row), range(self._columns)), key=lambda cell: cell[1]):
            text.append("".join(character for character, _ in cells), style)
        return text

    def _cell(self, row: int, column: int) -> tuple[str, Style | None]:
        dots = self._cells[row][column]
        plain = (chr(0x2800 + dots), self._styles[row][column]) if dots else (" ", None)
        return self._marks.get((row, column), plain)


def _label(row: int, rows: int, low: float, high: float) -> str:
    """The value at the middle of a line, where the line has one: at the ends and in between."""
    marks = {0: high, rows - 1: low}
    if rows >= 5:
        marks[(rows - 1) // 2] = high - (high - low) * ((rows - 1) // 2) / (rows - 1)
    return f"{marks[row]:.2f}" if row in marks else ""


def _names(steps: Sequence[str], grid: _Grid, cursor: int | None, muted: Style, accent: Style) -> Text:
    """The steps' names below their dots, as many as there is room for; the cursor's always."""
    wanted = [cursor] if cursor is not None else []
    wanted += [n for n in (0, len(steps) - 1, *range(len(steps))) if n not in wanted]
    width = _AXIS + grid._columns
    taken: list[tuple[int, int, int]] = []  # left, right, step
    for step in wanted:
        if not 0 <= step < len(steps):
            continue
        long = cell_len(steps[step])
        left = min(max(0, _AXIS + grid.x(step) // 2 - long // 2), width - long)
        if left >= 0 and all(left + long < begin or left > end for begin, end, _ in taken):
            taken.append((left, left + long, step))
    text = Text()
    for left, _, step in sorted(taken):
        text.append(" " * (left - text.cell_len))
        text.append(steps[step], accent if step == cursor else muted)
    return text.append(" " * (width - text.cell_len))


def step_at(column: int, steps: int, width: int) -> int:
    """The step that is nearest to a column of a plot of that width."""
    if steps < 2:
        return 0
    share = (column - _AXIS + 0.5) / max(1, width - _AXIS)
    return min(max(round(share * (steps - 1)), 0), steps - 1)
