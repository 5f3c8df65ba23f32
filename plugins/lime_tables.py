"""Tables of segments: where they lie, and what the linear model makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Column, Table

from .lime_views import ranked

Segments = NDArray[np.integer[Any]]
Coefficients = NDArray[np.floating[Any]]

_PLACE = (Column("segment"), Column("row", unit="px"), Column("column", unit="px"), Column("area", unit="%"))


def segment_table(segments: Segments, coefficients: Coefficients, which: NDArray[np.intp]) -> Table:
    """Each segment's centre, area and coefficient, the strongest first. which: the chosen ones."""
    where, taken = _places(segments, len(coefficients)), set(which.tolist())
    rows = [(n, *where[n], coefficients[n], n in taken) for n in ranked(coefficients).tolist()]
    columns = (*_PLACE, Column("coefficient"), Column("chosen"))
    return Table(columns, rows, "what showing a segment adds to the probability, in the linear model")


def seeds_table(segments: Segments, coefficients: Coefficients, chosen: NDArray[np.bool_]) -> Table:
    """The same over several seeds. coefficients: (seeds, segments); chosen: bool (seeds, segments)."""
    where, mean = _places(segments, coefficients.shape[1]), coefficients.mean(0)
    spread, times = coefficients.std(0, ddof=1), chosen.sum(0)
    rows = [(n, *where[n], mean[n], spread[n], times[n]) for n in ranked(mean).tolist()]
    columns = (
        *_PLACE,
        Column("mean"),
        Column("deviation"),
        Column("chosen"),
    )
    return Table(
        columns,
        rows,
        f"each segment's coefficient over {len(chosen)} seeds: mean, standard deviation, how often it is chosen",
    )


def _places(segments: Segments, count: int) -> list[tuple[float, float, float]]:
    """(row, column) of the centre and the area in percent, by segment."""
    flat = segments.ravel()
    sizes = np.maximum(np.bincount(flat, minlength=count), 1)
    centres = [
        np.bincount(flat, weights=at.ravel(), minlength=count) / sizes
        for at in np.indices(segments.shape).astype(np.float64)
    ]
    columns = (*(np.round(each, 1) for each in centres), np.round(100 * sizes / flat.size, 1))
    return [tuple(row) for row in np.stack(columns, 1).tolist()]
