"""Maps of hundreds of images, made chunk by chunk, measured, averaged and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Heatmap
from fer_tui.regions import Regions, Tally, focus

from .choosing import Predictions
from .material import METHODS, Material, Pair, Shares
from .means import Likeness, Mean, Means, levelled
from .parts import Part
from .planning import Plan, Planner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.engine import Engine

    from .crew import Crew

_PAIR_IMAGES = 60  # of a pair of classes

Step = tuple[str, float]


def averaged(engine: Engine, crew: Crew, plan: Plan, regions: Regions | None, found: Material) -> Iterator[Step]:
    """Fill in means, focus, shares and likeness. Explained is what is predicted."""
    known = found.known
    measured = {name: _Measured(name, known, regions, engine) for name in METHODS}
    likeness = found.likeness.setdefault(("saliency", "cam"), Likeness())
    for number, pair in enumerate(plan.many, 1):
        yield from _claimed(crew, pair, "saliency and CAM of many images", (number - 1) / len(plan.many))
        for row, saliency, cam in zip(pair[0].rows, *(heatmaps(engine, part) for part in pair), strict=True):
            measured["saliency"].add(row, saliency)
            measured["cam"].add(row, cam)
            likeness.add(int(known.listed[row]), saliency, cam)
        yield "saliency and CAM of many images", number / len(plan.many)
    limes = enumerate(plan.limes)
    for pair in plan.compared:
        yield from _claimed(crew, pair, "LIME of many images", 0.0)
        for row, saliency, cam in zip(pair[0].rows, *(heatmaps(engine, part) for part in pair), strict=True):
            number, part = next(limes)
            yield from _claimed(crew, [part], "LIME of many images", number / len(plan.limes))
            (lime,) = heatmaps(engine, part)
            measured["lime"].add(row, lime)
            for name, other in (("saliency", saliency), ("cam", cam)):
                found.likeness.setdefault((name, "lime"), Likeness()).add(int(known.listed[row]), other, lime)
    for name, each in measured.items():
        each.give(found, name)


def _claimed(crew: Crew, parts: Sequence[Part], what: str, share: float) -> Iterator[Step]:
    for part in parts:
        yield what, share
        for _ in crew.claim(part):
            yield what, share


def contrasted(
    engine: Engine, planner: Planner, regions: Regions | None, found: Material, pairs: Sequence[tuple[int, int]]
) -> Iterator[Step]:
    """Fill in the worst pairs: CAM for what was predicted minus CAM for the true class, over images of each pair."""
    known = found.known
    for number, (true, predicted) in enumerate(pairs):
        rows = np.flatnonzero((known.listed == true) & (known.predicted == predicted))
        some = np.random.default_rng([found.seed, true, predicted]).permutation(rows)[:_PAIR_IMAGES].tolist()
        mean, shares = None, []
        for chunk in planner.chunks(some):
            maps = [heatmaps(engine, planner.maps("cam", chunk, [each] * len(chunk))) for each in (predicted, true)]
            for row, speaks_for, speaks_against in zip(chunk, *maps, strict=True):
                scaled = levelled(speaks_for.values - speaks_against.values)
                if scaled is None:
                    continue
                image = speaks_for.image.astype(np.float64)
                if mean is None:
                    mean = Mean(scaled, image)
                else:
                    mean.add(scaled, image)
                if regions is not None:
                    weights = _weights(engine, regions, row, speaks_for)
                    shares.append(np.tensordot(weights, scaled, 2) / np.abs(scaled).sum())
            yield "what moved the mistakes", (number + (some.index(chunk[-1]) + 1) / len(some)) / len(pairs)
        found.pairs.append(
            Pair(
                true,
                predicted,
                len(rows),
                len(rows) / max(1, int((known.listed == true).sum())),
                mean,
                regions.names if regions is not None else (),
                np.array(shares) if shares else None,
            )
        )


def heatmaps(engine: Engine, part: Part) -> list[Heatmap]:
    """The maps of a part; taken from the store where it is done."""
    made = [explanation for _, explanation in part.explained(engine)]
    maps = [each for each in made if isinstance(each, Heatmap)]
    assert len(maps) == len(made)
    return maps


class _Measured:
    """What is kept of one method's maps: means, and shares by region."""

    def __init__(self, method: str, known: Predictions, regions: Regions | None, engine: Engine) -> None:
        self._known, self._regions, self._engine = known, regions, engine
        self.means = Means(method)
        by = "true class" if known.labelled else "predicted class"
        recall = [recall_of(known, index) for index in range(len(known.classes))]
        self._tally = Tally(known.classes, regions.names, recall, by) if regions is not None else None
        self._shares: list[NDArray[np.float64]] = []
        self._labels: list[int] = []

    def add(self, row: int, heatmap: Heatmap) -> None:
        listed, right = int(self._known.listed[row]), bool(self._known.right[row])
        self.means.add(listed, right, heatmap)
        if self._tally is None or self._regions is None:
            return
        assert self._engine.dataset is not None
        height, width = self._engine.dataset[row].image.shape[:2]
        found = focus(heatmap, self._regions, row=row, picture=(height, width), fit=self._engine.classifier.fit)
        self._tally.add(listed, right, found)
        if not np.isnan(found.absolute).any():
            self._shares.append(found.absolute)
            self._labels.append(listed)

    def give(self, found: Material, name: str) -> None:
        if self.means.by_class:
            found.means[name] = self.means
        if self._tally is not None and self._regions is not None and self._shares:
            found.focus[name] = self._tally.table(found.seed)
            found.shares[name] = Shares(self._regions.names, np.array(self._shares), np.array(self._labels, np.int64))


def recall_of(known: Predictions, index: int) -> float | None:
    """Of all rows of a class the share that is predicted rightly; None where nothing is labelled so."""
    own = known.predicted[known.labels == index]
    return float((own == index).mean()) if len(own) else None


def _weights(engine: Engine, regions: Regions, row: int, heatmap: Heatmap) -> NDArray[np.float64]:
    assert engine.dataset is not None
    height, width = engine.dataset[row].image.shape[:2]
    size = (heatmap.values.shape[0], heatmap.values.shape[1])
    return regions.weights(size, row=row, picture=(height, width), fit=engine.classifier.fit)
