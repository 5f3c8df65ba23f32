"""What lies along the sides of the grid, of what is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from fer_tui.contract import Axis, plain

from .grid import METHODS, Grid, Method, Side, Step, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .browser import Browser
    from .desk import Desk


class Images(Sequence[Step]):
    """A step for each of many rows of the dataset, made when it is looked at."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return Images(self._rows[index])
        row = int(self._rows[index])
        return Step(str(row), image=row)


def table_of(desk: Desk, grid: Grid) -> Table | None:
    """The rows and columns of the grid now; None before anything is open."""
    browser, method = desk.browser, desk.choice.method
    if browser is None or method is None or desk.project.classifier is None:
        return None
    locked = Method(method.title, method, desk.choice.parameters(method))
    unused = tuple(
        side for side in grid.sides if not locked.uses(side) and not any(each in METHODS for each in grid.sides)
    )
    along = [_one(side) if side in unused else _steps(desk, browser, grid, side, locked) for side in grid.sides]
    if "images" in grid.sides and any(side in METHODS for side in grid.sides):
        number = 0 if grid.sides[0] in METHODS else 1
        along[number] = (Step("original", bare=True), *along[number])
    target = browser.target if isinstance(browser.target, int) else None
    place = browser.place
    return Table(
        along[0],
        along[1],
        grid.sides,
        type(place)(browser.row, target, browser.layer, browser.filter, browser.checkpoint),
        locked,
        lambda row: _class_of(desk, browser, row, through="checkpoints" in grid.sides),
        unused,
    )


def best_of_each_class(browser: Browser) -> tuple[int, ...]:
    """Of each class, of the listed images the one that is predicted best, else (no predictions) the first.

    Where no image has a label, of each predicted class the one that is predicted most surely.
    """
    known, rows = browser.predictions, browser.listed
    by, sure = known.labels, known.true_confidence
    if not (by[rows] >= 0).any():
        by, sure = known.predicted.astype(np.int64), known.confidence
    found = []
    for number in range(len(browser.classes)):
        own = rows[by[rows] == number]
        if len(own):
            found.append(int(own[int(np.argmax(np.nan_to_num(sure[own], nan=-1.0)))]))
    return tuple(found)


def methods_of(desk: Desk) -> tuple[Method, ...]:
    """The explainers that make heat maps of an image, each under its current parameters."""
    known = desk.project.methods_for(dataset=False)
    found = (Method(each.title, each, desk.choice.parameters(each)) for each in known if each.kind == "heatmap")
    return tuple(each for each in found if Axis.IMAGE in each.description.axes_for(dict(each.parameters)))


def variants_of(desk: Desk, method: Method) -> tuple[Method, ...]:
    """The names that the literature has for variants of a method; the method itself where there is none."""
    found = (
        Method(alias, method.description, {**method.parameters, **method.description.aliases[alias]}, alias)
        for alias in method.description.listed_aliases
    )
    return tuple(found) or (method,)


def _steps(desk: Desk, browser: Browser, grid: Grid, side: Side, method: Method) -> Sequence[Step]:
    match side:
        case "images":
            return Images(_rows(browser, grid))
        case "classes":
            return tuple(Step(plain(name), target=number) for number, name in enumerate(browser.classes))
        case "methods":
            return tuple(Step(plain(each.name), method=each) for each in methods_of(desk))
        case "variants":
            return tuple(Step(plain(each.name), method=each) for each in variants_of(desk, method))
        case "layers":
            layers = desk.project.classifier.layers if desk.project.classifier is not None else ()
            return tuple(Step(plain(each.name), layer=each.name) for each in layers if each.filters)
        case "checkpoints":
            from fer_tui.timeline import short_names

            names = short_names(desk.run.names)
            return tuple(Step(plain(name), checkpoint=number) for number, name in enumerate(names))


def _rows(browser: Browser, grid: Grid) -> NDArray[np.int64]:
    """The rows of the dataset that lie along a side."""
    match grid.images:
        case "best":
            return np.array(grid.best, np.int64)
        case "marked":
            marks = browser.marks
            return np.flatnonzero(marks.marked) if marks is not None else np.zeros(0, np.int64)
        case "listed":
            return browser.listed


def _one(side: Side) -> Sequence[Step]:
    return (Step(f"any {side.removesuffix('es') if side == 'classes' else side.removesuffix('s')}"),)


def _class_of(desk: Desk, browser: Browser, row: int | None, *, through: bool) -> int | None:
    """The class that is explained of a row: the true one, or the predicted one; None where it is not known.

    through: all checkpoints: then it is the one that the last of them predicts.
    """
    if row is None:
        return None
    label = int(browser.predictions.labels[row])
    if browser.target == "true" and label >= 0:
        return label
    if through:
        for checkpoint in reversed(range(len(desk.run.names))):
            known = desk.run.prediction(checkpoint, row)
            if known is not None and known[0] >= 0:
                return known[0]
    predicted = int(browser.predictions.predicted[row])
    return predicted if predicted >= 0 else None
