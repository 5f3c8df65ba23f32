"""Raw scores of a whole dataset, made once: in memory while it is small, in the store always.

Those of a picture that cannot be read are NaN: it stops none of the others.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import PictureError

from .keys import scores_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

    from .stores import Storage

CHUNK = 512  # rows for each entry of the store
_FEW = 16  # rows at a time of those that are wanted first
_STEP = 64  # rows predicted at a time, at first
_SOON = 0.05  # seconds: twice as many while they take less, for that is how long another job waits
_MEMORY = 256 << 20  # bytes of scores that are kept in memory at most


class Scores:
    """The scores of one checkpoint on one dataset, chunk by chunk.

    classifier: opens the checkpoint, when a chunk is not known. chunks: what is in memory, by the chunk's key. rows: so
    many one pass takes at first.
    """

    def __init__(
        self,
        classifier: Callable[[], TorchClassifier],
        digest: str,
        dataset: MappedDataset,
        store: Storage | None,
        chunks: dict[str, NDArray[np.float32]],
        rows: int,
    ) -> None:
        self._classifier, self._digest = classifier, digest
        self._dataset, self._store, self._chunks = dataset, store, chunks
        self._pass, self._step = rows, max(_STEP, min(rows, CHUNK))

    def stream(self, start: int = 0, rows: Sequence[int] = ()) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """(first row, float32 (n, classes)) for every row once, beginning at the chunk of row `start`, then round.

        rows: these come before all others, by themselves, and a second time with their chunks.
        """
        for part in (rows[at : at + _FEW] for at in range(0, len(rows), _FEW)):
            yield from self._alone(part)
        first = start // CHUNK * CHUNK
        before = None  # what was asked for last: while it is handed over, the device is at what comes next
        for asked in self._asked([*range(first, len(self._dataset), CHUNK), *range(0, first, CHUNK)]):
            if before is not None:
                yield from before()
            before = asked
        if before is not None:
            yield from before()

    def _asked(self, starts: Sequence[int]) -> Iterator[Callable[[], Iterator[tuple[int, NDArray[np.float32]]]]]:
        """What hands over the rows of these chunks; where a pass takes whole chunks, their scores are asked for."""
        most, at = self._pass // CHUNK, 0
        while at < len(starts):
            end, known = at, None
            while end < min(at + most, len(starts)) and starts[end] - starts[at] == (end - at) * CHUNK:
                known = self.known(starts[end])
                if known is not None:
                    break
                end += 1
            if end > at:
                yield self._predicting(starts[at:end])
            elif known is not None:
                yield partial(iter, [(starts[at], known)])
            else:
                yield partial(self.chunk, starts[at])
            at = max(end, at + 1)

    def _predicting(self, starts: Sequence[int]) -> Callable[[], Iterator[tuple[int, NDArray[np.float32]]]]:
        """What waits for the scores of chunks that follow each other, and hands them over together."""
        first, stop = starts[0], min(starts[-1] + CHUNK, len(self._dataset))
        try:
            scores = self._classifier().predicting(self._dataset.images(first, stop))
        except PictureError:
            return lambda: itertools.chain.from_iterable(map(self.chunk, starts))

        def rows() -> Iterator[tuple[int, NDArray[np.float32]]]:
            found = scores()
            for start in starts:
                self._keep(start, found[start - first : start - first + CHUNK])
            yield first, found

        return rows

    def _alone(self, rows: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """A few rows from anywhere; they are not kept."""
        missing = []
        for row in rows:
            start = row // CHUNK * CHUNK
            known = self.known(start)
            if known is None:
                missing.append(row)
            else:
                yield row, known[row - start : row - start + 1]
        if missing:
            scores, _ = self._of_readable(missing)
            for row, each in zip(missing, scores, strict=True):
                yield row, each[None]

    def _predicted(self, start: int, stop: int) -> tuple[NDArray[np.float32], bool]:
        """Scores of rows start to stop - 1; whether they stay so: a picture that is gone may come back."""
        try:
            images = self._dataset.images(start, stop)
        except PictureError:
            return self._of_readable(range(start, stop))
        return self._classifier().predict(images), True

    def _of_readable(self, rows: Sequence[int]) -> tuple[NDArray[np.float32], bool]:
        """The same of any rows, whether their pictures can be read or not."""
        classifier = self._classifier()
        images, faults = self._dataset.readable(rows)
        scores = np.full((len(rows), len(classifier.classes)), np.nan, np.float32)
        there = [number for number, image in enumerate(images) if image is not None]
        if there:
            scores[there] = classifier.predict([image for image in images if image is not None])
        return scores, all(fault.is_spoiled for fault in faults)

    def key(self, start: int) -> str:
        """The store's key of the chunk that begins with row `start`."""
        stop = min(start + CHUNK, len(self._dataset))
        return scores_key(self._digest, self._dataset.key, start, stop)

    def chunk(self, start: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The rows of the chunk that begins with row `start`, part by part; kept by the time the last one is there."""
        stop = min(start + CHUNK, len(self._dataset))
        known = self.known(start)
        if known is not None:
            yield start, known
            return
        parts: list[NDArray[np.float32]] = []
        row, classifier, stays = start, self._classifier(), True
        while row < stop:
            began = time.perf_counter()
            part, stay = self._predicted(row, min(row + self._step, stop))
            parts.append(part)
            stays = stays and stay
            short = time.perf_counter() - began < _SOON
            if short and len(part) == self._step < CHUNK and not classifier.is_steady:
                self._step *= 2
            row += len(part)
            if row == stop and stays:
                self._keep(start, np.concatenate(parts))
            yield row - len(part), part

    def known(self, start: int) -> NDArray[np.float32] | None:
        """The chunk that begins with row `start`, float32 (n, classes), where it was made already."""
        key, stop = self.key(start), min(start + CHUNK, len(self._dataset))
        if key in self._chunks:
            return self._chunks[key]
        blob = self._store.get(key) if self._store is not None else None
        if blob is None:
            return None
        return np.frombuffer(blob, "<f4").reshape(stop - start, -1)

    def _keep(self, start: int, scores: NDArray[np.float32]) -> None:
        if self._store is not None:
            self._store.put(self.key(start), scores.astype("<f4").tobytes(), method="scores")
        if (len(self._chunks) + 1) * scores.nbytes <= _MEMORY:
            self._chunks[self.key(start)] = scores
