"""Resampling: how far means can be trusted, and whether two orders of classes agree by more than chance."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_MOST_EXACT = 8  # items up to which all their orders are tried: 40320 of them
_ORDERS = 100_000  # random ones for more items
_CELLS = 4_000_000  # numbers held at once


def resampled_means(values: Numbers, resamples: int, seed: int) -> Numbers:
    """Means (resamples, K) of `values` (n, K), drawn anew n times with replacement (Efron 1979)."""
    count = len(values)
    rng = np.random.default_rng(seed)
    means = np.empty((resamples, values.shape[1]))
    step = max(1, _CELLS // count)
    for start in range(0, resamples, step):
        drawn = rng.integers(0, count, (min(step, resamples - start), count))
        flat = drawn + np.arange(len(drawn))[:, None] * count
        times = np.bincount(flat.ravel(), minlength=drawn.size).reshape(drawn.shape)
        means[start : start + len(drawn)] = times @ values / count
    return means


def interval(estimates: Numbers, level: float = 0.95) -> tuple[Numbers, Numbers]:
    """The percentiles (K,) of resampled estimates (resamples, K) that hold `level` of them between themselves."""
    low, high = np.percentile(estimates, [50 * (1 - level), 50 * (1 + level)], axis=0)
    return low, high


def ranks(values: NDArray[np.floating]) -> Numbers:
    """Ranks from 1 on (n,), ties by their mean."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: Numbers = (ends - (counts - 1) / 2)[where]
    return found


def classes_p(values: Numbers, labels: NDArray[np.int64], permutations: int, seed: int) -> float | None:
    """How often classes that mean nothing have means as far apart as these: a p-value by permutation of the labels.

    values, labels: (n,). Far apart: the sum of squares between classes. None where there are fewer than two classes, or
    one value in each.
    """
    _, numbers = np.unique(labels, return_inverse=True)
    sizes = np.bincount(numbers)
    if len(sizes) < 2 or len(values) == len(sizes):
        return None
    rng = np.random.default_rng(seed)
    centred = values - values.mean()

    def between(order: Numbers) -> float:
        return float((np.bincount(numbers, order) ** 2 / sizes).sum())

    found = between(centred) * (1 - 1e-12)
    extreme = sum(between(rng.permutation(centred)) >= found for _ in range(permutations))
    return (extreme + 1) / (permutations + 1)


def rank_relation(one: Numbers, other: Numbers, seed: int = 0) -> tuple[float, float, bool] | None:
    """Spearman's rank correlation, its two-sided p-value by permutation, and whether that is exact (all orders tried).

    None where there are fewer than 3 items, or one side is constant. Of more than 8 items 100,000 random orders are
    tried, and the p-value is (as extreme + 1) / (tried + 1).
    """
    a, b = (each - each.mean() for each in (ranks(one), ranks(other)))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    if len(a) < 3 or scale == 0:
        return None
    found = float(a @ b) / scale
    exact = len(a) <= _MOST_EXACT
    if exact:
        orders = np.array(list(itertools.permutations(range(len(a)))))
        extreme = int((np.abs(a[orders] @ b) / scale >= abs(found) - 1e-9).sum())
        return found, extreme / len(orders), exact
    rng = np.random.default_rng(seed)
    extreme = sum(abs(float(rng.permutation(a) @ b)) / scale >= abs(found) - 1e-9 for _ in range(_ORDERS))
    return found, (extreme + 1) / (_ORDERS + 1), exact
