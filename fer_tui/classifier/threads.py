"""How many of the CPU's threads a network's passes take."""

from __future__ import annotations

import math

import torch

SMALL = 3 * 64 * 64  # values of an input up to which one thread is as good as many


def few_threads(shape: tuple[int, int, int]) -> None:
    """One thread from now on where inputs are small: of their many short passes, more mostly wait for one another.

    Measured with a gradient of one 48 px face on two cores that others used, too: 4 ms on one thread, 15 to 50 on two.
    """
    if is_small(shape):
        torch.set_num_threads(1)


def is_small(shape: tuple[int, int, int]) -> bool:
    """Whether inputs of that shape are so small that one thread is as good as many."""
    return math.prod(shape) <= SMALL
