"""Occlusion: how far the score falls when a part of the picture is hidden."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_tui.contract import InputError

from .crossing import sent
from .saliency_passes import Passes, Span, Tensors, in_passes, sliding
from .saliency_regions import Mask, Regions
from .saliency_scores import Attribution, Image, Score, Values

Against = Callable[[Tensor], Tensor]

_ACROSS = 6  # windows that fit side by side into the shorter side, where none is given
_TOLD = 8  # regions in the note
_REMEMBERED = 1024  # masks


def window_of(height: int, width: int, window: int, stride: int) -> tuple[int, int]:
    """The window's side and its stride in pixels; 0 is a sixth of the input's shorter side, and half a window."""
    shorter = min(height, width)
    window = window or max(1, round(shorter / _ACROSS))
    stride = stride or max(1, window // 2)
    if window > shorter:
        fault = f"{window} pixels do not fit into the network's input of {height} x {width}"
        raise InputError("parameter window", fault, f"at most {shorter}")
    if stride > window:
        raise InputError("parameter stride", f"{stride} pixels leave gaps between windows of {window}", f"{window}")
    return window, stride


def by_windows(
    score: Score, images: Sequence[Image], targets: Sequence[int], *, against: Against, window: int, stride: int
) -> Iterator[tuple[int, Attribution]]:
    """y(x) - y(x without a window), the mean over the windows that cover a pixel (Zeiler and Fergus 2013).

    Windows of `window` pixels every `stride`, as many as reach the far edge, where they are cut off. They come in an
    order that covers the picture soon; where none has been yet, the value is 0.
    """
    down, across = (_stripes(side, window, stride) for side in score.classifier.input_shape[1:])
    places = _order(len(down), len(across), max(1, window // stride))
    # A first pass hides nothing: its window lies in a stripe that is empty.
    hiding = np.concatenate([[(len(down), 0)], places])

    @lru_cache(maxsize=1)
    def tables(device: torch.device) -> tuple[Tensor, Tensor]:
        empty = np.zeros((1, down.shape[1]), np.bool_)
        return sent(torch.from_numpy(np.concatenate([down, empty])), device), sent(torch.from_numpy(across), device)

    def hidden(passes: Passes, device: torch.device) -> Tensor:
        rows, columns = sent(torch.from_numpy(hiding[passes.numbers]), device).unbind(1)
        tall, wide = tables(device)
        return tall[rows].unsqueeze(2) & wide[columns].unsqueeze(1)

    meta = {"window": window, "stride": stride, "windows": len(places)}
    # By torch: NumPy's threads would take the cores from the network's for a while after each product.
    left, right = torch.from_numpy(down.T).double(), torch.from_numpy(across).double()
    seen, drops = np.zeros((2, len(down), len(across)))
    for (index, start, stop), drop in _drops(score, images, targets, against, hidden, len(places)):
        if start == 0:
            seen[:] = drops[:] = 0
        rows, columns = places[start:stop].T
        seen[rows, columns], drops[rows, columns] = 1, drop
        total, cover = (left @ torch.from_numpy(each) @ right for each in (drops, seen))
        values = (total / cover.clamp(min=1)).float().numpy()
        yield index, _attribution(score, values, stop / len(places), meta)


def by_regions(
    score: Score,
    images: Sequence[Image],
    targets: Sequence[int],
    *,
    against: Against,
    regions: Regions,
    rows: Sequence[int | None],
) -> Iterator[tuple[int, Attribution]]:
    """y(x) - y(x without a region) on the region's pixels; on a pixel of several, that of the smallest; elsewhere 0.

    rows: the images' rows of the dataset. extras: "drops" float32 (R,) and "pixels" int32 (R,), the regions' sizes, in
    the order of meta["regions"]; meta has the "drops" by name too. A region that has no pixel in this image has the
    drop 0. Notes tell the largest drops.
    """
    names = regions.names

    @lru_cache(maxsize=max(2, _REMEMBERED // len(names)))  # of the images of a batch
    def masks_of(index: int) -> Mask:
        return regions.of(score.classifier, images[index], rows[index])

    def hidden(passes: Passes, device: torch.device) -> Tensor:
        nothing = np.zeros((1, *score.classifier.input_shape[1:]), np.bool_)
        masks = [np.concatenate([nothing, masks_of(each.image)])[each.start : each.stop] for each in passes.spans]
        return sent(torch.from_numpy(np.concatenate(masks)), device)

    drops = np.zeros(len(names), np.float32)
    for (index, start, stop), made in _drops(score, images, targets, against, hidden, len(names)):
        masks = masks_of(index)
        pixels = masks.sum((1, 2), dtype=np.int32)
        drops[start:stop] = np.where(pixels[start:stop] > 0, made, 0)
        drops[stop:] = 0
        values = np.zeros(masks.shape[1:], np.float32)
        for region in np.argsort(-pixels[:stop], kind="stable"):
            values[masks[region]] = drops[region]
        meta = {"regions": list(names), "drops": dict(zip(names, drops.tolist(), strict=True))}
        notes = tuple(_told(names, drops, pixels)) if stop == len(names) else ()
        extras = {"drops": drops.copy(), "pixels": pixels}
        yield index, _attribution(score, values, stop / len(names), meta, extras, notes)


def _drops(
    score: Score,
    images: Sequence[Image],
    targets: Sequence[int],
    against: Against,
    hidden: Callable[[Passes, torch.device], Tensor],
    count: int,
) -> Iterator[tuple[Span, NDArray[np.float64]]]:
    """What hiding each of `count` parts costs each image, span by span.

    hidden: what is hidden in each pass, bool (n, H, W); an image's first pass hides nothing, then come the parts.
    """

    @sliding
    def ends(start: int, stop: int) -> Tensors:
        x = score.inputs(images[start:stop])
        return x, against(x)

    def run(passes: Passes) -> list[Tensor]:
        x, base = passes.spread(*ends(passes.images.start, passes.images.stop))
        partly = torch.where(hidden(passes, x.device).unsqueeze(1), base, x)
        return [passes.by_image(score.numbers(partly, passes.targets(targets)))]

    whole = 0.0
    for (index, start, stop), (numbers,) in in_passes(score, len(images), count + 1, run, "masked"):
        if start == 0:
            whole = float(numbers[0])
        if stop > 1:
            first = max(start, 1)
            with np.errstate(invalid="ignore"):  # where both are infinite
                drops = whole - numbers[first:stop].astype(np.float64)
            yield Span(index, first - 1, stop - 1), drops


def _attribution(
    score: Score,
    values: Values,
    progress: float,
    meta: Mapping[str, object],
    extras: Mapping[str, NDArray[Any]] | None = None,
    notes: tuple[str, ...] = (),
) -> Attribution:
    if score.classifier.input_shape[0] > 1:
        meta = {**meta, "channels": "hidden together"}
    return Attribution(channels=values[None], progress=progress, notes=notes, meta=meta, extras=extras or {})


def _stripes(side: int, window: int, stride: int) -> Mask:
    """Which pixels of a side each window covers, (windows, side)."""
    starts = np.arange(0, math.ceil((side - window) / stride) * stride + 1, stride)[:, None]
    pixels = np.arange(side)
    return (starts <= pixels) & (pixels < starts + window)


def _order(rows: int, columns: int, every: int) -> NDArray[np.int64]:
    """(row, column) of each window among the windows: first those that just cover the picture, then those between."""
    first_rows, first_columns = ({*range(0, count, every), count - 1} for count in (rows, columns))
    places = [(row, column) for row in range(rows) for column in range(columns)]
    return np.array(sorted(places, key=lambda at: at[0] not in first_rows or at[1] not in first_columns))


def _told(names: tuple[str, ...], drops: Values, pixels: NDArray[np.int32]) -> Iterator[str]:
    seen = [index for index in np.argsort(-np.abs(drops), kind="stable").tolist() if pixels[index]]
    if seen:
        parts = ", ".join(f"{names[index]} {drops[index]:+.3g}" for index in seen[:_TOLD])
        more = f" and {len(seen) - _TOLD} more" if len(seen) > _TOLD else ""
        yield f"drop of the score where hidden: {parts}{more}"
    if absent := [name for name, count in zip(names, pixels, strict=True) if not count]:
        yield f"not in this image: {', '.join(absent)}"
