"""Pixels as block characters: the two colours and the pattern that come nearest to the pixels of each cell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"  # bit 0 is the upper left one, bit 1 the upper right one, and so on
# The patterns of eight that are no octants to Unicode and not made of quadrants. Six have characters that kitty 0.41
# does not draw: they are drawn inversely.
_OLDER_OCTANTS = {0x03: "\U0001fb82", 0x3F: "\U0001fb85", 0xC0: "▂", 0xFC: "▆"}
_MISSING_OCTANTS = dict.fromkeys((0x01, 0x02, 0x14, 0x28, 0x40, 0x80), "")
SHADES = " ░▒▓█"  # a quarter more ink each


class Blocks(Enum):
    """How many pixels a cell shows: its columns and rows of them."""

    HALVES = (1, 2)
    QUADRANTS = (2, 2)
    # Drawn by kitty, foot, wezterm and Windows Terminal themselves; elsewhere the font must have them.
    SEXTANTS = (2, 3)
    # Since Unicode 16 (2024): kitty, foot, ghostty.
    OCTANTS = (2, 4)

    @classmethod
    def of(cls, name: str) -> Blocks:
        """By name, in small letters; HALVES where it is none of them."""
        return next((blocks for blocks in cls if blocks.name.lower() == name), cls.HALVES)

    @cached_property
    def characters(self) -> tuple[str, ...]:
        """By pattern, in which bit n says whether pixel n (row by row) has the ink; '' where there is none."""
        match self:
            case Blocks.HALVES:
                return tuple(" ▀▄█")
            case Blocks.QUADRANTS:
                return tuple(_QUADRANTS)
            case Blocks.SEXTANTS:
                known = {0: " ", 0b010101: "▌", 0b101010: "▐", 0b111111: "█"}
                return _numbered(6, 0x1FB00, known)
            case Blocks.OCTANTS:
                return _numbered(8, 0x1CD00, {**_OLDER_OCTANTS, **_MISSING_OCTANTS, **dict(_quadrants_in_octants())})


@dataclass(frozen=True)
class Cells:
    """Cells side by side. text: their characters; ink, paper: uint8 (w, 3)."""

    text: str
    ink: NDArray[np.uint8]
    paper: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, part: slice) -> Cells:
        return Cells(self.text[part], self.ink[part], self.paper[part])

    def differ(self, other: Cells) -> NDArray[np.bool_]:
        """Where they show something else: bool (w,)."""
        texts = np.array(list(self.text)) != np.array(list(other.text))
        found: NDArray[np.bool_] = texts | ((self.ink != other.ink) | (self.paper != other.paper)).any(1)
        return found


def cells_of(pixels: NDArray[np.uint8], blocks: Blocks = Blocks.HALVES) -> list[Cells]:
    """Lines of cells for `pixels`, uint8 (rows of a cell * h, columns of a cell * w, 3)."""
    across, down = blocks.value
    if blocks is Blocks.HALVES:
        text = "▀" * pixels.shape[1]
        return [Cells(text, upper, lower) for upper, lower in zip(pixels[::2], pixels[1::2], strict=True)]
    height, width = pixels.shape[0] // down, pixels.shape[1] // across
    parts = pixels.reshape(height, down, width, across, 3).swapaxes(1, 2).reshape(height, width, across * down, 3)
    patterns, ink, paper = _fitted(parts)
    characters = np.array(blocks.characters)
    missing = (characters == "")[patterns]
    patterns = np.where(missing, len(characters) - 1 - patterns, patterns)
    ink, paper = np.where(missing[..., None], (paper, ink), (ink, paper))
    return [Cells("".join(characters[patterns[y]].tolist()), ink[y], paper[y]) for y in range(height)]


def _fitted(parts: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.uint8]]:
    """The pattern, ink and paper with the least squared error, for cells of n pixels: parts (h, w, n, 3).

    Every pattern is tried; one and its inverse are the same, so half of them are enough. Of a group's pixels the mean
    is the best colour, and the error is least where the groups' squared sums over their sizes are largest.
    """
    height, width, count, _ = parts.shape
    values = parts.transpose(2, 0, 1, 3).reshape(count, height * width, 3).astype(np.float32)
    inks = np.zeros((1, *values.shape[1:]), np.float32)  # by pattern: the sum of the pixels that have the ink
    sizes = np.zeros((1, 1), np.float32)
    for value in values[:-1]:  # the last pixel always has the paper
        inks, sizes = np.concatenate((inks, inks + value)), np.concatenate((sizes, sizes + 1))
    papers = values.sum(0) - inks
    ink_sizes, paper_sizes = np.maximum(sizes, 1), count - sizes
    gain = np.square(inks).sum(-1) / ink_sizes + np.square(papers).sum(-1) / paper_sizes
    chosen = gain.argmax(0)
    at = chosen, np.arange(height * width)
    ink, paper = inks[at] / ink_sizes[chosen], papers[at] / paper_sizes[chosen]
    ink[chosen == 0] = paper[chosen == 0]
    shape = height, width, 3
    return chosen.reshape(shape[:2]), _rounded(ink).reshape(shape), _rounded(paper).reshape(shape)


def _rounded(colours: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(colours).astype(np.uint8)


def _numbered(bits: int, first: int, known: dict[int, str]) -> tuple[str, ...]:
    """Characters by pattern: known ones, and for the rest those from `first` on, in order."""
    fresh = iter(range(first, first + 2**bits))
    return tuple(known[pattern] if pattern in known else chr(next(fresh)) for pattern in range(2**bits))


def _quadrants_in_octants() -> list[tuple[int, str]]:
    """The patterns of eight pixels that quadrants can draw."""
    return [((bits & 3) * 0x05 | (bits >> 2) * 0x50, character) for bits, character in enumerate(_QUADRANTS)]


@cache
def inverse() -> dict[str, str]:
    """The character that has its ink where another one has its paper; not all have one."""
    pairs = [*zip(SHADES, reversed(SHADES), strict=True)]
    for blocks in Blocks:
        pairs += zip(blocks.characters, reversed(blocks.characters), strict=True)
    return {one: other for one, other in pairs if one and other}
