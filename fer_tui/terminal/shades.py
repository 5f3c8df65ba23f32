"""Pixels without any colour: characters that are the denser the brighter, and edges where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .blocks import SHADES, Blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_LETTERS = np.array(list(" .:-=+*#%@"))
_LEAST_RANGE = 32.0  # less contrast than that is not stretched: noise would look like a picture


def shaded(pixels: NDArray[np.uint8], *, letters: bool = False) -> list[str]:
    """Lines of characters for `pixels`, uint8 (2 * h, 2 * w, 3): quadrants and shades, or only ASCII `letters`.

    The picture's range of brightness is stretched to all that the characters have.
    """
    light = pixels @ _LUMA
    low, high = np.percentile(light, (1, 99))
    slack = max(0.0, _LEAST_RANGE - (high - low))
    light = np.clip((light - low + slack * (low + high) / 510) / (high - low + slack), 0, 1)
    height, width = light.shape[0] // 2, light.shape[1] // 2
    parts = light.reshape(height, 2, width, 2).swapaxes(1, 2).reshape(height, width, 4)
    if letters:
        lines = _LETTERS[np.minimum(parts.mean(-1) * len(_LETTERS), len(_LETTERS) - 1).astype(int)]
    else:
        characters, coverage = _characters()
        far = np.square(parts[:, :, None] - coverage).sum(-1)
        lines = characters[far.argmin(-1)]
    return ["".join(line.tolist()) for line in lines]


def _characters() -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Shades and quadrants, and how much of each quarter (n, 4) they cover."""
    quadrants = Blocks.QUADRANTS.characters[1:-1]
    patterns = (np.arange(1, 15)[:, None] >> np.arange(4) & 1).astype(np.float32)
    shades = np.linspace(0, 1, len(SHADES), dtype=np.float32)[:, None].repeat(4, 1)
    return np.array(list(SHADES + quadrants)), np.concatenate((shades, patterns))
