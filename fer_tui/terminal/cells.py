"""Pixels as terminal cells: two pixels a cell, one above the other, drawn with the upper half block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from rich._palettes import EIGHT_BIT_PALETTE
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALF = "▀"
_RAMP = np.array(list(" .:-=+*#%@"))  # for terminals without colour, dark to light
_LUMA = np.array((0.299, 0.587, 0.114))
_STEPS = np.array((0, 95, 135, 175, 215, 255))  # the six levels of the 256-colour cube


def fitted_size(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """The size in pixels (width, height) of a picture that fills `columns` x `rows` cells without being bent.

    A cell is two pixels high. The height is even, so that no cell is half empty; never less than 1 x 2.
    """
    scale = min(columns / width, 2 * rows / height)
    if scale >= 1 and scale - int(scale) < 0.12:
        scale = int(scale)  # whole steps keep every pixel of the picture the same size
    return max(1, min(columns, round(width * scale))), max(2, min(2 * rows, 2 * round(height * scale / 2)))


def scaled(picture: Image.Image, columns: int, rows: int) -> NDArray[np.uint8]:
    """`picture` scaled to fit `columns` x `rows` cells: uint8 (2 * h, w, 3)."""
    size = fitted_size(picture.width, picture.height, columns, rows)
    enlarged = size[0] >= picture.width
    whole = enlarged and size[0] % picture.width == 0 and size[1] % picture.height == 0
    how = Image.Resampling.NEAREST if whole else Image.Resampling.BICUBIC if enlarged else Image.Resampling.BOX
    return np.asarray(picture.convert("RGB").resize(size, how))


def lines_of(pixels: NDArray[np.uint8], columns: int, rows: int, around: Style, *, colour: bool = True) -> list[Strip]:
    """`pixels` (2 * h, w, 3) in the middle of `columns` x `rows` cells; `around` styles the cells beside it."""
    height, width = len(pixels) // 2, pixels.shape[1]
    above, left = (rows - height) // 2, (columns - width) // 2
    margins = (left, columns - width - left)
    blank = Strip([Segment(" " * columns, around)], columns)
    if colour:
        drawn: Iterator[Strip] = (
            CellStrip(top, bottom, margins, around) for top, bottom in zip(pixels[::2], pixels[1::2], strict=True)
        )
    else:
        drawn = (Strip([Segment(" " * margins[0] + text + " " * margins[1])], columns) for text in _shaded(pixels))
    return [*[blank] * above, *drawn, *[blank] * (rows - height - above)]


class CellStrip(Strip):
    """A line of pictures' cells. It writes its escape sequences itself; segments are made only for who asks for them.

    top, bottom: uint8 (w, 3), the two pixel rows. margins: cells left and right of them, in the style `around`.
    """

    __slots__ = ("_around", "_bottom", "_made", "_margins", "_top")

    def __init__(
        self, top: NDArray[np.uint8], bottom: NDArray[np.uint8], margins: tuple[int, int], around: Style
    ) -> None:
        self._top, self._bottom, self._margins, self._around = top, bottom, margins, around
        super().__init__((), sum(margins) + len(top))
        self._made: list[Segment] | None = None

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            left, right = (Segment(" " * count, self._around) for count in self._margins)
            self._made = [part for part in (left, *_segments(self._top, self._bottom), right) if part.text]
        return self._made

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._made = segments

    def same_as(self, other: Strip) -> bool:
        """Whether both show the same."""
        return (
            isinstance(other, CellStrip)
            and self._margins == other._margins
            and self._around == other._around
            and np.array_equal(self._top, other._top)
            and np.array_equal(self._bottom, other._bottom)
        )

    def render(self, console: Console) -> str:
        system = console._color_system or ColorSystem.TRUECOLOR
        if system not in _CODES:
            return super().render(console)
        if self._render_cache is None:
            numbers = _packed if system is ColorSystem.TRUECOLOR else _nearest_256
            left, right = (self.render_style(self._around, " " * n, system) if n else "" for n in self._margins)
            cells = _written(numbers(self._top).tolist(), numbers(self._bottom).tolist(), _CODES[system])
            self._render_cache = f"{left}{cells}\x1b[0m{right}"
        return self._render_cache


def _written(tops: Sequence[int], bottoms: Sequence[int], code: Callable[[int], tuple[str, str]]) -> str:
    """The cells with as few changes of colour as they need; `code`: a colour's codes as ink and as paper."""
    out: list[str] = []
    ink = paper = -1
    for top, bottom in zip(tops, bottoms, strict=True):
        if top == bottom:
            out.append(" " if bottom == paper else f"\x1b[{code(bottom)[1]}m ")
        elif top == ink:
            out.append(_HALF if bottom == paper else f"\x1b[{code(bottom)[1]}m{_HALF}")
        else:
            codes = code(top)[0] if bottom == paper else f"{code(top)[0]};{code(bottom)[1]}"
            out.append(f"\x1b[{codes}m{_HALF}")
            ink = top
        paper = bottom
    return "".join(out)


@lru_cache(1 << 15)
def _true_codes(colour: int) -> tuple[str, str]:
    name = f"{colour >> 16};{colour >> 8 & 255};{colour & 255}"
    return "38;2;" + name, "48;2;" + name


@lru_cache(256)
def _indexed_codes(colour: int) -> tuple[str, str]:
    return f"38;5;{colour}", f"48;5;{colour}"


@lru_cache(256)
def _standard_codes(colour: int) -> tuple[str, str]:
    found = Color.from_rgb(*EIGHT_BIT_PALETTE[colour]).downgrade(ColorSystem.STANDARD)
    return ";".join(found.get_ansi_codes()), ";".join(found.get_ansi_codes(foreground=False))


_CODES = {
    ColorSystem.TRUECOLOR: _true_codes,
    ColorSystem.EIGHT_BIT: _indexed_codes,
    ColorSystem.STANDARD: _standard_codes,
}


def _packed(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Each pixel as one number, 0xRRGGBB."""
    numbers: NDArray[np.int64] = pixels.astype(np.int64) @ np.array((1 << 16, 1 << 8, 1))
    return numbers


def _nearest_256(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Each pixel as the nearest of the 256 colours."""
    red, green, blue = np.moveaxis(pixels.astype(np.int64) >> 3, -1, 0)
    found: NDArray[np.int64] = _table_256()[red, green, blue]
    return found


@cache
def _table_256() -> NDArray[np.int64]:
    """(32, 32, 32): the colour of the 6 x 6 x 6 cube, or of the 24 grays, that is nearest to a colour of 15 bits."""
    exact = np.stack(np.meshgrid(*[np.arange(32) * 255 // 31] * 3, indexing="ij"), -1)
    levels = np.abs(exact[..., None] - _STEPS).argmin(-1)
    gray = np.clip((exact.mean(-1) - 3) // 10, 0, 23).astype(np.int64)
    far_cube = np.square(exact - _STEPS[levels]).sum(-1)
    far_gray = np.square(exact - (8 + 10 * gray)[..., None]).sum(-1)
    table: NDArray[np.int64] = np.where(far_gray < far_cube, 232 + gray, 16 + levels @ np.array((36, 6, 1)))
    return table


def _segments(top: NDArray[np.uint8], bottom: NDArray[np.uint8]) -> Iterable[Segment]:
    """The cells as segments, equal neighbours together."""
    pairs = np.concatenate((top, bottom), axis=1)
    starts = np.flatnonzero(np.any(pairs[1:] != pairs[:-1], axis=1)) + 1
    for start, stop in zip((0, *starts.tolist()), (*starts.tolist(), len(pairs)), strict=True):
        yield Segment(_HALF * (stop - start), _style(tuple(pairs[start].tolist())))


@lru_cache(1 << 14)
def _style(pair: tuple[int, ...]) -> Style:
    return Style.from_color(Color.from_rgb(*pair[:3]), Color.from_rgb(*pair[3:]))


def _shaded(pixels: NDArray[np.uint8]) -> Iterator[str]:
    """Lines of characters that are the denser the brighter the cell."""
    light = (pixels @ _LUMA).reshape(len(pixels) // 2, 2, -1).mean(1)
    for row in _RAMP[np.minimum(light * len(_RAMP) / 256, len(_RAMP) - 1).astype(int)]:
        yield "".join(row.tolist())
