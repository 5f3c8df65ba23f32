"""Every picture's twin in words: a small table of numbers, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Reply, plain

from .matrices import row_shares
from .sheets import columns_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 7  # rows and columns that a sentence counts
_WORST = 3  # pairs of classes that a sentence names


# ---- the table -------------------------------------------------------------------------------------------------------


@singledispatch
def table(explanation: Explanation, rows: int = 7, columns: int = 7) -> NDArray[np.float64]:
    """float64 (rows, columns): what the picture shows, coarsely; NaN where there is nothing.

    Heatmap: means of the parts of a rows x columns grid, a pixel on a border shared by area, values that are not
    finite left out. Matrix: each row's shares (C, C). Gallery: the scores, placed as on the sheet.
    """
    raise TypeError(f"no table of a {type(explanation).__name__}")


@table.register(Heatmap)
def _(explanation: Heatmap, rows: int = 7, columns: int = 7) -> NDArray[np.float64]:
    finite = np.isfinite(explanation.values)
    values = np.where(finite, explanation.values, 0).astype(np.float64)
    sums, areas = sums_over(values, rows, columns), sums_over(finite.astype(np.float64), rows, columns)
    means = np.full((rows, columns), np.nan)
    np.divide(sums, areas, out=means, where=areas > 1e-12)
    return means


@table.register(Matrix)
def _(explanation: Matrix, rows: int = 7, columns: int = 7) -> NDArray[np.float64]:
    return row_shares(explanation)


@table.register(Gallery)
def _(explanation: Gallery, rows: int = 7, columns: int = 7) -> NDArray[np.float64]:
    count, height, width = explanation.images.shape[:3]
    columns = columns_for(count, height, width)
    scores = np.full(-(-count // columns) * columns, np.nan)
    scores[:count] = explanation.scores
    return scores.reshape(-1, columns)


def sums_over(values: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """Sums over the parts of a grid; together they are the sum of all values."""
    return _overlap(values.shape[0], rows) @ values @ _overlap(values.shape[1], columns).T


def _overlap(pixels: int, parts: int) -> NDArray[np.float64]:
    """(parts, pixels): the share of each pixel that lies in each of `parts` equal stretches of a line."""
    starts = np.arange(parts)[:, None] * (pixels / parts)
    left, right = np.maximum(starts, np.arange(pixels)), np.minimum(starts + pixels / parts, np.arange(pixels) + 1)
    shares: NDArray[np.float64] = np.clip(right - left, 0, None)
    return shares


# ---- the sentence ----------------------------------------------------------------------------------------------------


@singledispatch
def words(explanation: Explanation) -> str:
    """One line that says what the picture shows: where the evidence lies, or what is confused with what."""
    raise TypeError(f"no words for a {type(explanation).__name__}")


@words.register(Heatmap)
def _(explanation: Heatmap) -> str:
    values = explanation.values
    finite = np.isfinite(values)
    broken = int((~finite).sum())
    remark = f"; {broken} of {values.size} values are not finite" if broken else ""
    if not finite.any():
        return "no value of the map is finite"
    if values[finite].min() == values[finite].max():
        level = float(values[finite][0])
        return f"the map is {'zero' if level == 0 else f'{level:.3g}'} everywhere{remark}"
    strength = np.abs(np.where(finite, values, 0).astype(np.float64))
    strength /= strength.max()  # keeps sums finite
    rows, columns = (min(GRID, size) for size in values.shape)
    parts, total = sums_over(strength, rows, columns), strength.sum()
    row, column = np.unravel_index(int(parts.argmax()), parts.shape)
    where = f"row {row + 1} of {rows}, column {column + 1} of {columns}"
    most = f"strongest at {where}: {parts[row, column] / total:.0%} of the total"
    return f"{most}; {_halves(strength)}{_against(explanation, finite)}{remark}"


@words.register(Matrix)
def _(explanation: Matrix) -> str:
    counts = explanation.counts
    total, right = int(counts.sum()), int(counts.trace())
    if not total:
        return f"no labelled rows{_predictions(explanation)}"
    pairs = "; ".join(_worst_pairs(explanation)) or "nothing is confused"
    return f"accuracy {right / total:.1%} of {total} rows{_measures(explanation)}; {pairs}"


@words.register(Gallery)
def _(explanation: Gallery) -> str:
    count, height, width = explanation.images.shape[:3]
    if not count:
        return "no pictures"
    text = f"{count} picture{'s' if count > 1 else ''} of {width}x{height}"
    if explanation.marked:
        text += f"; marked: {', '.join(_captioned(explanation, index) for index in explanation.marked)}"
    scores = explanation.scores
    if not np.isfinite(scores).any():
        return text
    best = int(np.nanargmax(np.where(np.isfinite(scores), scores, np.nan)))
    return f"{text}; highest score {scores[best]:.3g}: {_captioned(explanation, best)}"


@words.register(Reply)
def _(explanation: Reply) -> str:
    first = next((line.strip() for line in explanation.text.splitlines() if line.strip()), "")
    return plain(first or f"tables: {', '.join(explanation.tables)}" if explanation.tables else first)


def _halves(strength: NDArray[np.float64]) -> str:
    """Which of upper and lower, left and right half holds more."""
    vertical, horizontal = sums_over(strength, 2, 1)[:, 0], sums_over(strength, 1, 2)[0]
    total = strength.sum()
    down, right = int(vertical.argmax()), int(horizontal.argmax())
    return (
        f"the {('upper', 'lower')[down]} half holds {vertical[down] / total:.0%}, "
        f"the {('left', 'right')[right]} half {horizontal[right] / total:.0%}"
    )


def _against(heatmap: Heatmap, finite: NDArray[np.bool_]) -> str:
    if not heatmap.signed:
        return ""
    values = heatmap.values[finite].astype(np.float64)
    values /= np.abs(values).max()
    return f"; {np.abs(values[values < 0]).sum() / np.abs(values).sum():.0%} of it is negative"


def _worst_pairs(matrix: Matrix) -> Iterator[str]:
    """The most frequent mistakes, with their share of the true class."""
    wrong = matrix.counts.copy()
    np.fill_diagonal(wrong, 0)
    shares = row_shares(matrix)
    for flat in np.argsort(-wrong, axis=None, kind="stable")[:_WORST]:
        true, predicted = np.unravel_index(int(flat), wrong.shape)
        if wrong[true, predicted]:
            name, other = plain(matrix.classes[true]), plain(matrix.classes[predicted])
            yield f"{wrong[true, predicted]} of {name} taken for {other} ({shares[true, predicted]:.0%})"


def _measures(matrix: Matrix) -> str:
    """Macro F1 and calibration error, where the matrix has them."""
    told = (("macro_f1", "macro F1"), ("calibration_error", "calibration error"))
    known = [(name, matrix.meta[key]) for key, name in told if isinstance(matrix.meta.get(key), float)]
    return "".join(f", {name} {value:.3f}" for name, value in known)


def _predictions(matrix: Matrix) -> str:
    counts = matrix.extras.get("distribution")
    if counts is None or not counts.sum():
        return ""
    order = [n for n in np.argsort(-counts, kind="stable")[:_WORST].tolist() if counts[n]]
    shares = ", ".join(f"{plain(matrix.classes[n])} {counts[n] / counts.sum():.1%}" for n in order)
    return f"; predicted most often: {shares}"


def _captioned(gallery: Gallery, index: int) -> str:
    return plain(gallery.captions[index]) or f"picture {index + 1}"
