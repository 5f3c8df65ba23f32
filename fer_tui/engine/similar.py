"""The most similar images by the network's own features: the input of its last linear layer, by cosine distance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from fer_tui.contract import FerTuiError, InputError, PictureError

from .keys import features_key
from .messages import Neighbour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.dataset import MappedDataset

    from .engine import Engine

    Image = NDArray[np.uint8]
    Found = tuple[Neighbour, ...]

_CHUNK = 1024  # rows for each entry of the store
_LEAST = 1e-12  # of a norm


def searched(dataset: MappedDataset) -> MappedDataset:
    """The training split of the source where it has one, else what is open."""
    name = next((split for split in dataset.splits if split.lower().startswith("train")), None)
    return dataset if name in (None, dataset.split) else dataset.narrowed(name)


class Features:
    """The features of all images of one split under one network, each of length one: float16 (n, features).

    They are made once, chunk by chunk, and kept in the store; those of a picture that cannot be read are NaN.
    InputError where the network has no layer that weighs features.
    """

    def __init__(self, engine: Engine, checkpoint: int | None = None) -> None:
        if engine.dataset is None:
            raise InputError("dataset", "there is nothing to search", "name one with --data")
        self._store = engine.store
        self.open = engine.dataset
        self.dataset = searched(engine.dataset)
        self.classifier = engine.classifier.at(checkpoint if checkpoint is not None else engine.classifier.default)
        self.name = self.classifier.digest, self.dataset.key
        self._head: tuple[nn.Module, nn.Module] | None = None  # and the network that it is of
        self._chunks: list[NDArray[np.float16]] = []

    def make(self) -> Iterator[float]:
        """Make what is missing; the share that is there, after every step of the work."""
        total = len(self.dataset)
        for start in range(sum(map(len, self._chunks)), total, _CHUNK):
            stop = min(start + _CHUNK, total)
            key = features_key(*self.name, start, stop)
            blob = self._store.get(key) if self._store is not None else None
            if blob is not None:
                self._chunks.append(np.frombuffer(blob, "<f2").reshape(stop - start, -1))
                continue
            (images, there, stays), parts = self._readable(start, stop), []

            def run(first: int, last: int, images: Any = images) -> NDArray[np.float16]:
                return self.of(images[first:last]).astype("<f2")

            for _, last, part in self.classifier.in_batches(len(images), run, "features"):
                parts.append(part)
                yield (start + last) / total
            found = np.concatenate(parts)
            chunk = np.full((stop - start, found.shape[1]), np.nan, "<f2")
            chunk[there] = found[: len(there)]
            if self._store is not None and stays:
                self._store.put(key, chunk.tobytes(), method="features")
            self._chunks.append(chunk)

    def _readable(self, start: int, stop: int) -> tuple[Any, list[int], bool]:
        """The images of these rows that can be read (a black one where none can), which, and whether that stays so."""
        try:
            return self.dataset.images(start, stop), list(range(stop - start)), True
        except PictureError:
            images, faults = self.dataset.readable(range(start, stop))
        there = [number for number, image in enumerate(images) if image is not None]
        shown = [images[number] for number in there] or [np.zeros(self.classifier.input_shape[1:], np.uint8)]
        return shown, there, all(fault.is_spoiled for fault in faults)

    def of(self, images: Any) -> NDArray[np.float32]:
        """float32 (n, features): of these images, each of length one."""
        layer = self._weighing(images[:1])
        with torch.no_grad(), _input_of(layer) as caught:
            self.classifier.scores(self.classifier.inputs(images))
        given = caught[-1].float()
        among = range(2, given.dim()) if isinstance(layer, nn.Conv2d) else range(1, given.dim() - 1)
        values: NDArray[np.float32] = (given.mean(tuple(among)) if among else given).cpu().numpy()
        if not np.isfinite(values).all():
            raise FerTuiError("the network's features are not finite, so that nothing can be similar")
        return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _LEAST), np.float32)

    def nearest(self, row: int, count: int) -> Found:
        """The `count` nearest images to a row of the open split, the nearest first; never that very row.

        distance: 1 - cosine, 0 to 2. Call it when all of `make` is done.
        """
        (wanted,) = self.of(self.open.images(row, row + 1))
        distances = np.concatenate([1 - chunk.astype(np.float32) @ wanted for chunk in self._chunks])
        sources = self.dataset.source_rows
        distances[(sources == self.open.source_rows[row]) | np.isnan(distances)] = np.inf
        order = [int(each) for each in np.argsort(distances, kind="stable")[:count] if distances[each] < np.inf]
        if not order:
            return ()
        predicted = self.classifier.predict([self.dataset[each].image for each in order]).argmax(1)
        return tuple(
            Neighbour(
                row=each,
                source=int(sources[each]),
                label=int(self.dataset.labels[each]),
                predicted=int(predicted[n]),
                distance=max(0.0, float(distances[each])),
            )
            for n, each in enumerate(order)
        )

    def _weighing(self, images: Any) -> nn.Module:
        """The linear layer that is used last; where there is none, the convolution that is."""
        module = self.classifier.module
        if self._head is None or self._head[1] is not module:
            used: list[nn.Module] = []
            layers = [each for each in module.modules() if isinstance(each, nn.Linear | nn.Conv2d)]
            handles = [each.register_forward_pre_hook(lambda layer, _: used.append(layer)) for each in layers]
            try:
                with torch.no_grad():
                    self.classifier.scores(self.classifier.inputs(images))
            finally:
                for handle in handles:
                    handle.remove()
            linear = [each for each in used if isinstance(each, nn.Linear)] or used
            if not linear:
                raise InputError("network", "has neither a linear layer nor a convolution", "it has no features")
            self._head = linear[-1], module
        return self._head[0]


@contextmanager
def _input_of(layer: nn.Module) -> Iterator[list[torch.Tensor]]:
    """What a layer is given inside."""
    caught: list[torch.Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: caught.append(given[0].detach().clone()))
    try:
        yield caught
    finally:
        handle.remove()
