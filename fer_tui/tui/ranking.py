"""Sorting a million rows within a key press."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def by_rank(rows: NDArray[np.int64], ranks: NDArray[np.floating]) -> NDArray[np.int64]:
    """`rows` by their ranks, the least first; equal ones as they were, NaN last. ranks: of all rows.

    Each float32 is turned into an integer of the same order, which has the position below it: such keys are sorted five
    times as fast as an argsort is made (20 ms for a million).
    """
    chosen = ranks[rows]
    if chosen.dtype != np.float32 or len(rows) >= 1 << 32:
        return rows[np.argsort(chosen, kind="stable")]
    bits = (chosen + np.float32(0)).view(np.uint32)  # + 0: there is one zero
    keys = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)
    keys[np.isnan(chosen)] = (1 << 32) - 1
    keys <<= np.uint64(32)
    keys |= np.arange(len(rows), dtype=np.uint64)
    keys.sort()
    keys &= np.uint64((1 << 32) - 1)
    return rows[keys.view(np.int64)]
