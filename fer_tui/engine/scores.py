"""Raw scores of a whole dataset, made once: in memory while it is small, in the store always."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .keys import scores_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.contract import Classifier
    from fer_tui.dataset import MappedDataset

    from .store import Store

CHUNK = 512  # rows for each entry of the store
_STEP = 64  # rows predicted at a time, at first
_SOON = 0.05  # seconds: twice as many while they take less, for that is how long another job waits
_MEMORY = 256 << 20  # bytes of scores kept at most where there is no store


class Scores:
    """The scores of one classifier on one dataset, chunk by chunk."""

    def __init__(self, classifier: Classifier, dataset: MappedDataset, store: Store | None) -> None:
        self._classifier, self._dataset, self._store = classifier, dataset, store
        self._chunks: dict[int, NDArray[np.float32]] = {}
        self._step = _STEP

    def stream(self, start: int = 0) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """(first row, float32 (n, classes)) for every row once, beginning at the chunk of row `start`, then round."""
        first = start // CHUNK * CHUNK
        for chunk in [*range(first, len(self._dataset), CHUNK), *range(0, first, CHUNK)]:
            yield from self._chunk(chunk)

    def _chunk(self, start: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        stop = min(start + CHUNK, len(self._dataset))
        known = self._known(start, stop)
        if known is not None:
            yield start, known
            return
        parts: list[NDArray[np.float32]] = []
        row = start
        while row < stop:
            began = time.perf_counter()
            images = self._dataset.images(row, min(row + self._step, stop))
            parts.append(self._classifier.predict(images))
            if len(images) == self._step < CHUNK and time.perf_counter() - began < _SOON:
                self._step *= 2
            yield row, parts[-1]
            row += len(images)
        self._keep(start, stop, np.concatenate(parts))

    def _known(self, start: int, stop: int) -> NDArray[np.float32] | None:
        if start in self._chunks:
            return self._chunks[start]
        blob = self._store.get(self._key(start, stop)) if self._store is not None else None
        if blob is None:
            return None
        return np.frombuffer(blob, "<f4").reshape(stop - start, -1)

    def _keep(self, start: int, stop: int, scores: NDArray[np.float32]) -> None:
        if self._store is not None:
            self._store.put(self._key(start, stop), scores.astype("<f4").tobytes(), method="scores")
        if (len(self._chunks) + 1) * scores.nbytes <= _MEMORY:
            self._chunks[start] = scores

    def _key(self, start: int, stop: int) -> str:
        return scores_key(self._classifier.digest, self._dataset.key, start, stop)
