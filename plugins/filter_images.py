"""The images of a dataset that excite the filters of a layer most."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fer_tui.contract import Classifier, Dataset, Gallery, Layer, PictureError, Place, Result

from . import filter_tables
from .filter_outputs import amount
from .pacing import Pace
from .truncated import Run, layer_outputs

_MORE = 64 << 20  # bytes of pictures that are handed over beside those that were asked for
_BLACK = np.zeros((1, 1), np.uint8)  # stands where no picture of a pass can be read


class _Best:
    """The rows with the highest activations so far. values: float32 (filters, top); rows: int64, -1 where none."""

    def __init__(self, filters: int, top: int) -> None:
        self.values = np.full((filters, top), -np.inf, np.float32)
        self.rows = np.full((filters, top), -1, np.int64)
        self.broken = 0

    def add(self, start: int, activations: NDArray[np.float32]) -> None:
        """Take in rows `start` onwards, (n, filters); of equals the earlier row is kept."""
        finite = np.isfinite(activations)
        self.broken += int((~finite).any(1).sum())
        activations = np.where(finite, activations, -np.inf)
        if not (activations.max(0) > self.values[:, -1]).any():
            return
        rows = np.broadcast_to(np.arange(start, start + len(activations)), activations.T.shape)
        values, rows = np.concatenate([self.values, activations.T], 1), np.concatenate([self.rows, rows], 1)
        rows = np.where(np.isfinite(values), rows, -1)
        order = np.argsort(-values, axis=1, kind="stable")[:, : self.values.shape[1]]
        self.values, self.rows = np.take_along_axis(values, order, 1), np.take_along_axis(rows, order, 1)


def exciting_images(
    classifier: Classifier,
    fast: Classifier,
    dataset: Dataset,
    places: Sequence[Place],
    *,
    layer: Layer,
    top: int,
    rank: str,
    meta: dict[str, str],
    notes: tuple[str, ...],
    alone: bool,
) -> Iterator[Result]:
    """For each place the `top` images of its filter, best first; every filter's best one where it names no filter.

    rank: whether a filter's mean or maximum counts. fast: runs instead of `classifier`. alone: one place was asked for:
    it is shown on the way, and the other filters of the layer are handed over too, for one pass serves them all.
    Gallery.images float32 (N, H, W[, 3]) in 0..1, as the network sees them; extras "rows" int64 (N,), "filters" (N,).
    """
    best, pace, rows = _Best(layer.filters, min(top, len(dataset))), Pace(), len(dataset)
    with layer_outputs(classifier, fast, layer.name) as run:
        for start, activations in _activations(fast, dataset, rank, run):
            best.add(start, activations)
            done = (start + len(activations)) / rows
            if alone and done < 1 and pace.due:
                with pace.showing():
                    gallery = _gallery(classifier, dataset, best, places[0].filter, meta, notes)
                    yield Result(places[0], gallery, final=False, progress=done)
    if best.broken:
        notes += (f"left out, not finite or no picture that can be read: {best.broken} of {rows} rows",)
    if not rows:
        notes += ("the dataset has no rows",)
    wanted = list(places)
    if alone and layer.filters * best.rows.shape[1] * 4 * int(np.prod(classifier.input_shape)) <= _MORE:
        every = (replace(places[0], filter=each) for each in (None, *range(layer.filters)))
        wanted = [*(place for place in every if place != places[0]), places[0]]
    for place in wanted:
        yield Result(place, _gallery(classifier, dataset, best, place.filter, meta, notes), progress=1.0)


def _activations(
    classifier: Classifier, dataset: Dataset, rank: str, run: Run
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(first row, float32 (n, filters)) over the whole dataset; NaN of a picture that cannot be read.

    PictureError, of the first, in the end where none of all can.
    """
    seen = 0

    def activations(start: int, stop: int) -> Callable[[], list[NDArray[np.float32]]]:
        nonlocal seen
        images, there = _readable(dataset, start, stop)
        seen += len(there)
        with torch.no_grad():
            maps = run(classifier.inputs(images)).float()
            fetch = classifier.fetching(maps.mean((2, 3)) if rank == "mean" else maps.amax((2, 3)))
        return fetch if len(there) == stop - start else lambda: [_spread(fetch()[0], there, stop - start)]

    for start, _, made in classifier.in_batches(len(dataset), activations, "activations"):
        yield start, made()[0]
    if len(dataset) and not seen:
        dataset.images(0, 1)  # raises what is wrong


def _readable(dataset: Dataset, start: int, stop: int) -> tuple[Sequence[NDArray[np.uint8]], list[int]]:
    """The images of these rows that can be read, and which they are, from 0; where none can, a black one, no row's."""
    try:
        return dataset.images(start, stop), list(range(stop - start))
    except PictureError:
        found = {}
        for row in range(start, stop):
            with contextlib.suppress(PictureError):
                found[row - start] = dataset[row].image
        return list(found.values()) or [_BLACK], list(found)


def _spread(found: NDArray[np.float32], there: list[int], count: int) -> NDArray[np.float32]:
    """The same with rows of NaN between them, `count` in all."""
    whole = np.full((count, found.shape[1]), np.nan, np.float32)
    whole[there] = found[: len(there)]
    return whole


def _gallery(
    classifier: Classifier,
    dataset: Dataset,
    best: _Best,
    filter: int | None,
    meta: dict[str, str],
    notes: tuple[str, ...],
) -> Gallery:
    if filter is not None:
        rows, values = best.rows[filter], best.values[filter]
        filters = np.full(len(rows), filter, np.int64)
    else:  # there is no first image where there is no row
        rows, values = best.rows[:, :1].ravel(), best.values[:, :1].ravel()
        filters = np.arange(len(rows), dtype=np.int64)
    there = rows >= 0
    rows, values, filters = rows[there], values[there], filters[there]
    samples = [dataset[int(row)] for row in rows]
    _, height, width = classifier.input_shape
    shape = (height, width) if classifier.input_shape[0] == 1 else (height, width, 3)
    images: NDArray[np.float32] = np.zeros((len(samples), *shape), np.float32)
    for n, sample in enumerate(samples):
        images[n] = classifier.shown(sample.image) / np.float32(255)
    captions = []
    for f, row, value, sample in zip(filters.tolist(), rows.tolist(), values.tolist(), samples, strict=True):
        label = f" {dataset.classes[sample.label]}" if 0 <= sample.label < len(dataset.classes) else ""
        captions.append(f"{f'filter {f} ' if filter is None else ''}row {row}{label} {amount(value)}")
    return Gallery(
        images=images,
        captions=tuple(captions),
        scores=values,
        extras={"rows": rows, "filters": filters},
        tables={"images": filter_tables.exciting(filters, rows, values, [sample.label for sample in samples])},
        meta=meta,
        notes=notes,
    )
