"""The two ways to draw a picture in pixels: where it lies among the cells, what is written there, what is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from . import kitty, sixel
from .facts import Terminal
from .quality import Grade, Quality
from .quantising import with_palette

_MARGIN = 0.12  # of a step: a whole number of pixels is taken where it costs no more than this
_KITTY = (Grade(256), Grade(64), Grade(32), Grade(16), Grade(16, 1 / 2), Grade(16, 1 / 4))
_SIXEL = (Grade(64), Grade(48), Grade(32), Grade(16), Grade(8), Grade(8, 1 / 2), Grade(8, 1 / 4))
_KITTY_ENOUGH = {"L": 25_000, "RGB": 64_000}  # bytes: a few grays do where a few colours show bands
_SIXEL_ENOUGH = {"L": 64_000, "RGB": 160_000, "small": 20_000}
_SMALL, _SHOWN = 64 * 64, 320 * 320  # pixels of a picture that is small, and as how many it is shown in so many bytes


@dataclass(frozen=True, slots=True)
class Box:
    """Where a picture lies in its widget, in cells."""

    left: int
    top: int
    columns: int
    rows: int


class Painter(Protocol):
    """quality: how good pictures are. over_cells: what is drawn lies over the cells, and goes when they are written."""

    quality: Quality
    over_cells: bool

    def box(self, size: tuple[int, int], columns: int, rows: int) -> Box:
        """Where a picture of `size` pixels lies in so many cells."""

    def cells(self, row: int, start: int, stop: int) -> str:
        """What is written in the cells of a row of the box, from column to column of it."""

    def picture(self, picture: Image.Image, box: Box, background: sixel.Colour, rate: float | None) -> str:
        """What shows a gray or RGB picture in its box, the cursor at the box's top left.

        background: the colour around it. rate: bytes a second that the terminal drains, None where it is not known.
        """

    def free(self) -> str:
        """What gives the terminal's memory back."""


def painter(terminal: Terminal, number: int) -> Painter | None:
    """The painter of picture slot `number`; None where pictures are drawn in cells."""
    match terminal.way:
        case "kitty":
            return KittyPainter(kitty.Slot(number, wrapped=terminal.in_tmux), terminal.cell)
        case "sixel":
            return SixelPainter(terminal.cell, terminal.answers.registers, terminal.answers.largest)
        case "textual-image":
            from . import fallback

            return fallback.painter(terminal, number)
    return None


class KittyPainter:
    """The terminal scales the picture; its cells are placeholders."""

    over_cells = False

    def __init__(self, slot: kitty.Slot, cell: tuple[int, int]) -> None:
        self._slot, self._cell = slot, cell
        self.quality = Quality(_KITTY, _KITTY_ENOUGH)

    def box(self, size: tuple[int, int], columns: int, rows: int) -> Box:
        return numbered_box(size, columns, rows, self._cell)

    def cells(self, row: int, start: int, stop: int) -> str:
        return self._slot.cells(row, start, stop)

    def picture(self, picture: Image.Image, box: Box, background: sixel.Colour, rate: float | None) -> str:
        picture = _no_larger(picture, box.columns * self._cell[0], box.rows * self._cell[1])

        def send(grade: Grade) -> str:
            image = grade.of(picture)
            if image.mode != "L" or grade.colours < 256:  # gray without a palette says the same in fewer bytes
                image = with_palette(image, grade.colours)
            return self._slot.send(image, box.columns, box.rows)

        return self.quality.encoded(send, picture.mode, rate)

    def free(self) -> str:
        return self._slot.free()


class SixelPainter:
    """The picture is drawn over blank cells, in whole bands of six pixels, so that it never reaches the line below."""

    over_cells = True

    def __init__(self, cell: tuple[int, int], registers: int, largest: tuple[int, int]) -> None:
        self._cell, self._largest = cell, largest
        most = min(registers or 256, 256) - 1  # one is the background
        grades = tuple(Grade(min(grade.colours, max(2, most)), grade.share) for grade in _SIXEL)
        self.quality = Quality(tuple(dict.fromkeys(grades)), _SIXEL_ENOUGH)

    def box(self, size: tuple[int, int], columns: int, rows: int) -> Box:
        width, height = self._pixels(size, columns, rows)
        return centred(math.ceil(width / self._cell[0]), math.ceil(height / self._cell[1]), columns, rows)

    def cells(self, row: int, start: int, stop: int) -> str:
        return " " * (stop - start)

    def picture(self, picture: Image.Image, box: Box, background: sixel.Colour, rate: float | None) -> str:
        width, height = self._pixels(picture.size, box.columns, box.rows)
        picture = _no_larger(picture, width, height)

        def draw(grade: Grade) -> str:
            return sixel.encoded(with_palette(grade.of(picture), grade.colours), width, height, background)

        small = picture.mode != "L" and picture.width * picture.height <= _SMALL and width * height <= 1.1 * _SHOWN
        return self.quality.encoded(draw, "small" if small else picture.mode, rate)

    def free(self) -> str:
        return ""

    def _pixels(self, size: tuple[int, int], columns: int, rows: int) -> tuple[int, int]:
        room = [columns * self._cell[0], rows * self._cell[1]]
        for n, most in enumerate(self._largest):
            room[n] = min(room[n], most or room[n])
        room[1] = max(sixel.BAND, room[1] // sixel.BAND * sixel.BAND)
        width, height = fitted(size, *room)
        return width, min(room[1], max(sixel.BAND, round(height / sixel.BAND) * sixel.BAND))


def fitted(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The largest size in which a picture of `size` fits, unbent; whole multiples where they are nearly as large."""
    scale = min(width / size[0], height / size[1])
    if scale > 1 and scale - int(scale) < _MARGIN:
        scale = int(scale)
    return max(1, min(width, round(size[0] * scale))), max(1, min(height, round(size[1] * scale)))


def numbered_box(size: tuple[int, int], columns: int, rows: int, cell: tuple[int, int]) -> Box:
    """Where a picture lies in so many cells, each of which a placeholder of kitty's can still number."""
    width, height = fitted(size, min(columns, kitty.MOST_CELLS) * cell[0], min(rows, kitty.MOST_CELLS) * cell[1])
    return centred(math.ceil(width / cell[0]), math.ceil(height / cell[1]), columns, rows)


def centred(columns: int, rows: int, width: int, height: int) -> Box:
    columns, rows = min(columns, width), min(rows, height)
    return Box((width - columns) // 2, (height - rows) // 2, columns, rows)


def _no_larger(picture: Image.Image, width: int, height: int) -> Image.Image:
    """A picture has no more pixels than are shown."""
    size = min(picture.width, width), min(picture.height, height)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.BOX)
