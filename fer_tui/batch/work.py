"""What a worker does: opens once what the settings name, then makes chunk after chunk."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from fer_tui.contract import FerTuiError, Place

from .chunks import Aside, Chunk, Outcome
from .outbox import Outbox

if TYPE_CHECKING:
    from fer_tui.engine import Engine
    from fer_tui.engine.tasks import Task


@dataclass(frozen=True, slots=True)
class Spec:
    """What a worker opens: settings as plain data. threads: of torch, 0: as many as it takes by itself.

    stores: folders of the stores that the worker can read, in which it finds what is there already.
    """

    settings: Mapping[str, Any]
    threads: int = 1
    stores: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "stores": tuple(data["stores"])})


def opened(spec: Spec) -> Engine:
    """An engine whose store is an Outbox. InputError: what is wrong with what the settings name.

    Its network runs in passes of one size, whatever the clock says: so whoever makes a chunk makes the same bits.
    """
    import torch

    from fer_tui.engine import Engine, Settings, Stores
    from fer_tui.engine.session import open_data, open_network

    settings = Settings.from_dict(spec.settings)
    dataset = open_data(settings)
    classifier = open_network(settings, dataset).steady()
    if spec.threads:
        torch.set_num_threads(spec.threads)
    seen = Stores.open("none", spec.stores) if spec.stores else None
    return Engine(classifier, dataset, Outbox(seen))


def work(engine: Engine, chunk: Chunk) -> Outcome:
    """Make a chunk on an engine of `opened`. What goes wrong sets aside the places that it concerns, and no others."""
    outbox = engine.store
    assert isinstance(outbox, Outbox)
    began = time.perf_counter()
    outbox.begin()
    if chunk.kind == "digests":
        digests, aside = _digests(engine, [row for row in chunk.rows if row is not None])
        return Outcome(chunk, digests=digests, aside=aside, seconds=time.perf_counter() - began)
    if chunk.kind == "scores":
        aside = _scores(engine, chunk)
        return Outcome(chunk, outbox.rows(), made=len(outbox.rows()), aside=aside, seconds=time.perf_counter() - began)
    made = _Maps(engine, outbox, chunk)
    made.make()
    assert engine.dataset is not None
    digests = dict(zip(made.explained, engine.dataset.image_digests(made.explained), strict=True))
    seconds = time.perf_counter() - began
    return Outcome(chunk, outbox.rows(), digests, made.made, made.found, tuple(made.aside), seconds)


def _digests(engine: Engine, rows: Sequence[int]) -> tuple[dict[int, str], tuple[Aside, ...]]:
    dataset, found, aside = engine.dataset, {}, []
    assert dataset is not None
    for row in dict.fromkeys(rows):
        try:
            found[row] = dataset.image_digest(row)
        except FerTuiError as error:
            aside.append(Aside(Place(row), str(error)))
    return found, tuple(aside)


def _scores(engine: Engine, chunk: Chunk) -> tuple[Aside, ...]:
    (start,) = chunk.rows
    assert start is not None
    try:
        for _ in engine.scores_of(chunk.checkpoint).chunk(start):
            pass
    except Exception as error:
        return (Aside(Place(start, checkpoint=chunk.checkpoint), _reason(error)),)
    return ()


class _Maps:
    """The maps of one chunk, made: all together, or, where that fails, place by place."""

    def __init__(self, engine: Engine, outbox: Outbox, chunk: Chunk) -> None:
        self._engine, self._outbox, self._chunk = engine, outbox, chunk
        self.made = self.found = 0
        self.aside: list[Aside] = []
        self.explained: list[int] = []

    def make(self) -> None:
        tasks = self._missing()
        try:
            self._finish([task for _, task in tasks.values()])
        except Exception:
            for key, (place, task) in tasks.items():
                try:
                    self._finish([] if self._outbox.has([key]) else [task])
                except Exception as error:
                    self.aside.append(Aside(place, _reason(error)))
                else:
                    self.made += 1
        else:
            self.made = len(tasks)

    def _missing(self) -> dict[str, tuple[Place, Task]]:
        """What is to be made: key, place as it is asked for, task; without what is there already."""
        classifier = self._engine.classifier
        number = self._chunk.checkpoint if self._chunk.checkpoint is not None else classifier.default
        with classifier.at(number).still():
            tasks = self._tasks()
        there = self._outbox.has(tasks)
        self.found += len(there)
        self._outbox.begin(tasks, half=self._chunk.half)
        return {key: each for key, each in tasks.items() if key not in there}

    def _tasks(self) -> dict[str, tuple[Place, Task]]:
        tasks: dict[str, tuple[Place, Task]] = {}
        for place in self._chunk.places:
            try:
                task = self._engine.task(self._chunk.method, place, self._chunk.parameters)
            except Exception as error:
                self.aside.append(Aside(place, _reason(error)))
                continue
            if place.image is not None:
                self.explained.append(place.image)
            if (key := task.key()) in tasks:
                self.found += 1  # the same image, twice in the data
            else:
                tasks[key] = place, task
        return tasks

    def _finish(self, tasks: Sequence[Task]) -> None:
        with closing(self._engine.finals(tasks)) as results:
            for _ in results:
                pass


def _reason(error: Exception) -> str:
    """In one line; an error that nobody foresaw is named by its type."""
    fault = (str(error).strip().splitlines() or [""])[0]
    return fault if isinstance(error, FerTuiError) else f"{type(error).__name__}: {fault}".rstrip(": ")
