"""Sixel, the picture format of DEC's VT340 as xterm speaks it: six pixels of a column in a character, colour by colour.

The picture is enlarged while it is written: a pixel of it is a run of columns, and rows that repeat are written once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .quantising import levels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

Colour = tuple[int, int, int]
BAND = 6  # pixels: the height of a sixel
_BITS = (1 << np.arange(BAND)).astype(np.uint8)
_PERCENT = 100 / 255


def encoded(picture: Image.Image, width: int, height: int, background: Colour) -> str:
    """A picture in mode P as a sixel sequence of `width` x `height` pixels, no fewer than it has itself.

    height: a multiple of 6. Every pixel is drawn, so that what was there before is covered. background: colour 0 of the
    sequence, with which tmux fills cells that the picture fills in part; the picture's own are 1 and on.
    """
    numbers, palette = levels_of(picture)
    palette = np.vstack((np.array(background, np.uint8), palette))
    numbers = numbers + 1
    rows = (np.arange(height) * len(numbers)) // height
    bands, which = np.unique(rows.reshape(-1, BAND), axis=0, return_inverse=True)
    lines = _bands(numbers[bands], len(palette), _edges(numbers.shape[1], width))
    colours = "".join(
        f"#{number};2;{red};{green};{blue}"
        for number, (red, green, blue) in enumerate((palette * _PERCENT).round().astype(int).tolist())
    )
    drawn = "-".join([lines[band] for band in which.ravel().tolist()])
    return f'\x1bP0;1;0q"1;1;{width};{height}{colours}{drawn}\x1b\\'


def _edges(columns: int, width: int) -> NDArray[np.int64]:
    """Where each column of the picture begins, in pixels; the last one is where all end."""
    return -(-np.arange(columns + 1) * width // columns)


def _bands(numbers: NDArray[np.uint8], colours: int, edges: NDArray[np.int64]) -> list[str]:
    """Each band (B, 6, W) as text."""
    count, _, width = numbers.shape
    sixels = np.zeros((count, colours, width), np.uint8)
    at, column = np.arange(count)[:, None], np.arange(width)[None]
    for row, bit in enumerate(_BITS):
        sixels[at, numbers[:, row], column] |= bit
    band, colour = np.nonzero(sixels.any(2))
    there = sixels[band, colour] != 0
    extent = width - there[:, ::-1].argmax(1) - there.argmax(1)
    order = np.lexsort((-extent, band))
    band, colour = band[order], colour[order]
    lines = sixels[band, colour]  # (L, W): for each band its colours, the widest first: others are drawn over it
    starts, values = _runs(lines, lines | _later(lines, band))
    line, first = np.nonzero(starts)
    value = values[line, first]
    ends = np.append(line[1:] != line[:-1], True)
    last = np.where(ends, width, np.append(first[1:], 0))
    length = edges[last] - edges[first]
    length[ends & (value == 0)] = 0  # nothing follows: it need not be skipped
    codes, which = np.unique(length * 64 + value, return_inverse=True)
    texts = np.array([_run(*divmod(code, 64)) for code in codes.tolist()], object)[which.ravel()].tolist()
    parts: list[list[str]] = [[] for _ in range(count)]
    begin = 0
    for number, name, end in zip(band.tolist(), colour.tolist(), (np.flatnonzero(ends) + 1).tolist(), strict=True):
        parts[number].append(f"#{name}{''.join(texts[begin:end])}")
        begin = end
    return ["$".join(texts) for texts in parts]


def _later(lines: NDArray[np.uint8], band: NDArray[np.int64]) -> NDArray[np.uint8]:
    """For each line what the lines after it in its band will draw over."""
    later = np.zeros_like(lines)
    for n in range(len(lines) - 2, -1, -1):
        if band[n] == band[n + 1]:
            np.bitwise_or(later[n + 1], lines[n + 1], out=later[n])
    return later


def _runs(need: NDArray[np.uint8], allowed: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """As few runs as hold all bits of `need` and none but those of `allowed`, (L, W): where one starts, its value."""
    starts, values = np.ones(need.shape, bool), need.copy()
    holds, may = need[:, 0].copy(), allowed[:, 0].copy()
    at = np.zeros(len(need), np.int64)
    line = np.arange(len(need))
    for column in range(1, need.shape[1]):
        both, common = holds | need[:, column], may & allowed[:, column]
        goes_on = both & ~common == 0
        starts[:, column] = ~goes_on
        holds, may = np.where(goes_on, both, need[:, column]), np.where(goes_on, common, allowed[:, column])
        at[~goes_on] = column
        values[line, at] = holds
    return starts, values


@lru_cache(1 << 14)
def _run(length: int, value: int) -> str:
    character = chr(63 + value)
    return character * length if length < 4 else f"!{length}{character}"
