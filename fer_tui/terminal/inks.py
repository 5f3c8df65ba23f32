"""Colours of terminals that have 256 or 16: the nearest one, and mixtures of two that a shade character makes."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from rich._palettes import EIGHT_BIT_PALETTE, STANDARD_PALETTE

from .blocks import SHADES, Cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

_STEPS = np.array((0, 95, 135, 175, 215, 255))  # the six levels of the 256-colour cube
_STEP_OF: list[int] = np.abs(np.arange(256)[:, None] - _STEPS).argmin(1).tolist()


def packed(pixels: NDArray[np.uint8]) -> Numbers:
    """Each pixel (w, 3) as one number, 0xRRGGBB."""
    numbers: Numbers = pixels.astype(np.int64) @ np.array((1 << 16, 1 << 8, 1))
    return numbers


def nearest_256(pixels: NDArray[np.uint8]) -> Numbers:
    """Each pixel as the nearest of the 256 colours. The first sixteen are left out: users choose those."""
    red, green, blue = np.moveaxis(pixels.astype(np.int64) >> 3, -1, 0)
    found: Numbers = _table_256()[red, green, blue]
    return found


def in_sixteen(cells: Cells) -> tuple[str, Numbers, Numbers]:
    """The text, ink and paper of cells in sixteen colours.

    A cell keeps its pattern, in the nearest colours, unless a mixture of two comes nearer to all of it.
    """
    ink, paper = cells.ink.astype(np.int64), cells.paper.astype(np.int64)
    inks, papers = _table_16()[tuple(ink.T >> 4)], _table_16()[tuple(paper.T >> 4)]
    names, colours = _mixtures()
    mixed = _table_mixtures()[tuple(((ink + paper) // 2).T >> 4)]
    standard = colours[:16]
    far_apart = np.square(ink - standard[inks]).sum(1) + np.square(paper - standard[papers]).sum(1)
    far_mixed = np.square(ink - colours[mixed]).sum(1) + np.square(paper - colours[mixed]).sum(1)
    mix = far_mixed < far_apart
    text = "".join(
        names[m][0] if use else c for c, m, use in zip(cells.text, mixed.tolist(), mix.tolist(), strict=True)
    )
    pairs = np.array([name[1:] for name in names], np.int64)
    return text, np.where(mix, pairs[mixed, 0], inks), np.where(mix, pairs[mixed, 1], papers)


@cache
def _table_256() -> Numbers:
    """(32, 32, 32): the colour of the 6 x 6 x 6 cube, or of the 24 grays, that is nearest to a colour of 15 bits."""
    exact = np.stack(np.meshgrid(*[np.arange(32) * 255 // 31] * 3, indexing="ij"), -1)
    levels = np.abs(exact[..., None] - _STEPS).argmin(-1)
    gray = np.clip((exact.mean(-1) - 3) // 10, 0, 23).astype(np.int64)
    far_cube = np.square(exact - _STEPS[levels]).sum(-1)
    far_gray = np.square(exact - (8 + 10 * gray)[..., None]).sum(-1)
    table: Numbers = np.where(far_gray < far_cube, 232 + gray, 16 + levels @ np.array((36, 6, 1)))
    return table


def close_256(colour: int, tolerance: int) -> int:
    """The number of a colour of the 256 that differs from 0xRRGGBB by at most `tolerance` in each channel, or -1."""
    parts = colour >> 16, colour >> 8 & 255, colour & 255
    red, green, blue = (_STEP_OF[part] for part in parts)
    gray = min(23, max(0, (sum(parts) // 3 - 3) // 10))
    for number in (16 + 36 * red + 6 * green + blue, 232 + gray):
        if all(abs(a - b) <= tolerance for a, b in zip(EIGHT_BIT_PALETTE[number], parts, strict=True)):
            return number
    return -1


def rgb_256(number: int) -> int:
    """What a number of the 256 colours means, as 0xRRGGBB."""
    red, green, blue = EIGHT_BIT_PALETTE[number]
    return red << 16 | green << 8 | blue


@cache
def _mixtures() -> tuple[list[tuple[str, int, int]], Numbers]:
    """What sixteen colours can look like: character, ink and paper, and the colour (n, 3) that is seen from afar."""
    standard = np.array([tuple(STANDARD_PALETTE[n]) for n in range(16)], np.int64)
    names = [(" ", n, n) for n in range(16)]
    names += [(SHADES[part], a, b) for a, b in combinations(range(16), 2) for part in (1, 2, 3)]
    shares = np.array([SHADES.index(shade) for shade, _, _ in names])[:, None]
    ink, paper = standard[[ink for _, ink, _ in names]], standard[[paper for _, _, paper in names]]
    return names, (ink * shares + paper * (4 - shares)) // 4


def _nearest(colours: Numbers) -> Numbers:
    """(16, 16, 16): the nearest of `colours` (n, 3) to a colour of 12 bits."""
    exact = np.stack(np.meshgrid(*[np.arange(16) * 17] * 3, indexing="ij"), -1).reshape(-1, 3)
    squares = np.square(colours).sum(1) - 2 * exact @ colours.T
    table: Numbers = squares.argmin(1).reshape(16, 16, 16)
    return table


@cache
def _table_16() -> Numbers:
    return _nearest(_mixtures()[1][:16])


@cache
def _table_mixtures() -> Numbers:
    return _nearest(_mixtures()[1])
