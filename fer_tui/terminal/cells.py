"""Pictures as lines of terminal cells: scaled, drawn in block characters, and written with the fewest bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from .blocks import Blocks, Cells, cells_of
from .pens import RESET, TOLERANCE, Pen
from .scaling import scaled
from .shades import LETTERS, RAMP, shaded

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(
    picture: Image.Image,
    columns: int,
    rows: int,
    around: Style,
    *,
    blocks: Blocks = Blocks.HALVES,
    tolerance: int = TOLERANCE,
    colour: bool = True,
    letters: bool = False,
) -> list[Strip]:
    """`picture` in the middle of `columns` x `rows` cells.

    around: style of the cells beside it. tolerance: what a channel (0 to 255) may be off in true colour, for fewer
    bytes. colour: False draws shades; letters: where only ASCII can be shown.
    """
    if not columns or not rows:
        return [Strip.blank(columns, around)] * rows
    if not colour or letters:
        lines = shaded(scaled(picture, columns, rows), LETTERS if letters else RAMP)
        middle: list[Strip] = [Strip([Segment(text.center(columns))], columns) for text in lines]
    else:
        cells = cells_of(scaled(picture, columns, rows, blocks), blocks)
        left = (columns - len(cells[0])) // 2
        margins = left, columns - len(cells[0]) - left
        middle = [CellStrip(line, margins, around, tolerance) for line in cells]
    above = (rows - len(middle)) // 2
    blank = Strip.blank(columns, around)
    return [*[blank] * above, *middle, *[blank] * (rows - above - len(middle))]


class CellStrip(Strip):
    """A line of a picture. It writes its escape sequences itself; segments are made only for who asks for them.

    margins: cells left and right of the picture's, in the style `around`.
    """

    __slots__ = ("_around", "_made", "_margins", "_tolerance", "cells")

    def __init__(self, cells: Cells, margins: tuple[int, int], around: Style, tolerance: int = TOLERANCE) -> None:
        self.cells, self._margins, self._around, self._tolerance = cells, margins, around, tolerance
        super().__init__((), sum(margins) + len(cells))
        self._made: list[Segment] | None = None

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            left, right = (Segment(" " * count, self._around) for count in self._margins)
            self._made = [part for part in (left, *_segments(self.cells), right) if part.text]
        return self._made

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._made = segments

    def fits(self, other: Strip) -> bool:
        """Whether both have the picture at the same cells, with the same around them."""
        return isinstance(other, CellStrip) and (self._margins, self._around, len(self.cells)) == (
            other._margins,
            other._around,
            len(other.cells),
        )

    def same_as(self, other: Strip) -> bool:
        """Whether both show the same."""
        return self is other or (isinstance(other, CellStrip) and self.fits(other) and not self.changes(other).any())

    def changes(self, other: CellStrip) -> NDArray[np.bool_]:
        """Which cells of the picture differ, of a strip that fits: bool (w,)."""
        return self.cells.differ(other.cells)

    def crop(self, start: int, end: int | None = None) -> Strip:
        start = max(0, min(start, self.cell_length))
        end = max(start, self.cell_length if end is None else min(end, self.cell_length))
        if (start, end) == (0, self.cell_length):
            return self
        left, right = self._margins[0], self._margins[0] + len(self.cells)
        first, last = min(max(start, left), right), min(max(end, left), right)
        if first == last:
            return Strip([Segment(" " * (end - start), self._around)] if end > start else [], end - start)
        margins = max(0, left - start), max(0, end - right)
        return CellStrip(self.cells[first - left : last - left], margins, self._around, self._tolerance)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        ends = list(cuts)
        return [self.crop(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def render(self, console: Console) -> str:
        system = console._color_system
        if system not in _SYSTEMS:
            return super().render(console)
        if self._render_cache is None:
            left, right = (self.render_style(self._around, " " * n, system) if n else "" for n in self._margins)
            pen = Pen(system, self._tolerance)
            pen.draw(self.cells)
            self._render_cache = f"{left}{pen.text}{RESET}{right}"
        return self._render_cache

    def patch(self, old: CellStrip, pen: Pen, column: int, row: int) -> None:
        """Write what turns `old`, which fits and is shown from a cell of the screen on, into this strip."""
        changed = self.changes(old)
        edges = np.flatnonzero(np.diff(changed, prepend=False, append=False)).tolist()
        at = None
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if at is None:
                pen.move(column + self._margins[0] + start, row)
            else:
                pen.skip(start - at)
            pen.draw(self.cells[start:stop])
            at = stop


def patch(new: Sequence[Strip], old: Sequence[Strip], column: int, row: int, console: Console) -> str | None:
    """What turns the lines `old`, shown from a cell of the screen on, into `new`; None where it can't be told by cells.

    Only cells that differ are sent. The cursor is put back, and the colours are reset.
    """
    system = console._color_system
    if system not in _SYSTEMS or len(new) != len(old):
        return None
    tolerance = next((line._tolerance for line in new if isinstance(line, CellStrip)), TOLERANCE)
    pen = Pen(system, tolerance)
    for y, (line, was) in enumerate(zip(new, old, strict=True)):
        if isinstance(line, CellStrip) and isinstance(was, CellStrip) and line.fits(was):
            line.patch(was, pen, column, row + y)
        elif line != was:
            return None
    return f"\x1b7{pen.text}{RESET}\x1b8" if pen.text else ""


_SYSTEMS = (ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD)


def _segments(cells: Cells) -> Iterable[Segment]:
    """The cells as segments, equal neighbours together."""
    differ = cells[1:].differ(cells[:-1]) if len(cells) else np.zeros(0, bool)
    starts = [0, *(np.flatnonzero(differ) + 1).tolist()]
    for start, stop in zip(starts, [*starts[1:], len(cells)], strict=True):
        pair = (*cells.ink[start].tolist(), *cells.paper[start].tolist())
        yield Segment(cells.text[start:stop], _style(pair))


@lru_cache(1 << 14)
def _style(pair: tuple[int, ...]) -> Style:
    return Style.from_color(Color.from_rgb(*pair[:3]), Color.from_rgb(*pair[3:]))
