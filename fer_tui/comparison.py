"""Two networks on the same rows: what the second mends, what it breaks, and whether that could be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Classes = NDArray[np.integer]

_MOST = 4000  # changes up to which whole numbers are summed
OUTCOMES = ("fixed", "broken", "both_right", "both_wrong")  # exactly one of them holds for each row that counts


@dataclass(frozen=True, eq=False)
class Comparison:
    """labels, first, second: class indices (N,), negative where there is no label, or no prediction (yet).

    Rows count where both predict, and, but for `disagree`, where there is a label. All masks are bool (N,).
    """

    labels: Classes
    first: Classes
    second: Classes

    @cached_property
    def both(self) -> Mask:
        """Both predict something."""
        return np.asarray((self.first >= 0) & (self.second >= 0))

    @cached_property
    def counted(self) -> Mask:
        return np.asarray(self.both & (self.labels >= 0))

    @property
    def fixed(self) -> Mask:
        """Wrong under the first, right under the second."""
        return np.asarray(self.counted & (self.first != self.labels) & (self.second == self.labels))

    @property
    def broken(self) -> Mask:
        """Right under the first, wrong under the second."""
        return np.asarray(self.counted & (self.first == self.labels) & (self.second != self.labels))

    @property
    def both_right(self) -> Mask:
        return np.asarray(self.counted & (self.first == self.labels) & (self.second == self.labels))

    @property
    def both_wrong(self) -> Mask:
        return np.asarray(self.counted & (self.first != self.labels) & (self.second != self.labels))

    @property
    def changed(self) -> Mask:
        """Fixed or broken."""
        return np.asarray(self.fixed | self.broken)

    @property
    def disagree(self) -> Mask:
        """The two predict different classes, whichever is right."""
        return np.asarray(self.both & (self.first != self.second))

    def p_value(self) -> float:
        """McNemar's exact test (McNemar 1947), two-sided: how likely chance alone splits the changed rows so unevenly.

        Under the null hypothesis a changed row is fixed or broken with the same probability.
        """
        return mcnemar(int(self.fixed.sum()), int(self.broken.sum()))

    def by_class(self, classes: int) -> NDArray[np.int64]:
        """Counts (classes, 4) of the counted rows by true class: a column for each of OUTCOMES."""
        masks = [getattr(self, outcome) for outcome in OUTCOMES]
        return np.stack([np.bincount(self.labels[mask], minlength=classes) for mask in masks], 1).astype(np.int64)

    def confusion(self, second: bool, classes: int) -> NDArray[np.int64]:
        """Counts (classes, classes) of one network over the counted rows, rows = true."""
        predicted = (self.second if second else self.first)[self.counted]
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (self.labels[self.counted], predicted), 1)
        return counts


def mcnemar(fixed: int, broken: int) -> float:
    """Two-sided exact p of a split of `fixed` + `broken` changes: twice the smaller binomial tail at 1/2, at most 1."""
    changed = fixed + broken
    if changed > _MOST:
        return _by_logarithms(min(fixed, broken), changed)
    term = tail = 1
    for number in range(min(fixed, broken)):
        term = term * (changed - number) // (number + 1)  # exact: consecutive binomial coefficients
        tail += term
    return min(1.0, 2 * tail / (1 << changed))


def _by_logarithms(few: int, changed: int) -> float:
    """The same, with a relative error of about 1e-9: the largest term, and those before it as shares of it."""
    log = math.lgamma(changed + 1) - math.lgamma(few + 1) - math.lgamma(changed - few + 1) - changed * math.log(2)
    share = total = 1.0
    for number in range(few, 0, -1):
        share *= number / (changed - number + 1)
        total += share
        if share < 1e-17:
            break
    return min(1.0, 2 * math.exp(log) * total)
