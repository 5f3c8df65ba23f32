"""The course of a training: how each image was predicted under each checkpoint, and what follows from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Move:
    """How often one class was taken for another, under two checkpoints."""

    predicted: int
    before: int
    after: int


@dataclass(frozen=True, eq=False)
class Course:
    """Predictions under K checkpoints, in their order.

    predicted: int (K, N), -1 where scores were not finite; labels: int64 (N,), -1 where there is none. Images without a
    label are not counted; scores that are not finite are wrong.
    """

    checkpoints: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    predicted: NDArray[np.integer]

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """bool (K, N): predicted as labelled."""
        return np.asarray((self.predicted == self.labels) & self.labelled)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """bool (N,)"""
        return np.asarray(self.labels >= 0)

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """int64 (C,): images of each class."""
        return np.bincount(self.labels[self.labelled], minlength=len(self.classes))

    @cached_property
    def accuracy(self) -> NDArray[np.float64]:
        """float64 (K,): share of the labelled images that were predicted right; NaN where none has a label."""
        return _shares(self.right.sum(1), np.asarray(self.labelled.sum()))

    @cached_property
    def recall(self) -> NDArray[np.float64]:
        """float64 (K, C): share of each class that was predicted right; NaN for a class without images."""
        found = [np.bincount(self.labels[row], minlength=len(self.classes)) for row in self.right]
        return _shares(np.array(found).reshape(len(self.predicted), -1), self.support)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """int64 (K, C, C): counts by true class, then predicted class."""
        size = len(self.classes)
        counts = np.zeros((len(self.predicted), size, size), np.int64)
        for matrix, row in zip(counts, self.predicted, strict=True):
            known = self.labelled & (row >= 0)
            np.add.at(matrix, (self.labels[known], row[known]), 1)
        return counts

    # ---- image by image ----------------------------------------------------------------------------------------------

    @cached_property
    def learned(self) -> Rows:
        """int64 (N,): the first checkpoint from which on the image stays right; -1 where it is wrong at the end."""
        count, stays = len(self.predicted), np.logical_and.accumulate(self.right[::-1])
        first = count - stays.sum(0)
        return np.where(first < count, first, -1)

    @property
    def forgotten(self) -> NDArray[np.bool_]:
        """bool (N,): right under a checkpoint, and wrong at the end."""
        return np.asarray(self.right.any(0) & ~self.right[-1])

    @property
    def never(self) -> NDArray[np.bool_]:
        """bool (N,): labelled, and right under no checkpoint."""
        return np.asarray(self.labelled & ~self.right.any(0))

    @cached_property
    def flips(self) -> Rows:
        """int64 (N,): how often the image went from right to wrong or back."""
        return np.asarray((self.right[1:] != self.right[:-1]).sum(0))

    def learned_at(self, checkpoint: int) -> Rows:
        """The rows that stay right from that checkpoint on, and were wrong before it."""
        return np.flatnonzero(self.learned == checkpoint)

    def lost_at(self, checkpoint: int) -> Rows:
        """The rows that were right under the checkpoint before, and are wrong under this one."""
        if checkpoint == 0:
            return np.flatnonzero(np.zeros(len(self.labels), bool))
        return np.flatnonzero(self.right[checkpoint - 1] & ~self.right[checkpoint])

    # ---- class by class ----------------------------------------------------------------------------------------------

    def moves(self, true: int, before: int, after: int) -> Sequence[Move]:
        """How the predictions of a class moved between two checkpoints: the classes that gained or lost, most first."""
        then, now = self.confusion[before, true], self.confusion[after, true]
        order = np.argsort(-np.abs(now - then), kind="stable").tolist()
        return [Move(n, int(then[n]), int(now[n])) for n in order if n != true and then[n] != now[n]]

    def steepest(self, true: int) -> tuple[int, int]:
        """The two checkpoints, in order, between which the recall of a class moved most."""
        recall = np.nan_to_num(self.recall[:, true])
        far = np.triu(np.abs(recall[None] - recall[:, None]))
        before, after = np.unravel_index(int(far.argmax()), far.shape)
        return int(before), int(after)


def _shares(counts: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.where(of > 0, counts / of, np.nan)
