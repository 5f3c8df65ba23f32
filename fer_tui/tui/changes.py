"""What the second of two checkpoints changes, by true class: a table of numbers, and the lists behind its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.comparison import OUTCOMES, mcnemar

from .narrowing import classes_term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.comparison import Comparison

COLUMNS = (*(outcome.replace("_", " ") for outcome in OUTCOMES), "net change")
NET = len(OUTCOMES)  # the number of the last column: fixed minus broken
_TOLD = {  # of the images of a cell
    "fixed": "right under {second}, wrong under {first}",
    "broken": "wrong under {second}, right under {first}",
    "both right": "right under both",
    "both wrong": "wrong under both",
}


@dataclass(frozen=True, eq=False)
class Changes:
    """counts: int64 (classes + 1, 5), a row for each true class, the last for all of them; columns see COLUMNS.

    images: rows that are counted so far, of `total`.
    """

    classes: tuple[str, ...]
    first: str
    second: str
    counts: NDArray[np.int64]
    images: int
    total: int

    @cached_property
    def p_value(self) -> float:
        """McNemar's exact test over all classes: see comparison.mcnemar."""
        fixed, broken = self.counts[-1, :2].tolist()
        return mcnemar(fixed, broken)

    def support(self, row: int) -> int:
        """The counted images of a row."""
        return int(self.counts[row, :NET].sum())

    def listed(self, row: int, column: int) -> int:
        """How many images `narrowing` lists."""
        return int(self.counts[row, :2].sum() if column == NET else self.counts[row, column])

    def share(self, row: int, column: int) -> float:
        """A cell's share of its row, NaN where that has no image."""
        support = self.support(row)
        return float(self.counts[row, column]) / support if support else float("nan")

    def narrowing(self, row: int, column: int) -> str:
        """What lists the images of a cell; of the net change: those that are fixed or broken."""
        word = "changed" if column == NET else OUTCOMES[column].replace("_", "-")
        return word if row == len(self.classes) else f"{word} {classes_term('true', self.classes, row)}"

    def told(self, row: int, column: int) -> str:
        """A cell in words."""
        of = "images" if row == len(self.classes) else self.classes[row]
        if column == NET:
            fixed, broken = self.counts[row, :2].tolist()
            return f"{fixed} of {self.support(row)} {of} fixed, {broken} broken: {fixed - broken:+d} right"
        share = self.share(row, column)
        what = _TOLD[COLUMNS[column]].format(first=self.first, second=self.second)
        percent = f" ({share:.1%})" if share == share else ""
        return f"{int(self.counts[row, column])} of {self.support(row)} {of} {what}{percent}"


def changes_of(pair: Comparison, names: tuple[str, str], classes: Sequence[str]) -> Changes:
    """The table of two checkpoints with these names, as far as both predict."""
    counts = pair.by_class(len(classes))
    counts = np.concatenate([counts, counts.sum(0, keepdims=True)])
    net = counts[:, :1] - counts[:, 1:2]
    labelled = int((pair.labels >= 0).sum())
    first, second = names
    return Changes(tuple(classes), first, second, np.concatenate([counts, net], 1), int(pair.counted.sum()), labelled)
