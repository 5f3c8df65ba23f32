"""What is known of the network's predictions: it grows while they stream in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .raw_scores import RawScores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.comparison import Comparison
    from fer_tui.timeline import Course

    from .browser import Target
    from .marks import Marks

_LEAST = np.float32(1e-30)  # of a probability, so that its logarithm is a number


class Predictions:
    """Predictions of all rows of a dataset under one checkpoint.

    labels: int64 (N,), -1 where there is none. predicted: int16 or int32 (N,), -1 while unknown (or where scores are
    not finite). confidence, true_confidence: float32 (N,), probability of the predicted, of the true class, else NaN.
    entropy: float32 (N,), of the probabilities, in nats; margin: float32 (N,), the largest less the second of them.
    course: the same rows under all checkpoints whose predictions are known, None where there is none. pair: how
    they compare with those of the checkpoint beside it. marks: those of the user.
    """

    course: Course | None = None
    pair: Callable[[], Comparison | None] | None = None
    marks: Marks | None = None

    def __init__(self, labels: NDArray[np.int64], classes: int) -> None:
        count = len(labels)
        self.labels = labels
        self.predicted: NDArray[np.integer] = np.full(count, -1, np.int16 if classes < 1 << 15 else np.int32)
        self.confidence: NDArray[np.float32] = np.full(count, np.nan, np.float32)
        self.true_confidence: NDArray[np.float32] = np.full(count, np.nan, np.float32)
        self.entropy: NDArray[np.float32] = np.full(count, np.nan, np.float32)
        self.margin: NDArray[np.float32] = np.full(count, np.nan, np.float32)
        self.count = 0
        self._known: NDArray[np.bool_] = np.zeros(count, bool)
        self._right = self._counted = 0
        self._classes, self._scores = classes, RawScores(count, classes)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def rows(self) -> NDArray[np.int64]:
        """0 to N - 1."""
        return np.arange(len(self))

    @property
    def right(self) -> NDArray[np.bool_]:
        """bool (N,): predicted as labelled."""
        return np.asarray((self.predicted == self.labels) & (self.predicted >= 0))

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """bool (N,): labelled, and predicted otherwise."""
        return np.asarray((self.predicted != self.labels) & (self.predicted >= 0) & (self.labels >= 0))

    @property
    def complete(self) -> bool:
        return self.count == len(self)

    @property
    def accuracy(self) -> tuple[int, int]:
        """Rows predicted rightly, and rows counted: those with a label and a prediction."""
        return self._right, self._counted

    def is_known(self, row: int) -> bool:
        return bool(self._known[row])

    def add(self, start: int, scores: NDArray[np.float32]) -> None:
        """Take raw scores (n, classes) of rows `start` on. Rows that are known already may come again."""
        rows = slice(start, start + len(scores))
        labels = self.labels[rows]
        self._count(rows, -1)
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(scores).all(1))
        shares = probabilities(np.where(finite[:, None], scores, 0))
        predicted = scores.argmax(1)
        numbers = np.arange(len(scores))
        self.predicted[rows] = np.where(finite, predicted, -1)
        self.confidence[rows] = np.where(finite, shares[numbers, predicted], np.nan)
        has_label: NDArray[np.bool_] = np.asarray(finite & (labels >= 0) & (labels < scores.shape[1]))
        self.true_confidence[rows] = np.where(has_label, shares[numbers, np.where(has_label, labels, 0)], np.nan)
        self.entropy[rows] = np.where(finite, -(shares * np.log(np.maximum(shares, _LEAST))).sum(1), np.nan)
        self.margin[rows] = np.where(finite, _margin(shares), np.nan)
        self.count += len(scores) - int(self._known[rows].sum())
        self._known[rows] = True
        self._count(rows, 1)
        self._scores.put(start, scores)

    @property
    def all_scores(self) -> NDArray[np.float32] | None:
        """Raw scores (N, classes), where all are known and at hand."""
        return self._scores.rows(0, len(self)) if self.complete and self._scores.are_all else None

    def scores_of(self, row: int) -> NDArray[np.float32] | None:
        """Raw scores (classes,) of one row, where they are at hand."""
        return self._scores.row(row) if self._known[row] else None

    def scores_for(self, target: Target) -> NDArray[np.float32] | None:
        """Raw scores (N,) of a class, or of each row's predicted or true one, NaN where unknown; None: not kept."""
        if not self._scores.are_all:
            return None
        numbers = self.predicted if target == "predicted" else self.labels if target == "true" else target
        classes = np.broadcast_to(np.asarray(numbers), len(self))
        known = self._known & (classes >= 0) & (classes < self._classes)
        return np.where(known, self._scores.of(np.where(known, classes, 0)), np.float32(np.nan))

    @property
    def loss(self) -> NDArray[np.float32]:
        """float32 (N,): cross entropy, -log of the true class's probability, NaN where that is unknown."""
        return np.asarray(-np.log(np.maximum(self.true_confidence, _LEAST)))

    def _count(self, rows: slice, sign: int) -> None:
        predicted, labels = self.predicted[rows], self.labels[rows]
        both = np.asarray((predicted >= 0) & (labels >= 0))
        self._counted += sign * int(both.sum())
        self._right += sign * int((both & (predicted == labels)).sum())


def _margin(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,): the largest of each row less the second."""
    if shares.shape[1] < 2:
        return shares[:, 0]
    two = np.partition(shares, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, classes): softmax of raw scores; scores that are probabilities already are left as they are."""
    exact = scores.astype(np.float64)
    if scores.shape[1] > 1 and exact.min(initial=0) >= 0 and np.allclose(exact.sum(1), 1, atol=1e-3):
        return scores
    exact = np.exp(exact - exact.max(1, keepdims=True))
    return np.asarray(exact / exact.sum(1, keepdims=True), np.float32)
