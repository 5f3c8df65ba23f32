"""Maps of hundreds of images, made chunk by chunk, measured, averaged and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Heatmap, Place
from fer_tui.regions import Regions, Tally, focus

from .asked import Asked
from .choosing import Predictions, drawn
from .material import Material, Pair, Shares, parameters_of
from .means import Likeness, Mean, Means, levelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.engine import Engine

_CHUNK, _CHUNK_VALUES = 64, 64 * 48 * 48 * 3  # images at a time: of small ones as many as get a faster network
_PAIR_IMAGES = 60  # of a pair of classes
_WRONG = 0.3  # of a class's LIME maps so many are of mistakes, if there are as many

Step = tuple[str, float]


def averaged(engine: Engine, asked: Asked, regions: Regions | None, found: Material) -> Iterator[Step]:
    """Fill in means, focus, shares and likeness. Explained is what is predicted."""
    known, count = found.known, len(found.classes)
    each = asked.maps_each(count, int(np.prod(engine.classifier.input_shape)))
    rows = [row for index in range(count) for row in drawn(known, index, each, asked.seed)]
    measured = {name: _Measured(name, known, regions, engine) for name in ("saliency", "cam", "lime")}
    likeness = found.likeness.setdefault(("saliency", "cam"), Likeness())
    for start, chunk in _chunks(engine, rows):
        pairs = [
            _maps(engine, asked, found, name, chunk, known.predicted[chunk].tolist()) for name in ("saliency", "cam")
        ]
        for row, saliency, cam in zip(chunk, *pairs, strict=True):
            measured["saliency"].add(row, saliency)
            measured["cam"].add(row, cam)
            likeness.add(int(known.listed[row]), saliency, cam)
            done = start + chunk.index(row) + 1
            yield "saliency and CAM of many images", done / len(rows)
    few = [row for index in range(count) for row in _few(known, index, asked.limes_each(count), asked.seed)]
    for done, row in enumerate(few, 1):
        maps = {
            name: next(_maps(engine, asked, found, name, [row], [int(known.predicted[row])]))
            for name in ("saliency", "cam", "lime")
        }
        measured["lime"].add(row, maps["lime"])
        for other in ("saliency", "cam"):
            pair = found.likeness.setdefault((other, "lime"), Likeness())
            pair.add(int(known.listed[row]), maps[other], maps["lime"])
        yield "LIME of many images", done / len(few)
    for name, each_measured in measured.items():
        each_measured.give(found, name)


def contrasted(
    engine: Engine, asked: Asked, regions: Regions | None, found: Material, pairs: Sequence[tuple[int, int]]
) -> Iterator[Step]:
    """Fill in the worst pairs: CAM for what was predicted minus CAM for the true class, over images of each pair."""
    known = found.known
    for number, (true, predicted) in enumerate(pairs):
        rows = np.flatnonzero((known.listed == true) & (known.predicted == predicted))
        some = np.random.default_rng([asked.seed, true, predicted]).permutation(rows)[:_PAIR_IMAGES].tolist()
        mean, shares = None, []
        for start, chunk in _chunks(engine, some):
            maps = [_maps(engine, asked, found, "cam", chunk, [target] * len(chunk)) for target in (predicted, true)]
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
            yield "what moved the mistakes", (number + (start + len(chunk)) / len(some)) / len(pairs)
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


def _few(known: Predictions, index: int, count: int, seed: int) -> list[int]:
    """`count` rows of one class for LIME, three of ten of them predicted wrongly."""
    order = drawn(known, index, len(known.labels), seed)
    right = [row for row in order if known.right[row]]
    wrong = [row for row in order if not known.right[row]]
    mistakes = min(len(wrong), max(int(_WRONG * count), count - len(right)))
    return right[: count - mistakes] + wrong[:mistakes]


def _chunks(engine: Engine, rows: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """(first, rows) of each part that is explained at a time: never sized by the clock, so that all rounds alike."""
    size = max(4, min(_CHUNK, _CHUNK_VALUES // int(np.prod(engine.classifier.input_shape))))
    for start in range(0, len(rows), size):
        yield start, list(rows[start : start + size])


def _maps(
    engine: Engine, asked: Asked, found: Material, method: str, rows: Sequence[int], targets: Sequence[int]
) -> Iterator[Heatmap]:
    places = [Place(row, int(target), checkpoint=asked.checkpoint) for row, target in zip(rows, targets, strict=True)]
    with closing(engine.explain_many(method, places, parameters_of(method, found.cam, asked.seed))) as results:
        for result in results:
            assert isinstance(result.explanation, Heatmap)
            yield result.explanation


def _weights(engine: Engine, regions: Regions, row: int, heatmap: Heatmap) -> NDArray[np.float64]:
    assert engine.dataset is not None
    height, width = engine.dataset[row].image.shape[:2]
    size = (heatmap.values.shape[0], heatmap.values.shape[1])
    return regions.weights(size, row=row, picture=(height, width), fit=engine.classifier.fit)
