"""Confusion: which classes the network takes for which."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Axis, Explainer, InputError, Matrix, Parameters, Result, Subject

from . import confusion_measures as measures

_EVERY = 0.05  # seconds between two results
_STEP = 64  # rows of one forward pass, where the subject brings no scores


class Confusion(Explainer[Parameters]):
    """Counts by true class (rows) and predicted class (columns) over the whole dataset.

    extras: "distribution" int64 (C,), how often each class is predicted; "rates" float64 (C, C), each row's shares;
    "recall", "precision", "f1" float64 (C,), NaN where they are not defined; "support" int64 (C,). Of the final result
    also what its cells' images are found by: "labels" and "predicted" int32 (N,), -1 where there is none (or scores are
    not finite), and "true_probability" float32 (N,). meta: accuracy, macro_f1, calibration_error, confused (pairs).
    """

    name = "confusion"
    title = "Confusion"
    help = "Which classes are taken for which: counts by true and predicted class over the whole dataset."
    version = "3"
    kind = "matrix"
    axes = frozenset({Axis.CHECKPOINT})
    cost = "slow"
    needs_dataset = True

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        """Counts of the rows predicted so far, every 50 ms; the final result has them all."""
        if subject.dataset is None:
            raise InputError("dataset", "confusion needs one, and none is open", "name one with --data")
        tally = _Tally(subject.classifier.classes, np.asarray(subject.dataset.labels))
        shown = time.monotonic()
        for start, scores in _scores(subject):
            tally.add(start, scores)
            if tally.progress < 1 and time.monotonic() - shown >= _EVERY:
                yield Result(subject.place, tally.matrix(), final=False, progress=tally.progress)
                shown = time.monotonic()
        yield Result(subject.place, tally.matrix(final=True), progress=1.0)


def _scores(subject: Subject) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Raw scores of the whole dataset as (first row, (n, classes)), in any order."""
    if subject.scores is not None:
        yield from subject.scores()
        return
    dataset = subject.dataset
    assert dataset is not None
    for start in range(0, len(dataset), _STEP):
        yield start, subject.classifier.predict(dataset.images(start, min(start + _STEP, len(dataset))))


class _Tally:
    """What has been predicted so far."""

    def __init__(self, classes: tuple[str, ...], labels: NDArray[np.int64]) -> None:
        count = len(classes)
        wrong = np.flatnonzero((labels < -1) | (labels >= count))
        if wrong.size:
            fault = f"label {labels[wrong[0]]} is no class of the network, which has {count}"
            raise InputError(f"row {wrong[0]}", fault, "name the classes with --classes in the network's order")
        self._classes, self._labels = classes, labels
        self._counts = np.zeros((count, count), np.int64)
        self._distribution = np.zeros(count, np.int64)
        self._predicted = np.full(len(labels), -1, np.int32)
        self._confidence = np.full(len(labels), np.nan, np.float32)  # the predicted class's probability
        self._true = np.full(len(labels), np.nan, np.float32)  # the true class's
        self._seen = self._broken = 0

    @property
    def progress(self) -> float:
        """The share of the rows that have been predicted, 0 to 1."""
        return self._seen / len(self._labels) if len(self._labels) else 1.0

    def add(self, start: int, scores: NDArray[np.float32]) -> None:
        """Count the rows from `start` on; a row whose scores are not finite is predicted as nothing."""
        rows = slice(start, start + len(scores))
        finite = np.isfinite(scores).all(1)
        predicted = np.where(finite, scores.argmax(1), -1)
        self._predicted[rows] = predicted
        shares = measures.probabilities(scores)
        truth = self._labels[rows]
        self._confidence[rows] = np.where(finite, shares.max(1), np.nan)
        self._true[rows] = np.where(finite & (truth >= 0), shares[np.arange(len(truth)), np.maximum(truth, 0)], np.nan)
        self._distribution += np.bincount(predicted[finite], minlength=len(self._classes))
        known = finite & (self._labels[rows] >= 0)
        np.add.at(self._counts, (self._labels[rows][known], predicted[known]), 1)
        self._seen += len(scores)
        self._broken += int((~finite).sum())

    def matrix(self, *, final: bool = False) -> Matrix:
        counts = self._counts.copy()
        extras: dict[str, NDArray[Any]] = {"distribution": self._distribution.copy(), "rates": measures.rates(counts)}
        extras |= measures.by_class(counts)
        if final:
            extras |= {"labels": self._labels.astype(np.int32), "predicted": self._predicted}
            extras["true_probability"] = self._true
        return Matrix(
            counts=counts,
            classes=self._classes,
            extras=extras,
            meta=self._meta(extras),
            notes=tuple(self._notes()),
            tables={"classes": measures.class_table(counts, extras)} if final else {},
        )

    def _meta(self, extras: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        total = int(self._counts.sum())
        counted = (self._labels >= 0) & (self._predicted >= 0)
        right = self._predicted[counted] == self._labels[counted]
        f1 = extras["f1"][extras["support"] > 0]
        return {
            "n": total,
            "accuracy": float(self._counts.trace()) / total if total else None,
            "macro_f1": float(f1.mean()) if len(f1) else None,
            "calibration_error": measures.calibration_error(self._confidence[counted], right),
            "confused": measures.confused(self._counts, self._classes),
        }

    def _notes(self) -> Iterator[str]:
        rows, without = len(self._labels), int((self._labels < 0).sum())
        if not rows:
            yield "the dataset has no rows"
        elif without == rows:
            yield f"no row has a label, so nothing can be counted by true class; predicted are: {self._shares()}"
        elif without:
            yield f"rows without a label, left out: {without} of {rows}"
        if self._broken:
            yield f"rows without finite scores (unreadable pictures have none), left out: {self._broken} of {rows}"

    def _shares(self) -> str:
        total = max(1, int(self._distribution.sum()))
        order = [i for i in np.argsort(-self._distribution, kind="stable").tolist() if self._distribution[i]]
        return ", ".join(f"{self._classes[i]} {self._distribution[i] / total:.1%}" for i in order) or "none yet"
