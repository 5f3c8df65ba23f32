"""What is read off a confusion matrix and the probabilities beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Axis, Column, Table

Floats = NDArray[np.float64]
BINS = 15  # of the calibration error, equally wide (Guo et al. 2017)
_PAIRS = 10
_MOST = 10_000  # rows of a table


def rates(counts: NDArray[np.int64]) -> Floats:
    """Each row's shares, float64 (C, C); NaN in a row without images."""
    return _shares(counts, counts.sum(1, keepdims=True))


def by_class(counts: NDArray[np.int64]) -> dict[str, Floats | NDArray[np.int64]]:
    """recall, precision, f1: float64 (C,), NaN where they are not defined; support: int64 (C,), rows of the class."""
    right, support, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    return {
        "recall": _shares(right, support),
        "precision": _shares(right, predicted),
        "f1": _shares(2 * right, support + predicted),
        "support": support,
    }


def class_table(counts: NDArray[np.int64], measured: Mapping[str, NDArray[Any]]) -> Table:
    """Each class's measures. measured: those of `by_class`, and "distribution"."""
    columns = (
        Column("class", align="left", link=Axis.TARGET),
        Column("images"),
        Column("predicted"),
        Column("recall"),
        Column("precision"),
        Column("F1"),
        Column("mistakes"),
    )
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    names = ("support", "distribution", "recall", "precision", "f1")
    rows = [(n, *(measured[name][n] for name in names), wrong[n].sum()) for n in range(min(len(counts), _MOST))]
    return Table(columns, rows, "each class: its images, how often it is predicted, how well")


def confused(counts: NDArray[np.int64], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The pairs of classes that are confused most: true, predicted, count, share of the true class's rows."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    pairs = []
    for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if count := int(wrong[true, predicted]):
            share = count / int(counts[true].sum())
            pairs.append({"true": classes[true], "predicted": classes[predicted], "count": count, "share": share})
    return pairs


def calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float | None:
    """Expected calibration error, 0 to 1: the mean gap between confidence and accuracy, bin by bin (Guo et al. 2017).

    confidence: the predicted class's probability of each row. None without rows.
    """
    if not len(confidence):
        return None
    bins = np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, confidence.astype(np.float64) - right, BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax of raw scores (n, C); scores that are probabilities already are left as they are."""
    finite = np.isfinite(scores).all(1)
    known = scores[finite]
    if len(known) and (known >= 0).all() and np.allclose(known.sum(1), 1, atol=1e-3):
        return scores
    with np.errstate(invalid="ignore", over="ignore"):
        powers = np.exp(scores - scores.max(1, keepdims=True))
        shares: NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return shares


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Floats = np.where(whole > 0, part / whole, np.nan)
    return shares
