"""The curves of a run: which classes are drawn, in which colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style

from fer_tui.contract import plain
from fer_tui.terminal.plot import Curve

from .sides import checkpoints_of
from .widgets.curves import Curves

if TYPE_CHECKING:
    from fer_tui.timeline import Course

    from .desk import Desk


@dataclass(frozen=True, slots=True)
class Rival:
    """Another network's accuracy at the steps of a plot, NaN where there is none yet."""

    name: str
    values: Sequence[float]


def rivals_of(desk: Desk) -> list[Rival]:
    """The other networks that are open, at the checkpoints of the user's: each at the same epoch."""
    from fer_tui.timeline import abreast

    classifier, browser, own = desk.project.classifier, desk.browser, checkpoints_of(desk)
    found: list[Rival] = []
    if classifier is None or browser is None:
        return found
    for network in classifier.networks:
        series = classifier.series_of(network.default)
        course = desk.run.course(browser.predictions.labels, series) if network.default not in own else None
        if course is None:
            continue
        names, known = [desk.run.names[n] for n in series], dict(zip(course.checkpoints, course.accuracy, strict=True))
        there = abreast([desk.run.names[n] for n in own], names)
        values = [float(known.get(names[n], math.nan)) if n >= 0 else math.nan for n in there]
        found.append(Rival(network.name, values))
    return found


def curves_of(
    course: Course, names: Sequence[str], target: int | None, cursor: int, accuracy: Style, rivals: Sequence[Curve] = ()
) -> Curves:
    """Accuracy and the recall of `classes_shown` over the checkpoints `names`, the target's recall on top.

    rivals: other curves, below them.
    """
    from fer_tui.timeline import short_names

    steps = [plain(name) for name in short_names(names)]
    at = [names.index(name) for name in course.checkpoints]
    shown = classes_shown(course, target)
    curves = [*rivals, *(_curve(course.recall[:, n].tolist(), at, len(steps), ink_of(n)) for n in shown)]
    curves.append(_curve(course.accuracy.tolist(), at, len(steps), accuracy))
    if target in shown:
        curves.append(curves.pop(len(rivals) + shown.index(target)))
    return Curves(curves, steps, cursor)


def classes_shown(course: Course, target: int | None) -> list[int]:
    """The classes that are shown: all where there are few, else the chosen one and those that moved most."""
    import numpy as np

    from fer_tui.picture import LINE_COLOURS

    known = [n for n in range(len(course.classes)) if course.support[n]]
    most = len(LINE_COLOURS)
    if len(known) <= most:
        return known
    span = np.nan_to_num(np.ptp(course.recall, axis=0))
    order = sorted(known, key=lambda n: (n != target, -span[n]))
    return sorted(order[:most])


def ink_of(number: int) -> Style:
    """The colour of a class's curve."""
    from fer_tui.picture import LINE_COLOURS

    return Style(color=LINE_COLOURS[number % len(LINE_COLOURS)])


def _curve(values: Sequence[float], at: Sequence[int], steps: int, style: Style) -> Curve:
    """A curve over all checkpoints, NaN where the predictions are not known."""
    spread = [float("nan")] * steps
    for step, value in zip(at, values, strict=True):
        spread[step] = value
    return Curve(spread, style)
