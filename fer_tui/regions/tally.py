"""Counts many maps' focus, and makes the table of it. A few numbers are kept of each image, never a map."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .shares import Focus
from .statistics import classes_p, interval, rank_relation, resampled_means
from .table import INSIDE, ClassFocus, Estimate, FocusTable, Group, RegionFocus, Relation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

RESAMPLES = 2000


class Tally:
    """What was added so far. recall: by class, None where it is not known. by: see FocusTable."""

    def __init__(
        self, classes: Sequence[str], regions: Sequence[str], recall: Sequence[float | None], by: str = "true class"
    ) -> None:
        self._classes, self._names, self._recall, self._by = tuple(classes), (*regions, INSIDE), tuple(recall), by
        self._numbers = array("d")  # of each image: absolute, positive, area (3, R + 1), the last one inside
        self._labels = array("q")
        self._right = bytearray()
        self._empty = self.broken = 0

    def add(self, label: int, right: bool, focus: Focus) -> None:
        """Count one map. label: the class that it is listed under."""
        numbers = np.stack([focus.absolute, focus.positive, focus.area])
        if np.isnan(focus.absolute).any():
            self._empty += 1
            return
        inside = numbers[:, list(focus.inside)].sum(1, keepdims=True)
        self._numbers.frombytes(np.concatenate([numbers, inside], 1).tobytes())
        self._labels.append(label)
        self._right.append(right)

    def table(self, seed: int = 0, resamples: int = RESAMPLES) -> FocusTable:
        """The table of all that was added; resamples=0: without intervals."""
        # copies, for what lends its memory cannot grow
        numbers = np.array(self._numbers, np.float64).reshape(-1, 3, len(self._names))
        labels, right = np.array(self._labels, np.int64), np.array(self._right, np.uint8).astype(np.bool_)
        told = self._by == "true class"

        def class_focus(name: str, recall: float | None, chosen: NDArray[np.bool_]) -> ClassFocus:
            groups = (chosen, chosen & right & told, chosen & ~right & told)
            return ClassFocus(name, recall, *(_group(self._names, numbers[each], seed, resamples) for each in groups))

        classes = tuple(
            class_focus(name, recall, labels == index)
            for index, (name, recall) in enumerate(zip(self._classes, self._recall, strict=True))
        )
        whole = class_focus("all", None, np.ones(len(labels), np.bool_)) if len(labels) else None
        inside = numbers[:, 0, -1]
        apart = classes_p(inside, labels, resamples, seed) if resamples and len(labels) else None
        difference = _difference(inside, labels, right, seed, resamples) if told else None
        return FocusTable(
            by=self._by,
            classes=classes,
            whole=whole,
            relation=_relation(classes, seed, right=False),
            relation_right=_relation(classes, seed, right=True),
            classes_p=apart,
            difference=difference,
            empty=self._empty,
            broken=self.broken,
        )


def _group(names: Sequence[str], numbers: Numbers, seed: int, resamples: int) -> Group | None:
    """A group's means with intervals; numbers: (n, 3, R + 1)."""
    count = len(numbers)
    if not count:
        return None
    valued = ~np.isnan(numbers[:, 1:2])  # images whose map has a positive value
    counted = np.concatenate([np.nan_to_num(numbers), valued], 1)
    absolute, positive, area, lift = _measures(counted.mean(0)[None])[0]
    drawn: list[Numbers] | list[None] = [None] * 4
    if resamples and count > 1:
        means = resampled_means(counted.reshape(count, -1), resamples, seed)
        drawn = list(_measures(means.reshape(-1, *counted.shape[1:])).swapaxes(0, 1))
    estimates = [
        _estimates(*pair) for pair in zip((absolute, positive, lift), (drawn[0], drawn[1], drawn[3]), strict=True)
    ]
    regions = [
        RegionFocus(
            name,
            int((numbers[:, 2, n] > 0).sum()),
            estimates[0][n],
            estimates[1][n] if valued.any() else None,
            float(area[n]),
            estimates[2][n] if area[n] > 0 else None,
        )
        for n, name in enumerate(names)
    ]
    return Group(count, tuple(regions[:-1]), regions[-1])


def _measures(means: Numbers) -> Numbers:
    """(B, 4, K): absolute, positive, area, lift, from means (B, 4, K) of absolute, positive, area and of who counts."""
    absolute, positive, area, valued = means.swapaxes(0, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([absolute, positive / valued, area, absolute / area], 1)


def _estimates(values: Numbers, drawn: Numbers | None) -> list[Estimate]:
    """One for each of `values` (K,); drawn: (resamples, K). No interval where a resample has no value."""
    if drawn is None:
        return [Estimate(float(value)) for value in values]
    low, high = interval(drawn)
    return [
        Estimate(float(value), *((float(a), float(b)) if np.isfinite([a, b]).all() else (None, None)))
        for value, a, b in zip(values, low, high, strict=True)
    ]


def _difference(
    inside: Numbers, labels: NDArray[np.int64], right: NDArray[np.bool_], seed: int, resamples: int
) -> Estimate | None:
    """The share inside where right, less that where wrong, averaged over classes; each group is resampled by itself."""
    both = [n for n in np.unique(labels).tolist() if 0 < right[labels == n].sum() < (labels == n).sum()]
    if not both:
        return None
    parts, drawn = [], []
    for n in both:
        groups = [inside[(labels == n) & (right == side)][:, None] for side in (True, False)]
        parts.append(float(groups[0].mean() - groups[1].mean()))
        if resamples:
            seeds = (seed, seed + 1)  # two groups of one size must not be drawn alike
            means = [resampled_means(group, resamples, s) for group, s in zip(groups, seeds, strict=True)]
            drawn.append(means[0] - means[1])
    return _estimates(np.array([np.mean(parts)]), np.mean(drawn, 0) if drawn else None)[0]


def _relation(classes: Sequence[ClassFocus], seed: int, *, right: bool) -> Relation | None:
    """Of recall with the share inside the face, of all images or of those that are predicted rightly."""
    groups = [(each.recall, each.right if right else each.every) for each in classes]
    known = [(recall, group.inside.absolute.value) for recall, group in groups if recall is not None and group]
    if len(known) < 3:
        return None
    recalls, shares = np.array(known, np.float64).T
    found = rank_relation(recalls, shares, seed)
    return Relation(found[0], found[1], len(known), found[2]) if found is not None else None
