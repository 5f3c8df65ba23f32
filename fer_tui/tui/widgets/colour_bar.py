"""The colours of a heat map and their values: a column beside it, or a line under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.color import Color
from rich.style import Style
from rich.text import Text
from textual import events

from .lines import Inks, Lines, cut

if TYPE_CHECKING:
    from fer_tui.picture import Key, Scale

RGB = tuple[int, int, int]
WIDTH, HEIGHT = 13, 2  # cells of a bar that stands, lines of one that lies
_SHORT = 12  # cells of the colours of a bar in a line with others
_WIDE = 2  # cells of the colours of a bar that stands


@dataclass(frozen=True, slots=True)
class Bar:
    """colours: of which map. scale: their values, lowest and highest, None before they are known. title: one word.

    at: a value to point at.
    """

    colours: str
    scale: Scale | None = None
    title: str = ""
    at: float | None = None

    @property
    def share(self) -> float | None:
        """Where `at` lies, 0 at the low end to 1 at the high one; None where nothing is pointed at."""
        if self.at is None or self.scale is None or self.at != self.at:
            return None
        low, high = self.scale
        return min(1.0, max(0.0, (self.at - low) / (high - low))) if high > low else 0.5


class ColourBar(Lines):
    """Text cells: the colours are sent once, after that only the numbers that change."""

    DEFAULT_CSS = "ColourBar { height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._bar: Bar | None = None

    def show_bar(self, bar: Bar | None) -> None:
        """Show the colours of a map, or nothing; before a map is known, the colours of the one before."""
        if bar is not None and bar.scale is None and self._bar is not None:
            bar = Bar(self._bar.colours)
        self._bar = bar
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        if self._bar is None or not width or not height:
            self.show([])
        elif height <= HEIGHT:
            self.show(lying(self._bar, width, self.inks, plain=self.app.no_color)[:height])
        else:
            self.show(standing(self._bar, height, self.inks, plain=self.app.no_color))


def standing(bar: Bar, height: int, inks: Inks, *, plain: bool = False) -> list[Text]:
    """`height` lines, the highest value at the top; plain: without colours, as pictures are drawn then."""
    rows = height - 1
    numbers: dict[int, str] = {}
    for share, value in _ticks(bar):
        row = round((1 - share) * (rows - 1))
        if not {row - 1, row, row + 1} & numbers.keys():
            numbers[row] = f"{value:.3g}"
    pointed = round((1 - bar.share) * (rows - 1)) if bar.share is not None else None
    lines = [Text(f" {cut(bar.title, WIDTH - 1)}".rstrip(), inks.muted)]
    for row, (upper, lower) in enumerate(_halves(bar.colours, rows, downwards=True)):
        pen = Text(_shade(upper, lower) * _WIDE) if plain else Text("▀" * _WIDE, _style(upper, lower))
        line = Text(" ").append_text(pen).append("◂" if row == pointed else " ", inks.accent)
        lines.append(line.append(numbers.get(row, ""), inks.muted))
    return lines


def lying(bar: Bar, width: int, inks: Inks, *, plain: bool = False) -> list[Text]:
    """Two lines, the lowest value at the left: the colours, and the numbers below them."""
    colours = Text()
    pointed = round(bar.share * (width - 1)) if bar.share is not None else None
    for cell, (left, right) in enumerate(_halves(bar.colours, width)):
        if cell == pointed:
            colours.append("◆", inks.accent)
        elif plain:
            colours.append(_shade(left, right))
        else:
            colours.append("▌", _style(left, right))
    numbers = [" "] * width
    for share, value in _ticks(bar):
        text = f"{value:.3g}"
        start = min(max(0, round(share * (width - 1) - (len(text) - 1) / 2)), max(0, width - len(text)))
        if not "".join(numbers[max(0, start - 1) : start + len(text) + 1]).strip():
            numbers[start : start + len(text)] = text
    return [colours, Text("".join(numbers)[:width].rstrip(), inks.muted)]


def bars_line(keys: Sequence[Key], width: int, inks: Inks, *, plain: bool = False) -> Text:
    """As many bars as one line has room for, the first one in any case."""
    line = Text()
    for key in keys:
        bar = Text("   " if line else "").append(f"{key.low} ", inks.muted)
        bar.append_text(lying(Bar(key.colours), _SHORT, inks, plain=plain)[0])
        bar.append(f" {key.high}", inks.muted).append(f"  {key.told}", inks.muted)
        if line and line.cell_len + bar.cell_len > width:
            break
        line.append_text(bar)
    return line


def _ticks(bar: Bar) -> list[tuple[float, float]]:
    from fer_tui.picture import ticks

    return ticks(bar.scale) if bar.scale is not None else []


def _halves(name: str, cells: int, *, downwards: bool = False) -> list[tuple[RGB, RGB]]:
    """Two colours for each cell."""
    from fer_tui.picture import colour_map

    last = 2 * cells - 1
    colours = [tuple(colour_map(name)[round(255 * n / last)].tolist()) for n in range(2 * cells)]
    ordered = colours[::-1] if downwards else colours
    return list(zip(ordered[::2], ordered[1::2], strict=True))


def _style(front: RGB, back: RGB) -> Style:
    return Style.from_color(Color.from_rgb(*front), Color.from_rgb(*back))


def _shade(one: RGB, other: RGB) -> str:
    from fer_tui.terminal.shades import RAMP

    light = sum(share * (a + b) for share, a, b in zip((0.299, 0.587, 0.114), one, other, strict=True)) / 510
    return RAMP[min(len(RAMP) - 1, int(light * len(RAMP)))]
