"""What the filters of a layer answer to one image, the strongest framed and numbered."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from fer_tui.contract import Classifier, Gallery

from . import filter_tables
from .truncated import truncated

RANKS = ("mean", "maximum")
ORDERS = ("columns", "rows")
_FRAME = 2  # pixels around each picture of a sheet


def filter_outputs(
    classifier: Classifier, layer: str, image: NDArray[np.uint8], *, top: int, rank: str, order: str
) -> Gallery:
    """Every filter's map, raw, float32 (C, h, w); scores: its mean or maximum; marked: the `top` strongest.

    The framed ones are numbered 1, 2, ... as they lie on the sheet: from top to bottom and then left to right
    (order "columns"), or by rows. extras: "mean", "maximum" float32 (C,); "number" int64 (C,), 0 where not framed;
    "strongest" int64 (top,), the framed filters, the strongest first (of equals the one with the lower number).
    """
    with torch.no_grad(), truncated(classifier, layer) as run:
        maps = run(classifier.inputs([image]))[0].float().cpu().numpy()
    mean, maximum = maps.mean((1, 2)), maps.max((1, 2))
    scores = mean if rank == "mean" else maximum
    strongest = np.argsort(-scores, kind="stable")[:top]
    numbers = numbered(strongest, columns_for(*maps.shape), order)
    number = np.zeros(len(maps), np.int64)
    number[list(numbers)] = list(numbers.values())
    captions = (f"filter {f} {amount(score)}" for f, score in enumerate(scores.tolist()))
    return Gallery(
        images=maps,
        captions=tuple(f"{numbers[f]}: {text}" if f in numbers else text for f, text in enumerate(captions)),
        scores=scores,
        marked=tuple(sorted(numbers)),
        extras={"mean": mean, "maximum": maximum, "number": number, "strongest": strongest},
        meta={"layer": layer},
        tables={"filters": filter_tables.outputs(mean, maximum, strongest)},
        notes=tuple(_notes(maps)),
    )


def numbered(framed: NDArray[np.int64], columns: int, order: str) -> dict[int, int]:
    """Each framed picture's number, from 1 on, on a sheet of so many columns."""
    places = [divmod(int(index), columns) for index in framed]
    places.sort(key=lambda place: place[::-1] if order == "columns" else place)
    return {row * columns + column: number for number, (row, column) in enumerate(places, 1)}


def columns_for(count: int, height: int, width: int) -> int:
    """The columns of the sheet on which a gallery is shown: about square, each picture in its frame."""
    return max(1, min(count, round(math.sqrt(count * (height + 2 * _FRAME) / (width + 2 * _FRAME)))))


def amount(value: float) -> str:
    """An activation for a caption: two decimals where they say enough."""
    return f"{value:.2f}" if value == 0 or 0.1 <= abs(value) < 1000 else f"{value:.2g}"


def _notes(maps: NDArray[np.float32]) -> list[str]:
    broken = int((~np.isfinite(maps)).any((1, 2)).sum())
    silent = int((maps.max((1, 2)) == maps.min((1, 2))).sum()) if maps[0].size > 1 else 0
    notes = [f"{broken} of {len(maps)} outputs are not finite"] if broken else []
    return [*notes, f"{silent} of {len(maps)} outputs are the same everywhere"] if silent else notes
