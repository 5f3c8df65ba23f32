"""Which part of its cell a block character covers, by what Unicode calls it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
SHADES = {"░": 1, "▒": 2, "▓": 3}  # quarters of a cell that have the ink, all over it

# (rows, columns) of the grid that a character's bits speak of, bit 0 at the upper left, then row by row.
_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_OCTANTS_ELSEWHERE = {
    0b00000001: "\U0001cea8", 0b00000010: "\U0001ceab", 0b00000011: "\U0001fb82", 0b00010100: "\U0001fbe6",
    0b00101000: "\U0001fbe7", 0b00111111: "\U0001fb85", 0b01000000: "\U0001cea3", 0b10000000: "\U0001cea0",
    0b11000000: "▂", 0b11111100: "▆",
}  # fmt: skip


@cache
def _grids() -> dict[str, tuple[int, int]]:
    """Character -> (rows of its grid, bits); every grid has two columns."""
    found = {character: (2, bits) for bits, character in enumerate(_QUADRANTS)}
    sextants = [bits for bits in range(1, 63) if bits not in (0b010101, 0b101010)]  # those two are ▌ and ▐
    found |= {chr(0x1FB00 + n): (3, bits) for n, bits in enumerate(sextants)}
    halves = {_doubled(bits) for bits in range(16)}
    octants = [bits for bits in range(256) if bits not in halves and bits not in _OCTANTS_ELSEWHERE]
    found |= {chr(0x1CD00 + n): (4, bits) for n, bits in enumerate(octants)}
    found |= {character: (4, bits) for bits, character in _OCTANTS_ELSEWHERE.items()}
    return found


def _doubled(quadrants: int) -> int:
    """A pattern of quadrants as octants."""
    upper, lower = quadrants & 3, quadrants >> 2
    return upper * 0b0101 | (lower * 0b0101) << 4


def covered(character: str, width: int, height: int) -> Mask | None:
    """bool (height, width): what of a cell of that many pixels is ink; None where the character is no block."""
    if character not in _grids():
        return None
    rows, bits = _grids()[character]
    ys = np.arange(height) * rows // height
    xs = np.arange(width) * 2 // width
    mask: Mask = (bits >> (ys[:, None] * 2 + xs) & 1).astype(bool)
    return mask
