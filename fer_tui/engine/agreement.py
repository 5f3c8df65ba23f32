"""How far two explanations of one thing agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-5  # largest difference between two runs, as a share of the explanation's largest value


def numbers(explanation: Explanation) -> NDArray[Any]:
    """The numbers of an explanation that two runs must agree on."""
    if isinstance(explanation, Heatmap):
        return explanation.values
    return explanation.images if isinstance(explanation, Gallery) else cast(Matrix, explanation).counts


def difference(first: Explanation, second: Explanation) -> float:
    """The largest difference as a share of the largest absolute value; infinite where shapes differ."""
    a, b = numbers(first), numbers(second)
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return float("inf")
    a, b = np.nan_to_num(a.astype(np.float64)), np.nan_to_num(b.astype(np.float64))
    most = float(np.abs(a).max(initial=0.0))
    gap = float(np.abs(a - b).max(initial=0.0))
    return gap / most if most else gap
