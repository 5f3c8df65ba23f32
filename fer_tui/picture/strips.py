"""One image through several states, side by side: a row of pictures, each with lines below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from PIL import Image, ImageDraw

from fer_tui.contract import Explanation, Heatmap

from .colours import colour_bar
from .figures import render
from .heatmaps import Look, colours_of
from .lettering import cut, font, wrapped, write
from .matrices import FAINT, INK, PAPER

_TILE, _GAP, _MARGIN = 144, 8, 12  # pixels
_SIZE, _LINE = 12, 17
_BAR = 10
_GOOD, _BAD = (0, 110, 60), (175, 45, 30)


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of the row. lines: below it; the first is its name. good: colours the second, None leaves it."""

    explanation: Explanation
    lines: tuple[str, ...]
    good: bool | None = None


def strip(
    stills: Sequence[Still], title: str = "", words: Sequence[str] = (), columns: int = 8, **look: Unpack[Look]
) -> Image.Image:
    """The stills in rows of at most `columns`, a title above, words below: RGB.

    look: how heat maps are drawn. Where `scale` is given it is shown as a bar; else each map has its own.
    """
    columns = max(1, min(columns, len(stills)))
    lines = max((len(still.lines) for still in stills), default=0)
    tall, wide = _TILE + lines * _LINE + _GAP, _TILE + _GAP
    width = max(columns * wide - _GAP, 3 * _TILE)
    heading = wrapped(title, font(16), width)
    below = [part for text in words for part in wrapped(text, font(_SIZE), width)]
    top = _MARGIN + 22 * len(heading) + (_GAP if heading else 0)
    rows = -(-len(stills) // columns)
    bar = _scale_bar(stills, look, width)
    foot = top + rows * tall + (bar.height + _GAP if bar is not None else 0)
    picture = Image.new("RGB", (width + 2 * _MARGIN, foot + len(below) * _LINE + _MARGIN), PAPER)
    draw = ImageDraw.Draw(picture)
    for number, text in enumerate(heading):
        write(draw, (_MARGIN, _MARGIN + 22 * number), text, font(16), INK, "lt")
    for number, still in enumerate(stills):
        row, column = divmod(number, columns)
        _place(picture, draw, still, (_MARGIN + column * wide, top + row * tall), look)
    if bar is not None:
        picture.paste(bar, (_MARGIN, top + rows * tall))
    for number, text in enumerate(below):
        write(draw, (_MARGIN, foot + number * _LINE), text, font(_SIZE), FAINT, "lt")
    return picture


def _place(picture: Image.Image, draw: ImageDraw.ImageDraw, still: Still, corner: tuple[int, int], look: Look) -> None:
    left, top = corner
    tile = render(still.explanation, **look)
    scale = _TILE / max(tile.size)
    size = (max(1, round(tile.width * scale)), max(1, round(tile.height * scale)))
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    picture.paste(tile.resize(size, how), (left + (_TILE - size[0]) // 2, top))
    for number, text in enumerate(still.lines):
        ink = INK if number == 0 or still.good is None or number > 1 else _GOOD if still.good else _BAD
        small = font(_SIZE)
        write(draw, (left + _TILE / 2, top + _TILE + 4 + number * _LINE), cut(text, small, _TILE), small, ink, "mt")


def _scale_bar(stills: Sequence[Still], look: Look, width: int) -> Image.Image | None:
    """The colours of the shared scale, with the values at its ends."""
    scale = look.get("scale")
    first = next((still.explanation for still in stills if isinstance(still.explanation, Heatmap)), None)
    if scale is None or first is None or look.get("mode", "overlay") not in ("overlay", "map"):
        return None
    picture = Image.new("RGB", (width, _BAR + 6), PAPER)
    picture.paste(colour_bar(colours_of(first, look.get("colours")), 2 * _TILE, _BAR), (60, 2))
    draw = ImageDraw.Draw(picture)
    for value, left, anchor in ((scale[0], 54, "rm"), (scale[1], 66 + 2 * _TILE, "lm")):
        write(draw, (left, 2 + _BAR / 2), f"{value:.3g}", font(_SIZE), FAINT, anchor)
    return picture
