"""Tables of numbers as CSV: the listed images, a confusion matrix, what one network changes, the curves of a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .changes import COLUMNS as COLUMNS_OF_CHANGES

if TYPE_CHECKING:
    from fer_tui.contract import Matrix
    from fer_tui.timeline import Course

    from .browser import Browser
    from .changes import Changes
    from .project import Project

COLUMNS = ("row", "id", "split", "true", "predicted", "confidence", "probability of the true class", "marked", "note")


def listing(rows: Sequence[int], browser: Browser, project: Project) -> str:
    """CSV of these rows: see COLUMNS; what is not known is empty."""
    dataset, known, marks = project.dataset, browser.predictions, browser.marks
    assert dataset is not None
    lines: list[Sequence[object]] = [COLUMNS]
    for row in rows:
        label, predicted = int(known.labels[row]), int(known.predicted[row])
        shares = (float(known.confidence[row]), float(known.true_confidence[row]))
        lines.append([
            row,
            dataset.name_of(row),
            dataset.split or "",
            browser.classes[label] if label >= 0 else "",
            browser.classes[predicted] if predicted >= 0 else "",
            *map(_share, shares),
            "yes" if marks is not None and marks.marked[row] else "",
            marks.notes.get(row, "") if marks is not None else "",
        ])  # fmt: skip
    return _csv(lines)


def counts(matrix: Matrix) -> str:
    """CSV of a confusion matrix: a row for each true class, a column for each predicted one."""
    numbered = zip(matrix.classes, matrix.counts.tolist(), strict=True)
    return _csv([("true \\ predicted", *matrix.classes), *((name, *row) for name, row in numbered)])


def changes(table: Changes) -> str:
    """CSV of what the second of two checkpoints changes: a row for each true class, and one for all."""
    header = (f"{table.first} -> {table.second}", *COLUMNS_OF_CHANGES, "McNemar's exact p")
    named = zip((*table.classes, "all"), table.counts.tolist(), strict=True)
    lines = [[name, *counts, ""] for name, counts in named]
    lines[-1][-1] = f"{table.p_value:.6g}"
    return _csv([header, *lines])


def curves(course: Course) -> str:
    """CSV of a run: for each checkpoint the accuracy and each class's recall; empty where there is no such image."""
    header = ("checkpoint", "accuracy", *(f"recall of {name}" for name in course.classes))
    numbers = zip(course.checkpoints, course.accuracy.tolist(), course.recall.tolist(), strict=True)
    return _csv([header, *((name, *map(_share, (accuracy, *recall))) for name, accuracy, recall in numbers)])


def _share(value: float) -> str:
    return f"{value:.6g}" if value == value else ""


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
