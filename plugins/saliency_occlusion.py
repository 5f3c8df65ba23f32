"""Occlusion: how far the score falls when a part of the picture is hidden."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_tui.contract import InputError

from .saliency_regions import Mask, Regions
from .saliency_scores import Attribution, Image, Score, Values

_ACROSS = 6  # windows that fit side by side into the shorter side, where none is given
_TOLD = 8  # regions in the note


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
    score: Score, image: Image, target: int, *, against: Callable[[Tensor], Tensor], window: int, stride: int
) -> Iterator[Attribution]:
    """y(x) - y(x without a window), the mean over the windows that cover a pixel (Zeiler and Fergus 2013).

    Windows of `window` pixels every `stride`, as many as reach the far edge, where they are cut off. They come in an
    order that covers the picture soon; where none has been yet, the value is 0.
    """
    height, width = score.classifier.input_shape[1:]
    corners = _corners(height, width, window, stride)

    def masks(start: int, stop: int) -> Mask:
        made = np.zeros((stop - start, height, width), np.bool_)
        for mask, (top, left) in zip(made, corners[start:stop], strict=True):
            mask[top : top + window, left : left + window] = True
        return made

    total, cover = np.zeros((height, width)), np.zeros((height, width))
    meta = {"window": window, "stride": stride, "windows": len(corners)}
    for stop, hidden, drops in _drops(score, image, target, against, masks, len(corners)):
        total += np.tensordot(drops, hidden, 1)
        cover += hidden.sum(0)
        values = (total / np.maximum(cover, 1)).astype(np.float32)
        yield _attribution(score, values, stop / len(corners), meta)


def by_regions(
    score: Score, image: Image, target: int, *, against: Callable[[Tensor], Tensor], regions: Regions, row: int | None
) -> Iterator[Attribution]:
    """y(x) - y(x without a region) on the region's pixels; on a pixel of several, that of the smallest; elsewhere 0.

    extras: "drops" float32 (R,) and "pixels" int32 (R,), the regions' sizes, in the order of meta["regions"]; meta has
    the "drops" by name too. A region that has no pixel in this image has the drop 0. Notes tell the largest drops.
    """
    masks = regions.of(score.classifier, image, row)
    pixels = masks.sum((1, 2), dtype=np.int32)
    drops = np.zeros(len(masks), np.float32)
    names = regions.names
    done = 0
    for stop, _, made in _drops(score, image, target, against, lambda a, b: masks[a:b], len(masks)):
        drops[done:stop] = np.where(pixels[done:stop] > 0, made, 0)
        done = stop
        values = np.zeros(masks.shape[1:], np.float32)
        for index in np.argsort(-pixels[:done], kind="stable"):
            values[masks[index]] = drops[index]
        meta = {"regions": list(names), "drops": dict(zip(names, drops.tolist(), strict=True))}
        notes = tuple(_told(names, drops, pixels)) if done == len(masks) else ()
        extras = {"drops": drops.copy(), "pixels": pixels}
        yield _attribution(score, values, done / len(masks), meta, extras, notes)


def _drops(
    score: Score,
    image: Image,
    target: int,
    against: Callable[[Tensor], Tensor],
    masks: Callable[[int, int], Mask],
    count: int,
) -> Iterator[tuple[int, Mask, NDArray[np.float64]]]:
    """After each pass: how many masks are done; those of this pass (n, H, W), and what hiding each costs (n,)."""
    x = score.inputs([image])
    base = against(x)
    (whole,) = score.values(x, [target])

    def run(start: int, stop: int) -> tuple[Mask, NDArray[np.float64]]:
        hidden = masks(start, stop)
        where = torch.from_numpy(hidden).to(x.device).unsqueeze(1)
        return hidden, whole - score.values(torch.where(where, base, x), [target] * len(hidden))

    for _, stop, (hidden, drops) in score.batches(count, run, "masked"):
        yield stop, hidden, drops


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


def _corners(height: int, width: int, window: int, stride: int) -> list[tuple[int, int]]:
    """(top, left) of every window: first those that just cover the picture, then those between them."""
    rows, columns = (range(0, math.ceil((side - window) / stride) * stride + 1, stride) for side in (height, width))
    every = max(1, window // stride)
    first = {(top, left) for top in _sparse(rows, every) for left in _sparse(columns, every)}
    return sorted(((top, left) for top in rows for left in columns), key=lambda corner: corner not in first)


def _sparse(starts: range, every: int) -> list[int]:
    return sorted({*starts[::every], starts[-1]})


def _told(names: tuple[str, ...], drops: Values, pixels: NDArray[np.int32]) -> Iterator[str]:
    seen = [index for index in np.argsort(-np.abs(drops), kind="stable").tolist() if pixels[index]]
    if seen:
        parts = ", ".join(f"{names[index]} {drops[index]:+.3g}" for index in seen[:_TOLD])
        more = f" and {len(seen) - _TOLD} more" if len(seen) > _TOLD else ""
        yield f"drop of the score where hidden: {parts}{more}"
    if absent := [name for name, count in zip(names, pixels, strict=True) if not count]:
        yield f"not in this image: {', '.join(absent)}"
