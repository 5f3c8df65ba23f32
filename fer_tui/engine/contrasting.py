"""Contrasts: what speaks for one class against another, in one image or in the images of a cell of the confusion.

The contrast of B against A is map(B) - map(A), both raw and signed. Where maps are linear in the score that they
explain, that is the map of score(B) - score(A); elsewhere it is the difference of two maps, and a note says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import Axis, Heatmap, InputError, Place, Result
from fer_tui.regions import Regions
from fer_tui.regions.contrast import averaged, signed_shares

from . import codec
from .focusing import steps_of
from .keys import contrast_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .engine import Engine
    from .tasks import Task


@dataclass(frozen=True, slots=True)
class Cell:
    """Images of class `true` that are taken for `predicted`: `count` of them (None: all), drawn by seed."""

    true: int
    predicted: int
    count: int | None = None
    seed: int = 0


def contrast(engine: Engine, task: Task, against: int, *, fresh: bool = False) -> Generator[Result, None, None]:
    """The task's map minus that of the class `against`, better and better; the last one is final.

    InputError where the method has no heat maps, or none that hang on a class, or both classes are the same.
    """
    parameters, is_linear = _prepared(task)
    target = task.place.target
    _check_classes(engine, target, against)
    key = contrast_key(task.key(), against)
    if not fresh and engine.store is not None and (blob := engine.store.get(key)) is not None:
        yield Result(task.place, codec.unpack(blob), True, 1.0)
        return
    method, image = task.description.name, task.subject.image if task.place.image is None else None
    other = None
    for place in (dataclasses.replace(task.place, target=against), task.place):
        with closing(engine.run(engine.task(method, place, parameters, image), fresh=fresh)) as results:
            for result in results:
                heatmap = result.explanation
                if result.place != place or not isinstance(heatmap, Heatmap):
                    continue
                if place.target == against:
                    other = heatmap
                    yield Result(task.place, _negative(heatmap, against), False, None)
                elif other is not None:
                    made = subtracted(heatmap, other, against, is_linear)
                    if result.final and engine.store is not None:
                        engine.store.put(key, codec.pack(made), method=method, kind=made.kind)
                    yield dataclasses.replace(result, explanation=made)


def subtracted(heatmap: Heatmap, other: Heatmap, against: int, is_linear: bool) -> Heatmap:
    """map - other map, signed, with what it is said in meta ("against", "linear") and notes."""
    classes = heatmap.meta["classes"]
    target = heatmap.meta["place"]["target"]
    return Heatmap(
        values=(heatmap.values.astype(np.float64) - other.values).astype(np.float32),
        image=heatmap.image,
        signed=True,
        meta={**heatmap.meta, "against": against, "linear": is_linear},
        notes=(_said(classes[target], classes[against], is_linear), *dict.fromkeys((*heatmap.notes, *other.notes))),
    )


def cell_contrast(
    engine: Engine,
    method: str,
    cell: Cell,
    parameters: Mapping[str, object] | None = None,
    place: Place | None = None,
    regions: Regions | None = None,
    *,
    pause: float = 1.0,
) -> Generator[tuple[float, Heatmap | None], None, None]:
    """(share that is done, mean contrast so far): of the predicted class against the true one, over a cell's images.

    values: the mean of the images' contrasts; image: the mean of the pictures. meta: "images" (n), "cell" (true,
    predicted, count: all images of the cell), "regions" (name, share, low, high), where regions are known: see
    `signed_shares`; intervals come with the last one. place: layer and checkpoint. pause: see `focus_table`.
    """
    dataset = engine.dataset
    if dataset is None or not len(dataset):
        raise InputError("dataset", "a cell's images are of one, and none is open", "name one with --data")
    _check_classes(engine, cell.predicted, cell.true)
    place = place or Place()
    predicted = np.full(len(dataset), -1, np.int64)
    for start, scores in engine.scores(place.checkpoint):
        predicted[start : start + len(scores)] = np.where(np.isfinite(scores).all(1), scores.argmax(1), -1)
        yield 0.0, None
    there = np.flatnonzero((np.asarray(dataset.labels) == cell.true) & (predicted == cell.predicted))
    rows = np.random.default_rng([cell.seed, cell.true, cell.predicted]).permutation(there)[: cell.count].tolist()
    if not rows:
        true, other = (engine.classifier.classes[n] for n in (cell.true, cell.predicted))
        raise InputError(f"cell {true}, {other}", f"no image of {true} is taken for {other}")
    first = engine.task(method, dataclasses.replace(place, image=rows[0], target=cell.predicted), parameters or {})
    given, is_linear = _prepared(first)
    network = engine.classifier.at(engine.classifier.default if place.checkpoint is None else place.checkpoint)
    mean = _Mean(cell, len(there))
    size = 8 if first.description.cost == "cheap" else 1
    for part in steps_of(network.input_shape, rows, size, pause):
        targets = (cell.predicted, cell.true)
        places = [dataclasses.replace(place, image=row, target=target) for target in targets for row in part]
        with closing(engine.explain_many(method, places, given)) as results:
            maps = [result.explanation for result in results]
        for row, mine, others in zip(part, maps[: len(part)], maps[len(part) :], strict=True):
            assert isinstance(mine, Heatmap) and isinstance(others, Heatmap)
            made = subtracted(mine, others, cell.true, is_linear)
            shares = None
            if regions is not None:
                height, width = dataset[row].image.shape[:2]
                fit = network.fit
                shares = signed_shares(made, regions, row=row, picture=(height, width), fit=fit)
            mean.add(made, shares)
        yield mean.count / len(rows), mean.heatmap(regions, is_whole=mean.count == len(rows))


class _Mean:
    """The sum of contrasts so far."""

    def __init__(self, cell: Cell, total: int) -> None:
        self._cell, self._total = cell, total
        self.count = 0
        self._values: NDArray[np.float64] | None = None
        self._pictures: NDArray[np.float64] | None = None
        self._shares: list[NDArray[np.float64]] = []
        self._last: Heatmap | None = None

    def add(self, made: Heatmap, shares: NDArray[np.float64] | None) -> None:
        values, picture = made.values.astype(np.float64), made.image.astype(np.float64)
        self._values = values if self._values is None else self._values + values
        self._pictures = picture if self._pictures is None else self._pictures + picture
        self._shares += [shares] if shares is not None else []
        self.count, self._last = self.count + 1, made

    def heatmap(self, regions: Regions | None, *, is_whole: bool) -> Heatmap:
        last, cell = self._last, self._cell
        assert last is not None and self._values is not None and self._pictures is not None
        place = {name: value for name, value in last.meta["place"].items() if name != "image"}
        meta: dict[str, Any] = {**last.meta, "place": place, "images": self.count}
        meta["cell"] = {"true": cell.true, "predicted": cell.predicted, "count": self._total, "seed": cell.seed}
        meta["digests"] = {name: value for name, value in last.meta["digests"].items() if name != "image"}
        if regions is not None:
            shares = np.array(self._shares)
            meta["regions"] = averaged(regions.names, shares if is_whole else shares.mean(0, keepdims=True), cell.seed)
        return Heatmap(
            values=(self._values / self.count).astype(np.float32),
            image=np.rint(self._pictures / self.count).astype(np.uint8),
            signed=True,
            meta=meta,
            notes=(last.notes[0], f"the mean of {self.count} of the {self._total} images; where they show the same "
                   "thing at different spots, it blurs"),
        )  # fmt: skip


def _prepared(task: Task) -> tuple[dict[str, object], bool]:
    """The parameters that a contrast of this task uses, and whether its maps are linear in the score."""
    name = task.description.name
    if task.description.kind != "heatmap" or Axis.TARGET not in task.description.axes_for(task.values):
        fault = "makes no heat maps that hang on a class: there is no difference of two classes"
        raise InputError(f"method {name}", fault, "choose another method or variant")
    parameters = task.explainer.for_contrast(task.parameters)
    given = {each.name: getattr(parameters, each.name) for each in dataclasses.fields(parameters)}
    return given, task.explainer.is_linear(parameters)


def _check_classes(engine: Engine, target: int | None, against: int) -> None:
    classes = engine.classifier.classes
    if not 0 <= against < len(classes):
        raise InputError(f"class {against}", "there is no such class", f"classes are 0 to {len(classes) - 1}")
    if target == against:
        raise InputError(f"class {classes[against]}", "is the explained one: a contrast is of two classes")


def _negative(heatmap: Heatmap, against: int) -> Heatmap:
    """What is there before the target's own map is."""
    return Heatmap(
        values=-heatmap.values, image=heatmap.image, signed=True, meta={**heatmap.meta, "against": against},
        notes=("so far only what speaks against the other class",),
    )  # fmt: skip


def _said(target: str, against: str, is_linear: bool) -> str:
    if is_linear:
        return f"the map of score({target}) - score({against}): the difference of their maps"
    return f"the difference of two maps, {target} - {against}: this method has no map of the difference of two scores"
