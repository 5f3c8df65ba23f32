"""Focus over many images: maps made in batches or taken from the store, measured, and forgotten."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fer_tui.contract import Heatmap, InputError, Place
from fer_tui.regions import FocusTable, Regions, Tally, focus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .engine import Engine

Target = Literal["predicted", "true"] | int
_FIRST, _MOST = 8, 256  # images of the first step (one, where a map takes long), of one step at most
_MORE = 1.02  # as many images as the last table had, times this, make a new one
_MOST_VALUES = 4 << 20  # of the network's input, in one step


@dataclass(frozen=True, slots=True)
class Choice:
    """Which images, explained for which class. rows: these; else per_class of each class (None: all), drawn by seed.

    The first images of a larger draw are those of a smaller one, so that what was made for it is used again.
    """

    rows: Sequence[int] | None = None
    per_class: int | None = None
    target: Target = "predicted"
    seed: int = 0


def focus_table(
    engine: Engine,
    method: str,
    regions: Regions,
    choice: Choice,
    parameters: Mapping[str, object] | None = None,
    place: Place | None = None,
    *,
    pause: float = 1.0,
) -> Generator[tuple[float, FocusTable | None], None, None]:
    """(share that is done, table so far); the last table is whole and has intervals, those before have none.

    regions: those of the dataset's pictures. place: layer, filter and checkpoint. pause: about how many seconds lie
    between two steps; between them no explainer is at work, so that other work can go first. Recall is over the whole
    dataset; listed by predicted class where nothing is labelled. InputError names what is wrong.
    """
    dataset = engine.dataset
    if dataset is None or not len(dataset):
        raise InputError("dataset", "focus by class needs one, and none is open", "name one with --data")
    if (kind := engine.described(method).kind) != "heatmap":
        raise InputError(f"method {method}", f"makes a {kind}, no heat map", "choose one that does")
    regions.check_rows(len(dataset), limited=dataset.limit is not None)
    place = place or Place()
    network = engine.classifier.at(engine.classifier.default if place.checkpoint is None else place.checkpoint)
    predicted = yield from predicted_classes(engine, place.checkpoint)
    labels = np.asarray(dataset.labels)
    listed, by = (labels, "true class") if (labels >= 0).any() else (predicted, "predicted class")
    rows = _chosen(choice, listed, len(engine.classifier.classes))
    tally = Tally(engine.classifier.classes, regions.names, _recall(labels, predicted, engine), by)
    tally.broken = sum(int(predicted[row] < 0) for row in rows)
    rows = [row for row in rows if predicted[row] >= 0]
    if not rows:
        raise InputError("dataset", "no image has a class to be listed under", "open data with labels")
    done, told = 0, 0
    table: FocusTable | None = None
    first = _FIRST if engine.described(method).cost == "cheap" else 1
    for part in steps_of(network.input_shape, rows, first, pause):
        places = [place_of(place, row, choice.target, labels, predicted) for row in part]
        with closing(engine.explain_many(method, places, parameters)) as results:
            for row, result in zip(part, results, strict=True):
                heatmap = result.explanation
                assert isinstance(heatmap, Heatmap)
                height, width = dataset[row].image.shape[:2]
                measured = focus(heatmap, regions, row=row, picture=(height, width), fit=network.fit)
                tally.add(int(listed[row]), bool(labels[row] == predicted[row]), measured)
        done += len(part)
        if done >= told * _MORE:  # of many images a table takes as long as they are many
            table, told = tally.table(resamples=0), done
        if done < len(rows):
            yield done / len(rows), table
    yield 1.0, tally.table(choice.seed)


def predicted_classes(engine: Engine, checkpoint: int | None) -> Generator[tuple[float, None], None, NDArray[np.int64]]:
    """(0, None) as long as predictions come, then the class of each row, -1 where its scores are not finite."""
    assert engine.dataset is not None
    predicted = np.full(len(engine.dataset), -1, np.int64)
    for start, scores in engine.scores(checkpoint):
        finite = np.isfinite(scores).all(1)
        predicted[start : start + len(scores)] = np.where(finite, scores.argmax(1), -1)
        yield 0.0, None
    return predicted


def steps_of(
    input_shape: tuple[int, int, int], rows: Sequence[int], size: int, pause: float
) -> Iterator[Sequence[int]]:
    """Parts of `rows` that take about `pause` seconds each; size: of the first."""
    most = max(1, min(_MOST, _MOST_VALUES // int(np.prod(input_shape))))
    size, start = min(size, most), 0
    while start < len(rows):
        began = time.perf_counter()
        yield rows[start : start + size]
        start += size
        pace = pause / max(time.perf_counter() - began, 1e-6)
        size = int(min(max(1, size * min(pace, 4)), most))


def _chosen(choice: Choice, listed: NDArray[np.int64], classes: int) -> list[int]:
    """The rows, one of each class after the other; without those that are listed under no class."""
    if choice.rows is not None:
        wrong = next((row for row in choice.rows if not 0 <= row < len(listed)), None)
        if wrong is not None:
            raise InputError(f"row {wrong}", "there is no such row", f"rows are 0 to {len(listed) - 1}")
        return [row for row in dict.fromkeys(choice.rows) if listed[row] >= 0]
    drawn = []
    for index in range(classes):
        order = np.random.default_rng([choice.seed, index]).permutation(np.flatnonzero(listed == index))
        drawn.append(order[: choice.per_class].tolist())
    return [row for turn in itertools.zip_longest(*drawn) for row in turn if row is not None]


def _recall(labels: NDArray[np.int64], predicted: NDArray[np.int64], engine: Engine) -> list[float | None]:
    found: list[float | None] = []
    for index in range(len(engine.classifier.classes)):
        own = predicted[labels == index]
        found.append(float((own == index).mean()) if len(own) else None)
    return found


def place_of(place: Place, row: int, target: Target, labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> Place:
    """`place` for one row, with its target; the predicted class also where the true one is not known."""
    if isinstance(target, int):
        wanted = target
    else:
        wanted = int(labels[row]) if target == "true" and labels[row] >= 0 else int(predicted[row])
    return Place(row, wanted, place.layer, place.filter, place.checkpoint)
