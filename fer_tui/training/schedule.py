"""The learning rate over a training."""

from __future__ import annotations

import math


def rate_at(progress: float, highest: float, warm_up: float) -> float:
    """The learning rate when `progress` (0 to 1) of the training is done: linear warm-up, then a cosine to nothing."""
    if progress < warm_up:
        return highest * progress / warm_up
    return highest * (1 + math.cos(math.pi * min(1.0, (progress - warm_up) / (1 - warm_up)))) / 2
