"""The curves of a run: which classes are drawn, in which colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.style import Style

from fer_tui.contract import plain
from fer_tui.terminal.plot import Curve

from .widgets.curves import Curves

if TYPE_CHECKING:
    from fer_tui.timeline import Course


def curves_of(course: Course, names: Sequence[str], target: int | None, cursor: int, accuracy: Style) -> Curves:
    """Accuracy and the recall of `classes_shown` over the checkpoints `names`, the target's recall on top."""
    from fer_tui.timeline import short_names

    steps = [plain(name) for name in short_names(names)]
    at = [names.index(name) for name in course.checkpoints]
    shown = classes_shown(course, target)
    curves = [_curve(course.recall[:, n].tolist(), at, len(steps), ink_of(n)) for n in shown]
    curves.append(_curve(course.accuracy.tolist(), at, len(steps), accuracy))
    if target in shown:
        curves.append(curves.pop(shown.index(target)))
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
