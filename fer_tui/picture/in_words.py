"""A picture's twin in words and tables, line by line: for screen readers, and where there are no colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Reply, plain

from .scales import scale_of
from .twin import GRID, sums_over, words

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shares(heatmap: Heatmap) -> NDArray[np.float64]:
    """float64 (7, 7), fewer for smaller maps: the parts' shares of the sum of |values|, NaN where that is 0.

    They add to 1 but for the sign: negative where a part's values add to less than 0. A pixel on a border is shared by
    area; values that are not finite count as 0.
    """
    values = np.where(np.isfinite(heatmap.values), heatmap.values, 0).astype(np.float64)
    most = np.abs(values).max(initial=0.0)
    rows, columns = (min(GRID, size) for size in values.shape)
    if most == 0:
        return np.full((rows, columns), np.nan)
    strength, balance = sums_over(np.abs(values) / most, rows, columns), sums_over(values / most, rows, columns)
    signed: NDArray[np.float64] = np.where(balance < -1e-12, -1, 1) * strength / strength.sum()
    return signed


@singledispatch
def in_words(explanation: Explanation) -> list[str]:
    """Lines of plain text that say what the picture shows: a sentence, and a table."""
    raise TypeError(f"no words for a {type(explanation).__name__}")


@in_words.register(Heatmap)
def _(explanation: Heatmap) -> list[str]:
    height, width = explanation.values.shape
    low, high = scale_of(explanation)
    finite = explanation.values[np.isfinite(explanation.values)]
    lines = [f"{words(explanation)}.", f"{width}x{height} values from {low:.3g} to {high:.3g} on its own scale"]
    if finite.size:
        lines[1] = f"{width}x{height} values from {finite.min():.3g} to {finite.max():.3g}, mean {finite.mean():.3g}"
    found = shares(explanation)
    if np.isnan(found).all():
        return lines
    sign = "; negative: mostly against the class" if explanation.signed else ""
    lines += ["", f"percent of the map in {found.shape[0]} rows and {found.shape[1]} columns{sign}:"]
    cells = [[f"{100 * share:.1f}" for share in row] for row in found.tolist()]
    head = ["", *map(str, range(1, found.shape[1] + 1))]
    return [*lines, *_columns([head, *([f"row {n}", *row] for n, row in enumerate(cells, 1))])]


@in_words.register(Gallery)
def _(explanation: Gallery) -> list[str]:
    """What is marked has a star, the highest score comes first."""
    scores = explanation.scores
    order = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), kind="stable").tolist()
    rows = [["", "picture", "score"]]
    for index in order:
        mark = "*" if index in explanation.marked else ""
        rows.append([mark, plain(explanation.captions[index]) or f"picture {index + 1}", f"{scores[index]:.4g}"])
    told = f"score: {plain(explanation.meta['score'])}" if isinstance(explanation.meta.get("score"), str) else ""
    return [f"{words(explanation)}.", *([told] if told else []), "", *_columns(rows, left=2)]


@in_words.register(Matrix)
def _(explanation: Matrix) -> list[str]:
    names = [plain(name) for name in explanation.classes]
    rows = [["true \\ predicted", *names], *([n, *map(str, c)] for n, c in zip(names, explanation.counts, strict=True))]
    return [f"{words(explanation)}.", "", *_columns(rows)]


@in_words.register(Reply)
def _(explanation: Reply) -> list[str]:
    return list(map(plain, explanation.text.splitlines()))


def image_in_words(image: NDArray[np.uint8]) -> list[str]:
    """The same of a picture itself, uint8 (H, W[, 3]): size, range, mean, and the mean grays of a 7x7 grid."""
    height, width = image.shape[:2]
    colour = "colour" if image.ndim == 3 else "gray"
    told = f"a {colour} picture of {width}x{height}, values {image.min()} to {image.max()}, mean {image.mean():.1f}"
    if image.ndim == 3:
        told += " (red, green, blue: {:.1f}, {:.1f}, {:.1f})".format(*image.mean((0, 1)).tolist())
    light = image.astype(np.float64) if image.ndim == 2 else image.astype(np.float64).mean(2)
    rows, columns = min(GRID, height), min(GRID, width)
    means = sums_over(light, rows, columns) / sums_over(np.ones_like(light), rows, columns)
    cells = [[f"row {n}", *(f"{mean:.0f}" for mean in row)] for n, row in enumerate(means.tolist(), 1)]
    head = ["", *map(str, range(1, columns + 1))]
    return [f"{told}.", "", f"mean brightness in {rows} rows and {columns} columns:", *_columns([head, *cells])]


def _columns(rows: Sequence[Sequence[str]], *, left: int = 1) -> Iterator[str]:
    """Cells in columns, the first `left` of them written from the left."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:{'<' if n < left else '>'}{widths[n]}}" for n, cell in enumerate(row))
        yield "  ".join(cells).rstrip()
