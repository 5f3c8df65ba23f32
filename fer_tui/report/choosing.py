"""Which images a report shows, and which ones its means are made of: repeatable, and said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import InputError

from .asked import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray


_DIGITS = 4  # of a probability: as many as the page shows


@dataclass(frozen=True, eq=False)
class Predictions:
    """What the network says of every row of the dataset.

    labels: int64 (n,), -1 where there is none. predicted: int64 (n,), -1 where scores are not finite. sure: float64
    (n,), the probability of the class that a row is listed under. labelled: whether rows are listed by their labels,
    else (nothing has one) by what is predicted.
    """

    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    sure: NDArray[np.float64]
    labelled: bool

    @cached_property
    def listed(self) -> NDArray[np.int64]:
        """The class that each row is listed under, -1 where under none."""
        known = self.labels if self.labelled else self.predicted
        return np.where(self.predicted >= 0, known, -1)

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = (self.listed == self.predicted) & (self.listed >= 0)
        return right


@dataclass(frozen=True, slots=True)
class Chosen:
    """One image that is shown. number: in the files' names. listed: its class, -1 where it has none. sure: its
    probability. target: the class that is explained. remark: why it is this one, where the rule could not be kept.
    """

    number: int
    row: int
    listed: int
    predicted: int
    sure: float
    target: int
    remark: str = ""

    @property
    def right(self) -> bool:
        return self.listed == self.predicted


RULES_TOLD = {
    "best": "the image of each class that is predicted rightly with the highest probability",
    "median": "of the images of each class that are predicted rightly the one with the median probability",
    "random": "an image of each class that is predicted rightly, drawn by the seed",
    "worst": "the image of each class that is predicted wrongly with the lowest probability of its class",
}


def chosen(known: Predictions, rule: Rule | Sequence[int], seed: int) -> list[Chosen]:
    """The images that are shown: one of each class that has any, numbered by class; or these rows, numbered in order.

    Explained is the image's own class; of a mistake by `worst`, and of given rows, what is predicted. InputError where
    a row's scores are not finite.
    """
    if not isinstance(rule, str):
        return [_given(known, number, row) for number, row in enumerate(rule)]
    found = []
    for index in range(len(known.classes)):
        own = np.flatnonzero(known.listed == index)
        if not len(own):
            continue
        right = known.right[own]
        candidates, remark = own[~right] if rule == "worst" else own[right], ""
        if not len(candidates):
            remark = "no image of this class is predicted " + ("wrongly" if rule == "worst" else "rightly")
            candidates = own
        kept: Rule = "best" if remark and rule != "worst" else rule
        row = _picked(candidates, known.sure[candidates], kept, seed, index)
        predicted = int(known.predicted[row])
        target = predicted if rule == "worst" else index
        found.append(Chosen(index, row, index, predicted, float(known.sure[row]), target, remark))
    return found


def drawn(known: Predictions, index: int, most: int, seed: int) -> list[int]:
    """At most `most` rows of a class, at random; the first ones of a larger draw are those of a smaller one."""
    own = np.flatnonzero(known.listed == index)
    order: list[int] = np.random.default_rng([seed, index]).permutation(own)[:most].tolist()
    return order


def _picked(rows: NDArray[np.int64], sure: NDArray[np.float64], rule: Rule, seed: int, index: int) -> int:
    if rule == "random":
        return int(np.random.default_rng([seed, index]).choice(rows))
    told = np.round(sure, _DIGITS)  # many are sure to the last digits, and those hang on the processor
    order = np.argsort(told if rule == "worst" else -told, kind="stable")
    return int(rows[order[(len(order) - 1) // 2 if rule == "median" else 0]])


def _given(known: Predictions, number: int, row: int) -> Chosen:
    predicted = int(known.predicted[row])
    if predicted < 0:
        raise InputError(f"--images {row}", "its scores are not finite", "choose another row")
    listed = int(known.listed[row])
    return Chosen(number, row, listed, predicted, float(known.sure[row]), predicted)
