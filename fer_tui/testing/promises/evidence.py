"""Evidence: of a network that reads known pixels only, a map must show these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Axis, Heatmap, InputError
from fer_tui.testing.bench import ROWS, Bench, Setting
from fer_tui.testing.broken import NotAsked, expect
from fer_tui.testing.networks import SIDE, Planted

from .promise import Promise

_TIMES = 2.0  # as much inside as outside, by the mean of the values, at least
_ROWS = (1, 3)


def _points_there(bench: Bench) -> None:
    if bench.kind != "heatmap" or not {Axis.IMAGE, Axis.TARGET} <= bench.axes:
        raise NotAsked("it makes no heat map of an image for a class")
    network = Planted()
    regions = network.regions.numpy() > 0
    setting = Setting(classes=len(regions), size=(SIDE, SIDE))
    engine = bench.engine(setting, network, _pictures(regions))
    for row in _ROWS:
        for target, region in enumerate(regions):
            task = bench.task(engine, bench.place(engine, row=row, target=target, filter=target))
            try:
                made = bench.made(task)
            except InputError as error:
                raise NotAsked(f"it refuses the planted network: {error}") from None
            if not isinstance(made, Heatmap) or made.values.shape != region.shape:
                raise NotAsked("its results are not of the declared kind and size")
            finite = np.nan_to_num(made.values)
            values = np.maximum(finite, 0) if made.signed else np.abs(finite)
            inside, outside = float(values[region].mean()), float(values[~region].mean())
            expect(
                inside >= _TIMES * outside and inside > 0,
                f"the score of class {target} hangs on one square alone, and the map has a mean of {inside:.3g} inside "
                f"and of {outside:.3g} outside of it",
                "check that it explains the class that is asked for, that x and y are not swapped, and its sign; "
                "excuse it from this promise where the method does not show evidence for a class",
            )


def _pictures(regions: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """ROWS noise pictures, roughest in the region of their label."""
    rng = np.random.default_rng(5)
    labels = np.arange(ROWS) % len(regions)
    rough = np.where(regions[labels], 110, 70)
    return (128 + rough * rng.uniform(-1, 1, (ROWS, SIDE, SIDE))).astype(np.uint8), labels


PROMISES = (
    Promise(
        "it points at the evidence",
        "A method that cannot find what is planted will not find what is not known.",
        _points_there,
    ),
)
