"""The crew of a dask cluster: each worker, a process of one thread, makes a chunk at a time on an engine of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import io
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from distributed import Client, Future, KilledWorker, Worker, WorkerPlugin, get_worker

from fer_tui.contract import FerTuiError, InputError

from . import frames
from .chunks import Chunk, Outcome
from .clusters import Scheduler, joined
from .outbox import Outbox
from .warden import Warden
from .work import Spec, opened, work

if TYPE_CHECKING:
    from fer_tui.engine import Engine
    from fer_tui.engine.store import Row

_LOOK = 0.2  # seconds between two looks whether the scheduler is there again


class Dask:
    """Workers of a dask cluster, which this joins or makes (see `clusters`). InputError: it cannot be had.

    A chunk whose worker, node or link is lost is made by another one.
    """

    def __init__(self, spec: Spec, where: Scheduler, workers: int | None, tell: Callable[[str], None]) -> None:
        self._name = f"fer-tui-{uuid.uuid4().hex}"
        self._futures: set[Future[bytes]] = set()
        self._through: queue.SimpleQueue[Outcome | Chunk | FerTuiError] = queue.SimpleQueue()
        self._submitted = self._shared = 0
        with contextlib.ExitStack() as stack:
            cpu = spec.settings.get("device") == "cpu"
            self._client: Client = stack.enter_context(joined(where, workers, tell, cpu=cpu))
            self._client.register_plugin(Bench(self._name, _there(spec, where)))
            self._stack = stack.pop_all()

    @property
    def width(self) -> int:
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    @property
    def window(self) -> int:
        return 4 * self.width  # of each, one that is made; the others bridge the way between scheduler and driver

    def submit(self, chunk: Chunk) -> None:
        self._submitted += 1
        text = json.dumps(chunk.to_dict())
        future = self._client.submit(_make, self._name, text, key=(self._name, self._submitted), pure=False)
        self._futures.add(future)
        assert self._client.loop is not None
        self._client.loop.add_callback(self._wait, future, chunk)

    def ended(self, timeout: float) -> Outcome | None:
        try:
            what = self._through.get(timeout=timeout) if timeout else self._through.get_nowait()
        except queue.Empty:
            return None
        if isinstance(what, FerTuiError):
            raise what
        if isinstance(what, Chunk):
            self._wait_for_scheduler()
            self.submit(what)
            return None
        self._pass_on(what)
        return what

    def _pass_on(self, outcome: Outcome) -> None:
        """What an explainer keeps of its own, such as a fit, is made once and not by each worker."""
        kept = [row for row in outcome.rows if not row[3]] if outcome.chunk.kind == "maps" else []
        if kept:
            self._shared += 1
            with contextlib.suppress(OSError):  # a worker that is lost just now
                self._client.register_plugin(Lesson(f"{self._name}-{self._shared}", self._name, tuple(kept)))

    def close(self) -> None:
        with self._stack, contextlib.suppress(OSError):
            self._client.cancel(list(self._futures), force=True)
            for number in range(self._shared, 0, -1):
                self._client.unregister_worker_plugin(f"{self._name}-{number}")
            self._client.unregister_worker_plugin(self._name)

    async def _wait(self, future: Future[bytes], chunk: Chunk) -> None:
        """Put what becomes of a chunk where `ended` finds it."""
        what: Outcome | Chunk | FerTuiError
        try:
            answer = frames.read(io.BytesIO(await self._client.gather(future, asynchronous=True)), lambda _: chunk)
            assert answer is not None
            what = answer if isinstance(answer, Outcome) else InputError("a worker cannot begin", answer)
        except KilledWorker as error:
            what = Outcome(chunk, died=f"its worker at {error.last_worker.address} was lost")
        except (asyncio.CancelledError, concurrent.futures.CancelledError):
            what = chunk  # the scheduler is out of reach, or was
        except Exception as error:
            what = InputError("dask", f"{type(error).__name__}: {error}")
        self._futures.discard(future)
        self._through.put(what)

    def _wait_for_scheduler(self) -> None:
        """Dask's client tries to reach it again, for a while. InputError where it is lost."""
        while self._client.status == "connecting":
            time.sleep(_LOOK)
        if self._client.status != "running":
            raise InputError("dask", "the scheduler is lost", "what was made is kept: the same command goes on")


def _there(spec: Spec, where: Scheduler) -> Spec:
    """`spec` for workers that may be on other machines. Those that are started for this see one GPU each."""
    if where.kind != "address" and str(spec.settings.get("device", "auto")).startswith("cuda"):
        spec = dataclasses.replace(spec, settings={**spec.settings, "device": "cuda:0"})
    return spec if where.is_here else dataclasses.replace(spec, stores=())


class Bench(WorkerPlugin):
    """What a worker has of one batch: its engine, opened with the first chunk and closed with the batch."""

    def __init__(self, name: str, spec: Spec) -> None:
        self.name, self._spec = name, spec

    def setup(self, worker: Worker) -> None:
        self._address = worker.address
        self._lock = threading.Lock()  # of a worker with several threads only one is at work: an engine has one run
        self._engine: Engine | None = None
        self._rows: list[Row] = []
        self._warden = Warden()

    def teardown(self, worker: Worker) -> None:
        self._engine = None

    def make(self, chunk: Chunk) -> bytes:
        """The frame of its outcome, or of why nothing can be made here."""
        with self._lock:
            try:
                engine = self._engine = self._engine or self._opened()
            except FerTuiError as error:
                return frames.encode_told(f"{self._address}: {error}")
            with self._warden.present():
                outcome = work(engine, chunk)
            self._warden.rest()
            return frames.encode(outcome)

    def learn(self, rows: Iterable[Row]) -> None:
        """Know what another worker has made."""
        rows = tuple(rows)
        self._rows.extend(rows)
        if self._engine is not None and isinstance(self._engine.store, Outbox):
            self._engine.store.learn(rows)

    def _opened(self) -> Engine:
        engine = opened(self._spec)
        assert isinstance(engine.store, Outbox)
        engine.store.learn(self._rows)
        return engine


class Lesson(WorkerPlugin):
    """What every worker, those that come later too, is to know of one batch; `bench`: the name of its Bench."""

    def __init__(self, name: str, bench: str, rows: tuple[Row, ...]) -> None:
        self.name, self._bench, self._rows = name, bench, rows

    def setup(self, worker: Worker) -> None:
        bench = worker.plugins[self._bench]
        assert isinstance(bench, Bench)
        bench.learn(self._rows)


def _make(bench: str, chunk: str) -> bytes:
    """A task: index and place travel as text, so that dask does not look for tasks in them."""
    found = get_worker().plugins[bench]
    assert isinstance(found, Bench)
    return found.make(Chunk.from_dict(json.loads(chunk)))
