"""Drives a batch: finds what is missing, has it made by a crew, writes what comes back. The store's only writer."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_tui.contract import InputError
from fer_tui.engine.scores import CHUNK

from .chunks import Aside, Chunk, Outcome
from .crew import Crew
from .state import Meter, State

if TYPE_CHECKING:
    from fer_tui.dataset import MappedDataset
    from fer_tui.engine import Stores
    from fer_tui.engine.store import Row

    from .plan import Plan

_LOOK = 0.2  # seconds between two looks at whether to stop
_DEATHS = 2  # of workers, by one chunk
_EVERY, _MOST = 0.5, 16 << 20  # seconds and bytes until what has come is written
_HOPELESS = 50  # places that could not be made, and none could: then it is no use to go on


class Driver:
    """Makes what is missing of a plan, into `store`.

    hire: begins the crew, once there is something to make. stop: set it, and what is under way ends soon, with all that
    has come written. aside: places that could not be made.
    """

    def __init__(self, dataset: MappedDataset, store: Stores, hire: Callable[[], Crew]) -> None:
        self.stop = False
        self.aside: list[Aside] = []
        self.made = self.found = self.bytes = 0
        self._total = self._missing = 0
        self._meter = Meter()
        self.dataset, self.store, self._hire = dataset, store, hire
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
            self.flush()
        finally:
            if self._crew is not None:
                self._crew.close()

    def begin(self, plan: Plan) -> None:
        """Find out how much is missing; from here on `state` tells how much still is."""
        self._total, self._missing = plan.total, sum(map(len, self.lacking(plan, CHUNK)))
        self._meter = Meter()

    def state(self, *, done: bool = False) -> State:
        """How far the maps are."""
        left = max(0, self._missing - self.made - self.found - len(self.aside))
        now = self._meter.state("maps", self._total, left, self.made)
        return replace(now, bytes=self.bytes, aside=len(self.aside), done=done)

    def has_any(self, plan: Plan) -> bool:
        """Whether the store has anything of that method."""
        return any(plan.method in each.usage().by_method for each in self.store.all)

    def lacking(self, plan: Plan, size: int) -> Iterator[Chunk]:
        """What the store lacks of each chunk of at most `size` images, where it lacks any and is not set aside.

        A place whose key is not known, for nobody has looked at its image yet, counts as one that it lacks.
        """
        none = not self.has_any(plan)
        for number in range(plan.count(size)):
            if self.stop:
                return
            chunk = plan.chunk(number, size)
            if (none and not self.aside) or (chunk := self._without(plan, chunk)):
                yield chunk

    def make(self, plan: Plan, size: int) -> Iterator[State]:
        """Make all that is missing, in chunks of at most `size` images."""
        with closing(self.through(self.lacking(plan, size))) as outcomes:
            for _ in outcomes:
                yield self.state()
        if not self.stop:  # the rest were pictures that are twice in the data: they have one key
            self.found = self._missing - self.made - len(self.aside)
        self.flush()
        yield self.state(done=not self.stop)

    def _without(self, plan: Plan, chunk: Chunk) -> Chunk:
        """A chunk without what the store has of it."""
        keys = plan.keys(chunk)
        missing = set(self.store.missing([key for key in keys if key is not None]))
        aside = {each.place for each in self.aside}
        left = [
            n
            for n, (key, place) in enumerate(zip(keys, chunk.places, strict=True))
            if (key is None or key in missing) and place not in aside
        ]
        rows, targets = (tuple(given[n] for n in left) for given in (chunk.rows, chunk.targets))
        return replace(chunk, rows=rows, targets=targets)

    def keep(self, row: Row) -> None:
        """Write an entry of the batch's own."""
        self._buffer.append(row)
        self.flush()

    def through(self, chunks: Iterator[Chunk]) -> Generator[Outcome | None, None, None]:
        """The outcome of each chunk, in any order, all of it taken over; None now and then, while one waits."""
        again: deque[tuple[Chunk, int]] = deque()  # with the number of workers that died of it
        flying: dict[int, int] = {}  # the same, by the chunk's index
        while True:
            while not self.stop and len(flying) < (self._crew.window if self._crew is not None else 1):
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
                self.flush(due=True)
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
        """What is to be tried again: the chunk; once two workers have died of it, its places one by one."""
        chunk = outcome.chunk
        if deaths < _DEATHS:
            yield chunk, deaths
        elif len(chunk) > 1:
            for n in range(len(chunk)):
                yield replace(chunk, rows=chunk.rows[n : n + 1], targets=chunk.targets[n : n + 1]), deaths - 1
        elif chunk.kind == "maps":
            self.aside.append(Aside(chunk.places[0], f"its worker died {deaths} times: {outcome.died}"))

    def _take(self, outcome: Outcome) -> None:
        self.aside.extend(outcome.aside)
        self.dataset.keep_digests(outcome.digests)
        self._buffer.extend(outcome.rows)
        size = sum(len(blob) for _, blob, _, _ in outcome.rows)
        self._buffered += size
        if outcome.chunk.kind == "maps":
            self.made += outcome.made
            self.found += outcome.found
            self.bytes += size
        if len(self.aside) >= _HOPELESS and not self.made:
            raise InputError(f"the first {len(self.aside)} places", self.aside[0].reason)
        self.flush(due=True)

    def flush(self, *, due: bool = False) -> None:
        """Write what has come. due: only where it is time, for a transaction costs as much as many entries."""
        if due and time.monotonic() - self._written < _EVERY and self._buffered < _MOST:
            return
        rows, self._buffer, self._buffered = self._buffer, [], 0
        if not rows:
            return
        if not self.store.put_many(rows):
            raise InputError("the store", "; ".join(self.store.notes) or "cannot be written to", "name another: --out")
        self._written = time.monotonic()
