"""Runs the engine for all that a report needs. What the store has is not computed again."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Gallery, InputError, Matrix, Place, PluginError
from fer_tui.engine.activations import layer_activations

from .asked import Asked
from .averaging import averaged, contrasted
from .choosing import Chosen, Predictions, chosen, drawn
from .hosting import hosted
from .material import Filters, FirstLayer, Material
from .parts import Part
from .planning import Plan, Planner
from .taking import Step, last_map, last_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.engine import Engine
    from fer_tui.regions import Regions

    from .crew import Crew

_MOST_FILTERS = 64  # shown
_STRONGEST = 10  # framed
_PAIRS = 3
_FIRST_EACH = 100  # images of each class whose first-layer activations are compared


def gathered(engine: Engine, crew: Crew, asked: Asked, regions: Regions | None) -> Iterator[Step | Material]:
    """Steps, in the order of `steps`, each with the share of it that is done; the material last.

    crew: who helps. regions: of the dataset's pictures, None where none are known. InputError names what is wrong.
    """
    if engine.dataset is None or not len(engine.dataset):
        raise InputError("dataset", "a report needs one with rows", "name one with --data")
    layer = asked.layer if asked.layer is not None else shown_layer(engine)
    if layer is not None and not engine.classifier.layer(layer).filters:
        raise InputError(f"--layer {layer}", "its output has no filters", "name a convolution")
    rows = asked.images if not isinstance(asked.images, str) else ()
    if wrong := [row for row in rows if row >= len(engine.dataset)]:
        raise InputError(f"--images {wrong[0]}", "there is no such row", f"rows are 0 to {len(engine.dataset) - 1}")
    known = yield from _predictions(engine, crew, asked.checkpoint)
    matrix = yield from last_of(engine, "confusion", Place(checkpoint=asked.checkpoint), {"seed": 0}, "predictions")
    assert isinstance(matrix, Matrix)
    cam = yield from _cam(engine, known, asked)
    shown = chosen(known, asked.images, asked.seed)
    if not shown:
        raise InputError("dataset", "no image has finite scores", "look at the weights and the preprocessing")
    values = int(np.prod(engine.classifier.input_shape))
    found = Material(
        engine.classifier.name, known, matrix, shown, cam, aligned=regions is not None, seed=asked.seed, values=values
    )
    planner = Planner(asked, cam, values)
    plan = Plan.of(planner, found)
    crew.offer(engine, plan.parts)
    yield from _judged(engine, crew, plan.judged, found)
    yield from _filters(engine, asked, found, layer)
    yield from averaged(engine, crew, plan, regions, found)
    yield from contrasted(engine, planner, regions, found, worst_pairs(matrix))
    yield from _first_layer(engine, asked, found)
    yield from hosted(engine, crew, planner, plan, regions, found)
    yield found


def worst_pairs(matrix: Matrix) -> list[tuple[int, int]]:
    """The most frequent mistakes: (true, predicted)."""
    wrong = matrix.counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    pairs = [tuple(map(int, np.unravel_index(int(flat), wrong.shape))) for flat in order]
    return [(pair[0], pair[1]) for pair in pairs if wrong[pair]]


def _predictions(engine: Engine, crew: Crew, checkpoint: int | None) -> Generator[Step, None, Predictions]:
    assert engine.dataset is not None
    labels = np.asarray(engine.dataset.labels)
    labelled = bool((labels >= 0).any())
    predicted, sure = np.full(len(labels), -1, np.int64), np.full(len(labels), np.nan)
    parts = list(Part.of_scores(len(labels), checkpoint))
    crew.offer(engine, parts)
    for part in parts:
        for _ in crew.claim(part):
            yield "predictions", part.rows[0] / len(labels)
        for start, scores in engine.scores_of(checkpoint).chunk(part.rows[0]):
            rows = slice(start, start + len(scores))
            finite = np.isfinite(scores).all(1)
            predicted[rows] = np.where(finite, scores.argmax(1), -1)
            of = np.where(labels[rows] >= 0, labels[rows], 0) if labelled else np.maximum(predicted[rows], 0)
            sure[rows] = np.where(finite, _probabilities(scores)[np.arange(len(scores)), of], np.nan)
            yield "predictions", (start + len(scores)) / len(labels)
    return Predictions(engine.classifier.classes, labels, predicted, sure, labelled)


def _probabilities(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Softmax of raw scores; of a network that ends in one the scores themselves."""
    known = np.where(np.isfinite(scores), scores, 0).astype(np.float64)
    if (known >= 0).all() and np.allclose(known.sum(1), 1, atol=1e-3):
        return known
    powers = np.exp(known - known.max(1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return shares


def _cam(engine: Engine, known: Predictions, asked: Asked) -> Generator[Step, None, str]:
    """cam where the network ends in global average pooling, else a head fitted to the data, or without labels grad."""
    row = int(np.flatnonzero(known.predicted >= 0)[0]) if (known.predicted >= 0).any() else 0
    for variant in ("cam", "gap-fit", "grad"):
        try:
            place = Place(row, 0, checkpoint=asked.checkpoint)
            yield from last_of(engine, "cam", place, {"variant": variant, "seed": asked.seed}, "head of CAM")
        except InputError:
            continue
        return variant
    raise PluginError("cam", "explains no image of this network")


def _judged(engine: Engine, crew: Crew, parts: Sequence[Part], found: Material) -> Iterator[Step]:
    """The maps of the shown images, each with what is found of its trust."""
    for number, part in enumerate(parts):
        done, count = number % len(found.shown), len(found.shown)
        what, span = f"{part.method} and its trust", (done / count, (done + 1) / count)
        found.maps[found.shown[done].number, part.method] = yield from last_map(engine, crew, part, what, span)


def _filters(engine: Engine, asked: Asked, found: Material, layer: str | None) -> Iterator[Step]:
    if layer is None:
        found.notes.append("the network has no layer of filters: section 2 has no pictures")
        return
    place = Place(layer=layer, checkpoint=asked.checkpoint)
    ascent = yield from last_of(engine, "filter-ascent", place, {"seed": asked.seed}, "filters")
    image = found.shown[0]
    parameters = {"view": "outputs", "top": _STRONGEST, "seed": asked.seed}
    outputs = yield from last_of(
        engine, "filter-ascent", dataclasses.replace(place, image=image.row), parameters, "filters"
    )
    assert isinstance(ascent, Gallery) and isinstance(outputs, Gallery)
    found.filters = Filters(layer, ascent, outputs, image)


def _convolutions(engine: Engine) -> list[tuple[str, int]]:
    """The layers with filters that are convolutions (else all that have filters), with the height of their maps."""
    layers = [each for each in engine.classifier.layers if each.filters and len(each.shape) == 3 and each.shape[1] > 1]
    return [(each.name, each.shape[1]) for each in layers if "Conv" in each.kind] or [
        (each.name, each.shape[1]) for each in layers
    ]


def shown_layer(engine: Engine) -> str | None:
    """The last convolution whose maps are at least a third of the input's height, so that they can be looked at."""
    layers, height = _convolutions(engine), engine.classifier.input_shape[1]
    large = [name for name, rows in layers if 3 * rows >= height]
    return large[-1] if large else layers[0][0] if layers else None


def _first_layer(engine: Engine, asked: Asked, found: Material) -> Iterator[Step]:
    layers = _convolutions(engine)
    if not layers:
        return
    each = max(4, min(_FIRST_EACH, 2000 // len(found.classes)))
    rows = [row for index in range(len(found.classes)) for row in drawn(found.known, index, each, asked.seed)]
    for share, values in layer_activations(engine, layers[0][0], rows, asked.checkpoint):
        yield "the first layer", share
        if values is not None:
            numbers = np.where(np.isfinite(values), values, 0).astype(np.float64)
            found.first = FirstLayer(layers[0][0], numbers, found.known.listed[rows])


def shown_filters(gallery: Gallery) -> int:
    """How many pictures of a gallery a sheet shows."""
    return min(len(gallery.captions), _MOST_FILTERS)


def titled(each: Chosen, classes: Sequence[str]) -> str:
    """The image in words: row, its class, what is predicted."""
    name = classes[each.listed] if each.listed >= 0 else "no label"
    if each.right:
        return f"row {each.row}: {name}, predicted rightly ({each.sure:.1%})"
    return f"row {each.row}: {name}, predicted {classes[each.predicted]} ({name} {each.sure:.1%})"
