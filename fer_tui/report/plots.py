"""Figures of numbers: the confusion matrix, and recall beside focus."""

from __future__ import annotations

import numpy as np

from fer_tui.contract import Matrix, plain
from fer_tui.picture import colour_map, render, row_shares, words
from fer_tui.picture.lettering import cut, font, width_of
from fer_tui.regions import FocusTable

from .drawing import FAINT, INK, PAPER, TITLE, Colour, Drawing, Fill, Raster, Text

_MARGIN = 14
_BY = ": counts by true and predicted class"
_COUNTS = f"Confusion{_BY}"
_MOST_WRITTEN = 30  # classes up to which counts and names are written
_MOST_NAME = 120
_SIDE = 640  # of a larger matrix
_PLOT = (520, 340)
_APART, _NAME = 14, 110  # of two classes in the plot of recall; room for a name with its recall
_BLUE, _GRID = (0, 90, 160), (220, 220, 224)


def confusion_figure(matrix: Matrix, title: str = _COUNTS) -> Drawing:
    """Counts by true class (rows) and predicted class, coloured by their share of the row."""
    count = len(matrix.classes)
    if count > _MOST_WRITTEN:
        return _large(matrix, title)
    cell = 54 if count <= 12 else 34
    small = font(12)
    names = [cut(name, small, _MOST_NAME) for name in matrix.classes]
    longest = max(width_of(name, small) for name in names)
    own = 22 + longest + count * cell  # the matrix with its names, in the middle where the title is longer
    across = max(own, width_of(title, font(TITLE)))
    start = _MARGIN + (across - own) / 2
    left, top = start + 22 + longest, _MARGIN + 52 + longest
    drawing = Drawing(across + 2 * _MARGIN, top + count * cell + _MARGIN, f"Confusion matrix: {words(matrix)}.")
    drawing.put(Text(_MARGIN, _MARGIN, title, TITLE))
    drawing.put(Text(left + count * cell / 2, _MARGIN + 28, "predicted", colour=FAINT, anchor="mt"))
    foot = top + count * cell / 2 + width_of("true", small) / 2
    drawing.put(Text(start + 6, foot, "true", colour=FAINT, upwards=True))
    shares = row_shares(matrix)
    for n, name in enumerate(names):
        drawing.put(Text(left - 6, top + (n + 0.5) * cell, name, anchor="rm"))
        drawing.put(Text(left + (n + 0.5) * cell, top - 6, name, upwards=True))
        for m in range(count):
            colour = _cell_colour(shares[n, m])
            drawing.put(Fill((left + m * cell, top + n * cell, cell, cell), colour))
            middle = left + (m + 0.5) * cell, top + (n + 0.5) * cell
            ink = PAPER if 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 140 else INK
            number = str(int(matrix.counts[n, m]))
            size = next((s for s in (13, 11, 9) if width_of(number, font(s)) <= cell - 4), 8)
            drawing.put(Text(*middle, number, size, ink, "mm"))
    return drawing


def _cell_colour(share: float) -> Colour:
    if not np.isfinite(share):
        return (224, 224, 224)
    red, green, blue = colour_map("viridis")[round(share * 255)].tolist()
    return red, green, blue


def _large(matrix: Matrix, title: str) -> Drawing:
    """Of many classes the colours alone, and in words the pairs that are confused most."""
    drawing = Drawing(_SIDE + 2 * _MARGIN, 0, f"Confusion matrix of {len(matrix.classes)} classes: {words(matrix)}.")
    told = f"{title.removesuffix(_BY)}: shares of each true class (rows) by predicted class"
    top = drawing.lines(_MARGIN, _MARGIN, told, _SIDE, TITLE)
    drawing.put(Raster((_MARGIN, top + 8, _SIDE, _SIDE), render(matrix)))
    drawing.height = drawing.lines(_MARGIN, top + _SIDE + 18, words(matrix), _SIDE, colour=FAINT) + _MARGIN
    return drawing


def recall_figure(table: FocusTable) -> Drawing | None:
    """Recall of each class beside the share of its maps inside the face; None where fewer than two have both."""
    points = [
        (each.name, each.recall, each.every.inside.absolute)
        for each in table.classes
        if each.recall is not None and each.every is not None
    ]
    if len(points) < 2:
        return None
    points.sort(key=lambda point: (-point[1], point[2].value))
    wide, tall = _PLOT
    left, top = _MARGIN + 56, _MARGIN + 34
    told = "; ".join(
        f"{plain(name)}: {share.told(digits=0)} % inside, recall {recall:.2f}" for name, recall, share in points
    )
    lows = [s.low if s.low is not None else s.value for *_, s in points]
    highs = [s.high if s.high is not None else s.value for *_, s in points]
    recalls = [recall for _, recall, _ in points]
    columns, rows = _marks(min(lows), max(highs)), _marks(min(recalls), max(recalls))
    named = len(points) <= _MOST_WRITTEN

    def across(value: float) -> float:
        return left + (value - columns[0]) / (columns[-1] - columns[0]) * wide

    def down(value: float) -> float:
        return top + (rows[-1] - value) / (rows[-1] - rows[0]) * tall

    heights = [down(recall) for recall in recalls]
    if named:
        for number in range(1, len(heights)):  # classes of like recall lie below one another, so that all can be read
            heights[number] = max(heights[number], heights[number - 1] + _APART)
    foot = max(top + tall, heights[-1] + _APART)
    size = (left + wide + (_NAME if named else 0) + _MARGIN, foot + 48)
    drawing = Drawing(*size, f"Recall beside the share inside the face. {told}.")
    drawing.put(Text(_MARGIN, _MARGIN, "Recall of each class beside its share of attribution inside the face", TITLE))
    for mark in columns:
        drawing.put(Fill((across(mark), top, 0.5, foot - top), _GRID))
        drawing.put(Text(across(mark), foot + 5, f"{mark:.0%}", 11, FAINT, "mt"))
    for mark in rows:
        drawing.put(Fill((left, down(mark), wide, 0.5), _GRID))
        drawing.put(Text(left - 6, down(mark), f"{mark:.2f}", 11, FAINT, "rm"))
    axis = "share inside the face, 95 % interval"
    if heights != [down(recall) for recall in recalls]:
        axis += "; classes of like recall are drawn below one another"
    drawing.put(Text(left + wide / 2, foot + 24, axis, 12, FAINT, "mt"))
    drawing.put(Text(_MARGIN + 8, top + tall / 2 + 20, "recall", 12, FAINT, upwards=True))
    for (name, recall, share), least, most, y in zip(points, lows, highs, heights, strict=True):
        drawing.put(Fill((across(least), y - 0.75, max(1.0, across(most) - across(least)), 1.5), _BLUE))
        drawing.put(Fill((across(share.value) - 3.5, y - 3.5, 7, 7), _BLUE))
        if named:
            told = f"{cut(plain(name), font(11), _NAME - 40)} {recall:.2f}"
            drawing.put(Text(across(most) + 6, y, told, 11, INK, "lm"))
    return drawing


def _marks(low: float, high: float) -> list[float]:
    """Round numbers from 0 to 1 around both, for a scale."""
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 1.0) if high - low <= 6 * step)
    first, last = int(np.floor(low / step - 0.2)), int(np.ceil(high / step + 0.2))
    return [each * step for each in range(max(0, first), min(round(1 / step), max(last, first + 1)) + 1)]
