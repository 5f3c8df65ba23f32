"""Two networks on the same rows: the masks against NumPy, McNemar's p against sums of exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from fer_tui.comparison import Comparison, mcnemar


def test_masks_part_the_counted_rows() -> None:
    rng = np.random.default_rng(0)
    labels, first, second = (rng.integers(-1, 4, 500) for _ in range(3))
    pair = Comparison(labels, first, second)
    counted = (labels >= 0) & (first >= 0) & (second >= 0)
    parts = [pair.fixed, pair.broken, pair.both_right, pair.both_wrong]
    np.testing.assert_array_equal(np.sum(parts, 0), counted.astype(int))
    np.testing.assert_array_equal(pair.fixed, counted & (first != labels) & (second == labels))
    np.testing.assert_array_equal(pair.disagree, (first != second) & (first >= 0) & (second >= 0))
    np.testing.assert_array_equal(pair.changed, pair.fixed | pair.broken)
    by_class = [[int(part[labels == each].sum()) for part in parts] for each in range(5)]
    assert pair.by_class(5).tolist() == by_class
    turned = Comparison(labels, second, first)
    np.testing.assert_array_equal(turned.broken, pair.fixed)
    assert pair.confusion(True, 4).sum() == counted.sum()
    assert pair.confusion(True, 4).trace() - pair.confusion(False, 4).trace() == pair.fixed.sum() - pair.broken.sum()


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (5, 5), (1, 9), (10, 2), (308, 406), (2000, 2100)])
def test_mcnemar(fixed: int, broken: int) -> None:
    total = fixed + broken
    tail = sum(Fraction(comb(total, number), 2**total) for number in range(min(fixed, broken) + 1))
    assert mcnemar(fixed, broken) == pytest.approx(
        float(min(Fraction(1), 2 * tail)), rel=1e-12 if total <= 4000 else 1e-8
    )
    assert mcnemar(broken, fixed) == mcnemar(fixed, broken)
    assert mcnemar(3000, 9000) < 1e-300 and mcnemar(500_000, 500_000) == 1 > mcnemar(499_000, 501_000) > 0.04
