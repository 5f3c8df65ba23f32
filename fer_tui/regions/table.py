"""The table of many maps' focus, by class: plain data, and what it says in words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SIGNIFICANT = 0.05
INSIDE = "inside the face"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over images; low, high: its 95 % interval by bootstrap, None where there are too few images for one."""

    value: float
    low: float | None = None
    high: float | None = None

    def told(self, scale: float = 100, digits: int = 1) -> str:
        """`61.2 [58.9, 63.4]`, in per cent."""
        text = f"{self.value * scale:.{digits}f}"
        if self.low is None or self.high is None:
            return text
        return f"{text} [{self.low * scale:.{digits}f}, {self.high * scale:.{digits}f}]"


@dataclass(frozen=True, slots=True)
class RegionFocus:
    """One region over a group of images. absolute, positive: mean shares of attribution; area: of the picture.

    lift: mean share / mean area, so that images without the region count on neither side; None where none has it.
    seen: images that have the region. positive is None where no map has a positive value.
    """

    name: str
    seen: int
    absolute: Estimate
    positive: Estimate | None
    area: float
    lift: Estimate | None


@dataclass(frozen=True, slots=True)
class Group:
    """Some images of one class, or of all. inside: the regions within the face, as one."""

    images: int
    regions: tuple[RegionFocus, ...]
    inside: RegionFocus


@dataclass(frozen=True, slots=True)
class ClassFocus:
    """One class. recall: over the whole dataset, None where nothing is labelled. right, wrong: as predicted."""

    name: str
    recall: float | None
    every: Group | None
    right: Group | None
    wrong: Group | None


@dataclass(frozen=True, slots=True)
class Relation:
    """Spearman's rank correlation of recall with the share inside the face, over classes; p: two-sided, by permutation.

    exact: whether all orders were tried.
    """

    correlation: float
    p: float
    classes: int
    exact: bool


@dataclass(frozen=True, slots=True)
class FocusTable:
    """Focus by class over many images.

    relation: over all images; relation_right: the same over those that are predicted rightly, in which a class that is
    often missed does not have more maps of mistakes.
    by: what the classes are of ("true class", or "predicted class" of data without labels). whole: all images.
    classes_p: how likely classes without meaning had shares inside the face as far apart (by permutation).
    difference: share inside the face where right, less that where wrong, the mean over the classes that have both.
    empty: images whose map is zero, broken: images whose scores are not finite; both are left out.
    """

    by: str
    classes: tuple[ClassFocus, ...]
    whole: ClassFocus | None
    relation: Relation | None
    relation_right: Relation | None
    classes_p: float | None
    difference: Estimate | None
    empty: int = 0
    broken: int = 0

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def words(self) -> Iterator[str]:
        """What the numbers say, and what they do not, in plain sentences."""
        if self.whole is None or self.whole.every is None:
            yield "no map has any attribution"
            return
        yield from self._classes()
        yield from self._relation()
        yield from self._difference()
        yield from self._rare(self.whole.every)
        if self.empty:
            yield f"left out: {self.empty} images whose map is zero everywhere"
        if self.broken:
            yield f"left out: {self.broken} images whose scores are not finite"

    def _classes(self) -> Iterator[str]:
        """The classes that are read most and least inside the face."""
        known = [(each.name, each.every.inside.absolute) for each in self.classes if each.every is not None]
        if len(known) < 2:
            return
        known.sort(key=lambda item: item[1].value)
        (least, low), (most, high) = known[0], known[-1]
        head = f"most {INSIDE}: {most} {high.told()} %; least: {least} {low.told()} %"
        if self.classes_p is None:
            yield head
        else:
            told = "the classes differ" if self.classes_p <= SIGNIFICANT else "the classes cannot be told apart"
            yield f"{head}; over all classes p = {self.classes_p:.4f}: {told}"

    def _relation(self) -> Iterator[str]:
        what = f"rank correlation of recall with the share {INSIDE}"
        if self.relation is not None:
            yield f"{what}, over {self.relation.classes} classes: {_relation_told(self.relation)}"
        if self.relation_right is not None:
            yield f"{what}, of images predicted rightly: {_relation_told(self.relation_right)}"

    def _difference(self) -> Iterator[str]:
        found = self.difference
        if found is None:
            return
        head = f"{INSIDE}, right less wrong, mean over classes: {found.value * 100:+.1f} points"
        if found.low is None or found.high is None:
            yield head
        else:
            sure = found.low > 0 or found.high < 0
            told = "right and wrong differ" if sure else "no difference is shown"
            yield f"{head} [{found.low * 100:+.1f}, {found.high * 100:+.1f}]: {told}"

    @staticmethod
    def _rare(every: Group) -> Iterator[str]:
        """Regions that only some images have: whether they draw more or less than their size."""
        for region in every.regions:
            if not 0 < region.seen < every.images or region.lift is None:
                continue
            lift, head = region.lift, f"{region.name}, in {region.seen} of {every.images} images: lift"
            if lift.low is None or lift.high is None:
                yield f"{head} {lift.told(1, 2)}"
                continue
            told = "more than" if lift.low > 1 else "less than" if lift.high < 1 else "no more and no less than"
            yield f"{head} {lift.told(1, 2)}: it draws {told} its size"


def _relation_told(relation: Relation) -> str:
    exact = "exact" if relation.exact else "random orders"
    head = f"{relation.correlation:+.2f} (p = {relation.p:.3f}, {exact})"
    if 2 / math.factorial(relation.classes) > SIGNIFICANT:
        return f"{head}: too few classes to tell"
    if relation.p > SIGNIFICANT:
        return f"{head}: the data do not show a relation"
    return f"{head}: the {'more' if relation.correlation > 0 else 'less'} {INSIDE}, the better recognised"
