"""A picture in what a text can show: blocks in colours, shades where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from PIL.Image import Image


def in_colours(console: Console) -> bool:
    """Whether pictures can be drawn in colours: 16 of them are too few."""
    if console.no_color or console.options.ascii_only:
        return False
    return console.color_system in ("truecolor", "256")


class Cells:
    """Rich's renderable for a picture; at most as wide as the terminal, and never larger than the picture's pixels."""

    def __init__(self, picture: Image) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from fer_tui.terminal.blocks import cells_of
        from fer_tui.terminal.scaling import scaled
        from fer_tui.terminal.shades import LETTERS, RAMP, shaded

        pixels = scaled(self._picture, min(self._picture.width, options.max_width), self._picture.height)
        if not in_colours(console):
            for text in shaded(pixels, LETTERS if console.options.ascii_only else RAMP):
                yield from (Segment(text), Segment.line())
            return
        for line in cells_of(pixels):
            for character, ink, paper in zip(line.text, line.ink.tolist(), line.paper.tolist(), strict=True):
                yield Segment(character, Style(color=Color.from_rgb(*ink), bgcolor=Color.from_rgb(*paper)))
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(self._picture.width, options.max_width))
