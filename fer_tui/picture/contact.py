"""A contact sheet: pictures in rows and columns that have titles, above the colours of their maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from .colours import colour_bar
from .lettering import cut, font, width_of, wrapped, write
from .matrices import FAINT, INK, PAPER

_TILE, _GAP, _MARGIN = 128, 8, 12  # pixels
_SIZE, _LINE, _HEADING, _BAR = 12, 17, 22, 10
_WIDEST = 180  # pixels of the titles of rows


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture, or none, and a line below it."""

    picture: Image.Image | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A colour bar: the colour map, what is written at its low and its high end, and which maps it is for."""

    colours: str
    low: str
    high: str
    told: str = ""


def contact_sheet(
    title: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Sequence[str], Sequence[Tile]]],
    keys: Sequence[Key] = (),
) -> Image.Image:
    """RGB. columns: their titles. rows: the lines of a row's title, and a tile for each column."""
    small, large = font(_SIZE), font(16)
    named = [cut(line, small, _WIDEST) for lines, _ in rows for line in lines]
    left = _MARGIN + max((width_of(line, small) for line in named), default=0) + _GAP
    across, down = _TILE + _GAP, _TILE + _GAP + (_LINE if any(tile.words for _, tiles in rows for tile in tiles) else 0)
    width = max(left + len(columns) * across - _GAP + _MARGIN, 3 * _TILE)
    heading = wrapped(title, large, width - 2 * _MARGIN)
    top = _MARGIN + _HEADING * len(heading) + _LINE
    foot = top + len(rows) * down
    picture = Image.new("RGB", (width, foot + len(keys) * _LINE + _MARGIN), PAPER)
    draw = ImageDraw.Draw(picture)
    for number, text in enumerate(heading):
        write(draw, (_MARGIN, _MARGIN + _HEADING * number), text, large, INK, "lt")
    for column, name in enumerate(columns):
        middle = left + column * across + _TILE / 2
        write(draw, (middle, top - 5), cut(name, small, _TILE), small, INK, "ms")
    for row, (lines, tiles) in enumerate(rows):
        at = top + row * down
        for number, text in enumerate(lines):
            ink = INK if number == 0 else FAINT
            write(draw, (_MARGIN, at + 4 + number * _LINE), cut(text, small, _WIDEST), small, ink, "lt")
        for column, tile in enumerate(tiles):
            corner = left + column * across, at
            if tile.picture is not None:
                _paste(picture, tile.picture, corner)
            write(draw, (corner[0] + _TILE / 2, at + _TILE + 3), cut(tile.words, small, _TILE), small, FAINT, "mt")
    for number, key in enumerate(keys):
        at = foot + number * _LINE
        begin = _MARGIN + width_of(key.low, small) + 6
        picture.paste(colour_bar(key.colours, _TILE, _BAR), (begin, at))
        write(draw, (begin - 6, at + _BAR / 2), key.low, small, FAINT, "rm")
        text = f"{key.high}   {key.told}".rstrip()
        write(draw, (begin + _TILE + 6, at + _BAR / 2), text, small, FAINT, "lm")
    return picture


def _paste(picture: Image.Image, tile: Image.Image, corner: tuple[int, int]) -> None:
    """As large as the place allows, unbent, in its middle."""
    scale = _TILE / max(tile.size)
    size = max(1, round(tile.width * scale)), max(1, round(tile.height * scale))
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    left, top = corner
    picture.paste(tile.convert("RGB").resize(size, how), (left + (_TILE - size[0]) // 2, top + (_TILE - size[1]) // 2))
