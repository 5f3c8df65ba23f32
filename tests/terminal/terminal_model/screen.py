"""A screen of cells: what text, colours and cursor movements make of it, and what it looks like in pixels."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .glyphs import SHADES, covered
from .kitty import PLACEHOLDER, KittyPictures, Placement, diacritics
from .parsing import Csi

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int] | int | None  # RGB, a number of the palette, or the terminal's own
_STANDARD = (
    0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
    0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
)  # fmt: skip
_LEVELS = (0, 95, 135, 175, 215, 255)
_INK, _PAPER = (229, 229, 229), (0, 0, 0)


@dataclass(frozen=True)
class Pen:
    """How characters are drawn."""

    ink: Colour = None
    paper: Colour = None
    under: Colour = None
    reverse: bool = False
    bold: bool = False


@dataclass(frozen=True)
class Cell:
    """A character with its combining marks ('' = the second half of a wide one), and its pen."""

    text: str = " "
    pen: Pen = Pen()


@dataclass
class Screen:
    """The cells of one screen (main or alternate), its pictures, its cursor. cell: width and height in pixels."""

    columns: int
    rows: int
    cell: tuple[int, int] = (8, 17)
    placeholders: bool = True  # whether the terminal knows kitty's placeholder cells
    column: int = 0
    row: int = 0
    pen: Pen = Pen()
    saved: tuple[int, int, Pen] = (0, 0, Pen())
    kitty: KittyPictures = field(init=False)
    sixels: dict[tuple[int, int], Pixels] = field(default_factory=dict)  # (column, row) -> RGBA of that cell

    def __post_init__(self) -> None:
        self.kitty = KittyPictures(self.cell, self.placeholders)
        self.cells = [self._blank() for _ in range(self.rows)]
        self.top, self.bottom = 0, self.rows

    def resize(self, columns: int, rows: int) -> None:
        """Another size; what lies outside of it is lost."""
        self.cells = [(line + [Cell()] * columns)[:columns] for line in self.cells[:rows]]
        self.columns, self.rows = columns, rows
        self.cells += [self._blank() for _ in range(rows - len(self.cells))]
        self.top, self.bottom = 0, rows
        self.column, self.row = min(self.column, columns - 1), min(self.row, rows - 1)
        self.sixels = {at: each for at, each in self.sixels.items() if at[0] < columns and at[1] < rows}

    def write(self, text: str) -> None:
        """Characters at the cursor; a cell that is written loses its sixels."""
        for character in text:
            if unicodedata.combining(character) and self.column:
                column = min(self.column, self.columns) - 1
                before = self.cells[self.row][column]
                self.cells[self.row][column] = replace(before, text=before.text + character)
                continue
            wide = unicodedata.east_asian_width(character) in "WF" and unicodedata.category(character) != "Cn"
            if self.column + wide >= self.columns:
                self.column = 0
                self.line_feed()
            for part in (character, "") if wide else (character,):
                self.cells[self.row][self.column] = Cell(part, self.pen)
                self.sixels.pop((self.column, self.row), None)
                self.column += 1

    def line_feed(self) -> None:
        if self.row == self.bottom - 1:
            self.scroll(1)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def scroll(self, lines: int, top: int | None = None) -> None:
        """Move the lines from `top` (of the scroll region) up, with their sixels; negative: down."""
        top, bottom = self.top if top is None else top, self.bottom
        count = min(abs(lines), bottom - top)
        new = [self._blank() for _ in range(count)]
        kept = self.cells[top + count : bottom] if lines > 0 else self.cells[top : bottom - count]
        self.cells[top:bottom] = [*kept, *new] if lines > 0 else [*new, *kept]
        up = count if lines > 0 else -count
        moved = {(x, y - up if top <= y < bottom else y): each for (x, y), each in self.sixels.items()}
        self.sixels = {
            (x, y): each for (x, y), each in moved.items() if top <= y < bottom or not top <= y + up < bottom
        }

    def erase(self, first: int, last: int) -> None:
        """Blank the cells from `first` up to `last` (counted along the lines), in the paper of the pen."""
        blank = Cell(" ", Pen(paper=self.pen.paper))
        for place in range(first, last):
            row, column = divmod(place, self.columns)
            self.cells[row][column] = blank
            self.sixels.pop((column, row), None)

    def control(self, csi: Csi) -> bool:
        """Obey a control sequence that changes this screen; False where it is none of those."""
        count = max(1, csi.number(0, 1))
        here = self.row * self.columns + min(self.column, self.columns - 1)
        line = self.row * self.columns
        match csi.final:
            case "H" | "f":
                self._go(csi.number(1, 1) - 1, csi.number(0, 1) - 1)
            case "A" | "F":
                self._go(0 if csi.final == "F" else self.column, self.row - count)
            case "B" | "E" | "e":
                self._go(0 if csi.final == "E" else self.column, self.row + count)
            case "C" | "a":
                self._go(self.column + count, self.row)
            case "D":
                self._go(self.column - count, self.row)
            case "G" | "`":
                self._go(count - 1, self.row)
            case "d":
                self._go(self.column, count - 1)
            case "J":
                start, stop = ((here, self.rows * self.columns), (0, here + 1), (0, self.rows * self.columns))[
                    min(csi.number(0, 0), 2)
                ]
                self.erase(start, stop)
                if csi.number(0, 0) >= 2:
                    self.kitty.command(b"Ga=d", (self.column, self.row))
            case "K":
                self.erase(
                    *((here, line + self.columns), (line, here + 1), (line, line + self.columns))[csi.number(0, 0)]
                )
            case "X":
                self.erase(here, min(here + count, line + self.columns))
            case "L" | "M":
                self.scroll(-count if csi.final == "L" else count, self.row)
            case "S" | "T":
                self.scroll(count if csi.final == "S" else -count)
            case "P" | "@":
                column = here - line
                rest = self.cells[self.row][column:]
                blank = [Cell(" ", Pen(paper=self.pen.paper))] * min(count, len(rest))
                moved = [*rest[count:], *blank] if csi.final == "P" else [*blank, *rest]
                self.cells[self.row][column:] = moved[: len(rest)]
            case "b":
                self.write(self.cells[self.row][min(self.column, self.columns) - 1].text * count)
            case "r":
                self.top, self.bottom = csi.number(0, 1) - 1, csi.number(1, self.rows)
                self._go(0, 0)
            case "s":
                self.saved = (self.column, self.row, self.pen)
            case "u":
                self.column, self.row, self.pen = self.saved
            case "m":
                self.pen = styled(self.pen, csi.groups)
            case _:
                return False
        return True

    def draw_sixels(self, pixels: Pixels) -> None:
        """A sixel picture (H, W, 4) at the cursor, which goes to the beginning of its last line; the screen scrolls."""
        width, height = self.cell
        left = self.column * width
        for y in range(0, len(pixels), height):
            if y:
                self.line_feed()
            strip = pixels[y : y + height, : self.columns * width - left]
            for x in range(0, strip.shape[1], width):
                at = (self.column + x // width, self.row)
                piece = strip[:, x : x + width]
                if piece[..., 3].any():
                    old = self.sixels.get(at, np.zeros((height, width, 4), np.uint8)).copy()
                    drawn = piece[..., 3] > 0
                    old[: piece.shape[0], : piece.shape[1]][drawn] = piece[drawn]
                    self.sixels[at] = old

    def pixels(self, x: int = 0, y: int = 0, columns: int = 0, rows: int = 0) -> Pixels:
        """What is seen in a part of the screen (in cells; all of it by default): uint8 (H, W, 3).

        Letters are not drawn: a cell that holds one shows its paper.
        """
        columns, rows = columns or self.columns - x, rows or self.rows - y
        width, height = self.cell
        seen = np.zeros((rows * height, columns * width, 3), np.uint8)
        for row in range(rows):
            for column in range(columns):
                tile = seen[row * height : (row + 1) * height, column * width : (column + 1) * width]
                self._draw_cell(tile, x + column, y + row)
        for picture, placement in self.kitty.placed():
            self._draw_placed(seen, picture, placement, x, y)
        return seen

    def _draw_cell(self, tile: Pixels, column: int, row: int) -> None:
        cell = self.cells[row][column]
        ink, paper = rgb(cell.pen.ink, _INK), rgb(cell.pen.paper, _PAPER)
        if cell.pen.reverse:
            ink, paper = paper, ink
        tile[:] = paper
        if (mask := covered(cell.text, *self.cell)) is not None:
            tile[mask] = ink
        elif (quarters := SHADES.get(cell.text)) is not None:
            tile[:] = (np.array(ink) * quarters + np.array(paper) * (4 - quarters)) // 4
        elif cell.text[:1] == PLACEHOLDER and self.placeholders:
            self._draw_placeholder(tile, column, row)
        if (piece := self.sixels.get((column, row))) is not None:
            drawn = piece[..., 3] > 0
            tile[drawn] = piece[drawn][:, :3]

    def _draw_placeholder(self, tile: Pixels, column: int, row: int) -> None:
        at_row, at_column, high = self.placeholder(column, row)
        pen = self.cells[row][column].pen
        found = self.kitty.of_placeholder(_number(pen.ink) | high << 24, _number(pen.under))
        if found is None:
            return
        picture, placement = found
        if at_row >= placement.rows or at_column >= placement.columns:
            return
        width, height = self.cell
        left, top, wide, high = fitted(
            picture.shape[1], picture.shape[0], placement.columns * width, placement.rows * height
        )
        ys = np.arange(at_row * height, (at_row + 1) * height)
        xs = np.arange(at_column * width, (at_column + 1) * width)
        _paint(tile, picture, (ys - top) * picture.shape[0] // high, (xs - left) * picture.shape[1] // wide)

    def placeholder(self, column: int, row: int) -> tuple[int, int, int]:
        """Row, column and highest byte of the id that a placeholder cell stands for; ValueError if it is none."""
        cell = self.cells[row][column]
        if cell.text[:1] != PLACEHOLDER:
            raise ValueError(f"no placeholder in column {column} of row {row}: {cell.text!r}")
        numbers = [_diacritics()[mark] for mark in cell.text[1:]]
        if len(numbers) < 3:  # the cell on the left tells what is left out, where it belongs to the same picture
            before = self.cells[row][column - 1] if column else Cell()
            if before.text[:1] == PLACEHOLDER and (before.pen.ink, before.pen.under) == (cell.pen.ink, cell.pen.under):
                r, c, high = self.placeholder(column - 1, row)
                follows = (numbers or [r])[0] == r and (len(numbers) < 2 or numbers[1] == c + 1)
                if follows:
                    numbers = [r, c + 1, high]
        at_row, at_column, high = [*numbers, 0, 0, 0][:3]
        return at_row, at_column, high

    def _draw_placed(self, seen: Pixels, picture: Pixels, placement: Placement, x: int, y: int) -> None:
        width, height = self.cell
        left, top = (
            (placement.at[0] - x) * width + placement.offset[0],
            (placement.at[1] - y) * height + placement.offset[1],
        )
        wide, high = placement.columns * width, placement.rows * height
        ys, xs = np.arange(seen.shape[0]) - top, np.arange(seen.shape[1]) - left
        _paint(
            seen,
            picture,
            np.where(ys < high, ys * len(picture) // high, -1),
            np.where(xs < wide, xs * picture.shape[1] // wide, -1),
        )

    def _go(self, column: int, row: int) -> None:
        self.column, self.row = max(0, min(column, self.columns - 1)), max(0, min(row, self.rows - 1))

    def _blank(self) -> list[Cell]:
        return [Cell()] * self.columns


_diacritics = cache(diacritics)


def fitted(width: int, height: int, room_width: int, room_height: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of a picture in the middle of a room, scaled to fit without being bent."""
    scale = min(room_width / width, room_height / height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    return (room_width - wide) // 2, (room_height - high) // 2, wide, high


def _paint(seen: Pixels, picture: Pixels, ys: NDArray[np.int64], xs: NDArray[np.int64]) -> None:
    """Pixels [ys, xs] of a picture, blended; where they lie outside, nothing."""
    down = np.flatnonzero((ys >= 0) & (ys < picture.shape[0]))
    across = np.flatnonzero((xs >= 0) & (xs < picture.shape[1]))
    if down.size and across.size:
        part = picture[ys[down][:, None], xs[across]].astype(int)
        under = seen[down[:, None], across].astype(int)
        alpha = part[..., 3:]
        seen[down[:, None], across] = (part[..., :3] * alpha + under * (255 - alpha)) // 255


def _number(colour: Colour) -> int:
    """The number that a colour carries."""
    if isinstance(colour, tuple):
        return colour[0] << 16 | colour[1] << 8 | colour[2]
    return colour or 0


def rgb(colour: Colour, own: tuple[int, int, int]) -> tuple[int, int, int]:
    """What a colour looks like; `own`: where it is the terminal's own."""
    if isinstance(colour, tuple):
        return colour
    if colour is None:
        return own
    if colour < 16:
        packed = _STANDARD[colour]
        return packed >> 16, packed >> 8 & 255, packed & 255
    if colour < 232:
        return _LEVELS[(colour - 16) // 36], _LEVELS[(colour - 16) // 6 % 6], _LEVELS[(colour - 16) % 6]
    return (8 + 10 * (colour - 232),) * 3


def styled(pen: Pen, groups: tuple[tuple[int | None, ...], ...]) -> Pen:
    """The pen after SGR."""
    left = list(groups)
    while left:
        group = left.pop(0)
        code = group[0] or 0
        match code:
            case 0:
                pen = Pen()
            case 1 | 22:
                pen = replace(pen, bold=code == 1)
            case 7 | 27:
                pen = replace(pen, reverse=code == 7)
            case 38 | 48 | 58:
                name = {38: "ink", 48: "paper", 58: "under"}[code]
                pen = replace(pen, **{name: _colour(group, left)})
            case 39:
                pen = replace(pen, ink=None)
            case 49:
                pen = replace(pen, paper=None)
            case 59:
                pen = replace(pen, under=None)
            case _ if code // 10 in (3, 9):
                pen = replace(pen, ink=code % 10 + (8 if code >= 90 else 0))
            case _ if code // 10 in (4, 10) and code >= 40:
                pen = replace(pen, paper=code % 10 + (8 if code >= 100 else 0))
    return pen


def _colour(group: tuple[int | None, ...], left: list[tuple[int | None, ...]]) -> Colour:
    """A colour of SGR 38, 48 or 58: in one group with colons, or in the next groups."""
    numbers = [number or 0 for number in group[1:]]
    if not numbers:
        numbers = [left.pop(0)[0] or 0]
        numbers += [left.pop(0)[0] or 0 for _ in range({2: 3, 5: 1}[numbers[0]])]
    if numbers[0] == 5:
        return numbers[1]
    red, green, blue = numbers[-3:]
    return red, green, blue
