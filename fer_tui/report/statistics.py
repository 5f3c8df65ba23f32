"""Tests by permutation: whether classes differ in any of several numbers, whether labels say anything at all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

PERMUTATIONS = 2000
LEAST_P = 1 / (PERMUTATIONS + 1)
_ROUNDS = 200
_ROUNDING, _DIGITS = 1e-6, 5  # what another processor changes: of a number's size; digits that it leaves


@dataclass(frozen=True, eq=False, slots=True)
class Differences:
    """How far classes differ in each of K numbers. f: (K,), the variance between classes over that within (NaN where
    the number is constant). p: (K,), that of no difference, for all K together (see `differences`).
    """

    f: Numbers
    p: Numbers

    @property
    def least_p(self) -> float:
        """That of no difference in any of the numbers."""
        return float(self.p.min())


def ranking(values: Iterable[float]) -> list[int]:
    """The places of `values`, the largest first; of those that are equal but for rounding (NaN is 0) the first one, so
    that the order is the same on another processor.
    """
    rounded = [float(f"{value:.{_DIGITS}g}") for value in np.nan_to_num(list(values)).tolist()]
    return sorted(range(len(rounded)), key=lambda place: -rounded[place])


def differences(values: Numbers, labels: NDArray[np.int64], seed: int) -> Differences | None:
    """One-way F for each column of `values` (n, K), with p-values by permutation of the labels (n,).

    p is that of the largest F over all columns (Westfall and Young 1993): among columns without a difference it falls
    below .05 anywhere with a probability of .05. None where there are fewer than two classes, or too few values.
    """
    _, numbers = np.unique(labels, return_inverse=True)
    sizes = np.bincount(numbers)
    count, classes = len(values), len(sizes)
    if classes < 2 or count < 2 * classes:
        return None
    centred = values - values.mean(0)
    total = (centred**2).sum(0)
    constant = total <= _ROUNDING**2 * np.maximum(1, (values**2).sum(0))

    member = np.equal.outer(np.arange(classes), numbers).astype(np.float64)

    def f_of(dealt: Numbers) -> Numbers:
        between = ((member @ dealt) ** 2 / sizes[:, None]).sum(0)
        within = np.maximum(total - between, 1e-12 * np.maximum(total, 1e-300))
        return np.where(constant, 0, between / within * (count - classes) / (classes - 1))

    found = f_of(centred)
    rng = np.random.default_rng(seed)
    largest = np.array([f_of(rng.permutation(centred)).max() for _ in range(PERMUTATIONS)])
    extreme = (largest[:, None] >= found * (1 - 1e-9)).sum(0)
    return Differences(np.where(constant, np.nan, found), (extreme + 1) / (PERMUTATIONS + 1))


def labels_p(labels: NDArray[np.int64], predicted: NDArray[np.int64], seed: int) -> float:
    """How often labels dealt out at random are met as often as these: of accuracy by chance."""
    found = int((labels == predicted).sum())
    rng = np.random.default_rng(seed)
    extreme = sum(int((rng.permutation(labels) == predicted).sum()) >= found for _ in range(PERMUTATIONS))
    return (extreme + 1) / (PERMUTATIONS + 1)


def expected_mistakes(counts: NDArray[np.int64]) -> Numbers:
    """What each cell beside the diagonal would hold if the mistakes of every class went to the others alike.

    counts: (C, C), rows = true. Quasi-independence by iterative proportional fitting (Goodman 1968); 0 on the diagonal.
    """
    wrong = counts.astype(np.float64)
    np.fill_diagonal(wrong, 0)
    fitted: Numbers = 1.0 - np.eye(len(counts))
    for _ in range(_ROUNDS):
        for axis in (1, 0):
            wanted, have = wrong.sum(axis, keepdims=True), fitted.sum(axis, keepdims=True)
            fitted = fitted * np.divide(wanted, have, out=np.zeros_like(wanted), where=have > 0)
    return fitted


def binomial_tail(found: int, trials: int, probability: float) -> float:
    """How probable `found` or more of so many trials are."""
    if found <= 0 or probability >= 1:
        return 1.0
    if probability <= 0:
        return 0.0
    logs = (math.log(probability), math.log1p(-probability))
    terms = [_log_choose(trials, k) + k * logs[0] + (trials - k) * logs[1] for k in range(found, trials + 1)]
    top = max(terms, default=-math.inf)
    return min(1.0, math.exp(top) * math.fsum(math.exp(term - top) for term in terms)) if terms else 0.0


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
