"""Pixels without any colour: the brighter, the denser the character."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RAMP = " ·:░▒▓█"  # more levels than shades alone have: eyes and mouths are seen
LETTERS = " .:-=+*#%@"
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_LEAST_RANGE = 32.0  # less contrast than that is not stretched: noise would look like a picture


def shaded(pixels: NDArray[np.uint8], ramp: str = RAMP) -> list[str]:
    """Lines of characters for `pixels`, uint8 (2 * h, w, 3). ramp: dark to light.

    The picture's range of brightness is stretched to all of the ramp.
    """
    light = (pixels @ _LUMA).reshape(len(pixels) // 2, 2, -1).mean(1)
    low, high = np.percentile(light, (1, 99))
    slack = max(0.0, _LEAST_RANGE - (high - low))
    light = (light - low + slack * (low + high) / 510) / (high - low + slack)
    steps = np.clip(light * len(ramp), 0, len(ramp) - 1).astype(int)
    return ["".join(line) for line in np.array(list(ramp))[steps].tolist()]
