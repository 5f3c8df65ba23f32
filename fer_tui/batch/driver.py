"""Drives a batch: finds what is missing, has it made by a crew, writes what comes back. The store's only writer."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import InputError
from fer_tui.engine.scores import CHUNK

from .chunks import Aside, Chunk, Outcome
from .crew import Crew
from .digests import Digests
from .state import Meter, Stage, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.engine import Engine, Stores
    from fer_tui.engine.store import Row

    from .plan import Plan

_LOOK = 0.2  # seconds between two looks at whether to stop
_AHEAD = 2  # chunks for each worker that are under way: one that is made, one that waits
_DEATHS = 2  # of workers, by one chunk
_EVERY, _MOST = 0.5, 16 << 20  # seconds and bytes until what has come is written
_HOPELESS = 50  # places that could not be made, and none could: then it is no use to go on


class Driver:
    """Makes what is missing of a plan, for an engine's dataset and classifier, into `store`.

    hire: begins the crew, once there is something to make. stop: set it, and what is under way ends soon, with all that
    has come written. aside: places that could not be made.
    """

    def __init__(self, engine: Engine, store: Stores, hire: Callable[[], Crew]) -> None:
        assert engine.dataset is not None
        self.stop = False
        self.aside: list[Aside] = []
        self.made = self.bytes = 0
        self.digests = Digests(engine.dataset, store)
        self._engine, self.store, self._hire = engine, store, hire
        self._crew: Crew | None = None
        self._numbers = itertools.count()
        self._buffer: list[Row] = []
        self._buffered, self._written = 0, time.monotonic()

    @property
    def width(self) -> int:
        """How many workers there are; 1 while none was needed."""
        return self._crew.width if self._crew is not None else 1

    def close(self) -> None:
        """Write what has come, and end the crew."""
        try:
            self._flush()
        finally:
            if self._crew is not None:
                self._crew.close()

    def predict(self, checkpoints: Iterable[int]) -> Iterator[State]:
        """Have the scores of the whole dataset made under each checkpoint, as far as the store lacks them."""
        dataset = self._engine.dataset
        assert dataset is not None
        chunks = [Chunk(0, "scores", (row,), each) for each in checkpoints for row in range(0, len(dataset), CHUNK)]
        keys = [self._engine.scores_of(each.checkpoint).key(each.rows[0] or 0) for each in chunks]
        missing = set(self.store.missing(keys))
        wanted = [chunk for chunk, key in zip(chunks, keys, strict=True) if key in missing]

        def rows(chunk: Chunk) -> int:
            return min(CHUNK, len(dataset) - (chunk.rows[0] or 0))

        total, left, made = sum(map(rows, chunks)), sum(map(rows, wanted)), 0
        meter, spoiled = Meter(), len(self.aside)
        with closing(self.through(iter(wanted))) as outcomes:
            for outcome in outcomes:
                made += rows(outcome.chunk) if outcome is not None else 0
                yield _state("predictions", total, left - made, made, meter, self.bytes, 0)
        del self.aside[spoiled:]  # their rows are predicted one by one, so that each one is told by itself
        self._flush()

    def predicted(self, checkpoint: int) -> NDArray[np.int32]:
        """The predicted class of every row, from the store; -1 where it is not known, or no score is finite."""
        dataset, engine = self._engine.dataset, self._engine
        assert dataset is not None
        found: NDArray[np.int32] = np.full(len(dataset), -1, np.int32)
        scores = engine.scores_of(checkpoint)
        for start in range(0, len(dataset), CHUNK):
            known = scores.known(start)
            if known is not None:
                finite = np.isfinite(known).all(1)
                found[start : start + len(known)] = np.where(finite, known.argmax(1), -1)
        return found

    def lacking(self, plan: Plan, size: int) -> Iterator[Chunk]:
        """What the store lacks of each chunk of at most `size` images, where it lacks any.

        A place whose key is not known, for nobody has looked at its image yet, counts as one that it lacks.
        """
        none = not any(plan.method in each.usage().by_method for each in self.store.all)
        for number in range(plan.count(size)):
            if self.stop:
                return
            chunk = plan.chunk(number, size)
            if none or (chunk := self._without(plan, chunk)):
                yield chunk

    def make(self, plan: Plan, size: int) -> Iterator[State]:
        """Make all that is missing, in chunks of at most `size` images."""
        missing = sum(map(len, self.lacking(plan, size)))
        meter, found, before, aside_before = Meter(), 0, self.made, len(self.aside)

        def state(*, done: bool = False) -> State:
            made, aside = self.made - before, len(self.aside) - aside_before
            left = max(0, missing - made - found - aside)
            now = _state("maps", plan.total, left, made, meter, self.bytes, len(self.aside))
            return replace(now, done=done, made=self.made)

        with closing(self.through(self.lacking(plan, size))) as outcomes:
            for outcome in outcomes:
                if outcome is not None:
                    found += outcome.found
                yield state()
        self._flush()
        yield state(done=not self.stop)

    def _without(self, plan: Plan, chunk: Chunk) -> Chunk:
        """A chunk without what the store has of it."""
        keys = list(plan.keys(chunk, self.digests.of))
        missing = set(self.store.missing([key for key in keys if key is not None]))
        left = [n for n, key in enumerate(keys) if key is None or key in missing]
        rows, targets = (tuple(given[n] for n in left) for given in (chunk.rows, chunk.targets))
        return replace(chunk, rows=rows, targets=targets)

    def keep(self, row: Row) -> None:
        """Write an entry of the batch's own."""
        self._buffer.append(row)
        self._flush()

    def through(self, chunks: Iterator[Chunk]) -> Generator[Outcome | None, None, None]:
        """The outcome of each chunk, in any order, all of it taken over; None now and then, while one waits."""
        again: deque[tuple[Chunk, int]] = deque()  # with the number of workers that died of it
        flying: dict[int, int] = {}  # the same, by the chunk's index
        while True:
            while not self.stop and len(flying) < _AHEAD * self.width:
                chunk, deaths = again.popleft() if again else (next(chunks, None), 0)
                if chunk is None:
                    break
                self._crew = self._crew or self._hire()
                chunk = replace(chunk, index=next(self._numbers))
                flying[chunk.index] = deaths
                self._crew.submit(chunk)
            if not flying or self._crew is None:
                return
            outcome = self._crew.ended(0 if self.stop else _LOOK)
            if outcome is None and self.stop:
                return
            if outcome is None:
                self._flush(due=True)
                yield None
                continue
            deaths = flying.pop(outcome.chunk.index)
            if outcome.died:
                again.extend(self._retried(outcome, deaths + 1))
                yield None
            else:
                self._take(outcome)
                yield outcome

    def _retried(self, outcome: Outcome, deaths: int) -> Iterator[tuple[Chunk, int]]:
        """What is to be tried again: the chunk; its halves, once two workers have died of it, down to one place."""
        chunk = outcome.chunk
        if deaths < _DEATHS:
            yield chunk, deaths
        elif len(chunk) > 1:
            half = len(chunk) // 2
            for part in (slice(0, half), slice(half, None)):
                yield replace(chunk, rows=chunk.rows[part], targets=chunk.targets[part]), deaths - 1
        elif chunk.kind == "maps":
            self.aside.append(Aside(chunk.places[0], f"its worker died {deaths} times: {outcome.died}"))

    def _take(self, outcome: Outcome) -> None:
        self.aside.extend(outcome.aside)
        self.digests.add(outcome.digests)
        self._buffer.extend(outcome.rows)
        size = sum(len(blob) for _, blob, _, _ in outcome.rows)
        self._buffered += size
        if outcome.chunk.kind == "maps":
            self.made += outcome.made
            self.bytes += size
        if len(self.aside) >= _HOPELESS and not self.made:
            raise InputError(f"the first {len(self.aside)} places", self.aside[0].reason)
        self._flush(due=True)

    def _flush(self, *, due: bool = False) -> None:
        """Write what has come. due: only where it is time, for a transaction costs as much as many entries."""
        if due and time.monotonic() - self._written < _EVERY and self._buffered < _MOST:
            return
        rows = [*self._buffer, *self.digests.changed()]
        self._buffer, self._buffered = [], 0
        if rows and not self.store.put_many(rows):
            raise InputError("the store", "; ".join(self.store.notes) or "cannot be written to", "name another: --out")
        self._written = time.monotonic()


def _state(stage: Stage, total: int, missing: int, made: int, meter: Meter, size: int, aside: int) -> State:
    rate = meter.rate(made)
    return State(stage, total, missing, made, rate, missing / rate if rate else None, size, aside)
