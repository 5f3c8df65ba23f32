"""Tables of filters, classes and images: what a gallery shows, in numbers that can be sorted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Axis, Column, Table

_MOST = 10_000  # rows
Floats = NDArray[np.float32]


def climbed(axis: Axis, units: Sequence[int], start: Floats, final: Floats, dead: NDArray[np.bool_]) -> Table:
    """What the climb did to each filter, or class. units: numbers; dead: no step changed the activation."""
    name = "class" if axis is Axis.TARGET else "filter"
    columns = (
        Column(name, link=axis, align="left" if axis is Axis.TARGET else "right"),
        Column("start", unit="activation"),
        Column("final", unit="activation"),
        Column("gain", unit="activation"),
        Column("dead"),
    )
    rows = zip(units, start.tolist(), final.tolist(), (final - start).tolist(), dead.tolist(), strict=True)
    return Table(columns, list(rows)[:_MOST], f"activation of each {name} before and after the climb")


def outputs(mean: Floats, maximum: Floats, strongest: NDArray[np.integer[Any]]) -> Table:
    """How each filter answers to the image. strongest: filters, the strongest first."""
    ranks = {int(filter): rank for rank, filter in enumerate(strongest, 1)}
    columns = (
        Column("filter", link=Axis.FILTER),
        Column("mean", unit="output"),
        Column("maximum", unit="output"),
        Column("rank"),
    )
    rows = [(n, mean[n], maximum[n], ranks.get(n)) for n in range(len(mean))]
    return Table(columns, rows[:_MOST], "each filter's output on this image; rank: of the framed ones")


def exciting(
    filters: NDArray[np.integer[Any]], rows: NDArray[np.integer[Any]], values: Floats, labels: Sequence[int]
) -> Table:
    """The images that excite filters. labels: the rows' classes, -1 where there is none."""
    columns = (
        Column("filter"),
        Column("image", link=Axis.IMAGE),
        Column("class", align="left", link=Axis.TARGET),
        Column("activation"),
    )
    classes = [label if label >= 0 else None for label in labels]
    cells = zip(filters.tolist(), rows.tolist(), classes, values.tolist(), strict=True)
    return Table(columns, list(cells)[:_MOST], "the images that excite filters most")
