"""What lies along the sides of the grid, of what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from fer_tui.contract import plain

from .grid import AXES, METHODS, Grid, Method, Side, Step, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.contract import Description, Layer, Value

    from .browser import Browser
    from .desk import Desk


_BESIDE_IMAGES = (*METHODS, "networks")  # sides that begin with the images themselves


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
    if "images" in grid.sides and any(side in _BESIDE_IMAGES for side in grid.sides):
        number = 0 if grid.sides[0] in _BESIDE_IMAGES else 1
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


def methods_of(desk: Desk, other: Side) -> tuple[Method, ...]:
    """The explainers that make heat maps, and the views of the others that hang on the other side.

    Each is under its current parameters.
    """
    known = [(each, desk.choice.parameters(each)) for each in desk.project.methods_for(dataset=False)]
    maps = [Method(each.title, each, parameters) for each, parameters in known if each.kind == "heatmap"]
    views = [view for each, parameters in known if each.kind != "heatmap" for view in _views(each, parameters)]
    return (*maps, *(view for view in views if other in AXES and view.uses(other)))


def _views(description: Description, parameters: Mapping[str, Value]) -> Iterator[Method]:
    """What an explainer shows by the values of the parameter on which its axes hang."""
    if description.axes_by is None:
        yield Method(description.title, description, parameters)
        return
    name, by_value = description.axes_by
    for value in by_value:
        yield Method(f"{description.title}: {value}", description, {**parameters, name: value})


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
            other = grid.sides[1] if grid.sides[0] == "methods" else grid.sides[0]
            return tuple(Step(plain(each.name), method=each) for each in methods_of(desk, other))
        case "variants":
            return tuple(Step(plain(each.name), method=each) for each in variants_of(desk, method))
        case "layers":
            names = dict.fromkeys(name for layers in _layers(desk, grid) for name in _filters(layers))
            return tuple(Step(plain(name), layer=name) for name in names)
        case "checkpoints":
            from fer_tui.timeline import short_names

            numbers = checkpoints_of(desk)
            short = short_names([desk.run.names[number] for number in numbers])
            return tuple(Step(plain(name), checkpoint=n) for name, n in zip(short, numbers, strict=True))
        case "networks":
            return networks_of(desk)


def checkpoints_of(desk: Desk) -> tuple[int, ...]:
    """The checkpoints of the network where the user is."""
    classifier, browser = desk.project.classifier, desk.browser
    return classifier.series_of(browser.checkpoint) if classifier is not None and browser is not None else ()


def networks_of(desk: Desk) -> tuple[Step, ...]:
    """All networks that are open: that of the user at their checkpoint, the others at the weights that count."""
    classifier, here = desk.project.classifier, checkpoints_of(desk)
    if classifier is None or desk.browser is None:
        return ()
    return tuple(
        Step(
            plain(each.name),
            checkpoint=desk.browser.checkpoint if each.default in here else each.default,
            layers=_filters(each.layers),
        )
        for each in classifier.networks
    )


def _layers(desk: Desk, grid: Grid) -> Iterator[Sequence[Layer]]:
    """The layers of the network where the user is; then those of the others, where these lie along a side, too."""
    classifier = desk.project.classifier
    if classifier is not None:
        yield classifier.layers
        if "networks" in grid.sides:
            yield from (each.layers for each in classifier.networks)


def _filters(layers: Sequence[Layer]) -> dict[str, int]:
    """How many filters each layer has, where it has any."""
    return {each.name: each.filters for each in layers if each.filters}


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

    through: all checkpoints of the network: then it is the one that the last of them predicts.
    """
    if row is None:
        return None
    label = int(browser.predictions.labels[row])
    if browser.target == "true" and label >= 0:
        return label
    if through:
        for checkpoint in reversed(checkpoints_of(desk)):
            known = desk.run.prediction(checkpoint, row)
            if known is not None and known[0] >= 0:
                return known[0]
    predicted = int(browser.predictions.predicted[row])
    return predicted if predicted >= 0 else None
