"""A figure as a list of what is on it, so that one description becomes pixels, SVG or PDF."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from PIL import Image

from fer_tui.picture.lettering import cut, font, wrapped

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, width, height
Anchor = Literal[
    "lt", "lm", "lb", "mt", "mm", "mb", "rm", "rt"
]  # across: left, middle, right; down: top, middle, bottom

PAPER, INK, FAINT, RED = (255, 255, 255), (20, 20, 24), (96, 96, 104), (216, 32, 32)
TEXT, TITLE = 12, 16  # sizes of letters


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture, enlarged without smoothing to `box`."""

    box: Box
    image: Image.Image


@dataclass(frozen=True, slots=True)
class Text:
    """One line. upwards: written from bottom to top; then the anchor is that of the turned text's foot, its middle."""

    x: float
    y: float
    text: str
    size: int = TEXT
    colour: Colour = INK
    anchor: Anchor = "lt"
    upwards: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    box: Box
    colour: Colour


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of `width` around a box, outside of it."""

    box: Box
    colour: Colour = RED
    width: float = 3


Item = Raster | Text | Fill | Frame


@dataclass(slots=True)
class Drawing:
    """White paper of width x height units with items, the later ones on top. words: what it shows, in words."""

    width: float
    height: float
    words: str = ""
    items: list[Item] = field(default_factory=list)

    def put(self, *items: Item) -> None:
        self.items += items

    def lines(self, left: float, top: float, text: str, width: float, size: int = TEXT, colour: Colour = INK) -> float:
        """Write `text` in lines of at most `width`; where the next line would begin."""
        for line in wrapped(text, font(size), int(width)):
            self.put(Text(left, top, line, size, colour))
            top += size + 5
        return top

    def line(self, text: Text, width: float) -> None:
        """Write `text`, cut where it is longer than `width`."""
        shown = cut(text.text, font(text.size), int(width))
        self.put(Text(text.x, text.y, shown, text.size, text.colour, text.anchor, text.upwards))
