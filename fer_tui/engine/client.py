"""The terminal process's end of the compute process: starts it, talks to it, starts it again when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from socket import socket

from fer_tui import plugins
from fer_tui.contract import Place, Value
from fer_tui.oversight import Faults, Lookout, grace, limits

from . import wire
from .messages import (
    Cancel,
    CountStored,
    Described,
    Done,
    Explain,
    Failed,
    FindSimilar,
    Lost,
    MeasureFocus,
    Message,
    Open,
    Places,
    Predict,
    Quit,
    Told,
    Variant,
)
from .settings import Settings

CANCEL_LIMIT = 10.0  # seconds after which a job that does not stop is ended with its process
STOP_LIMIT = 2.0  # the same, for one that the user wants to stop
_WATCH_EVERY = 0.1  # seconds
_MOST_ENDS = 2  # times that an explainer may end the process: then it is left out
_MOST_LOSSES = 3  # within _LOSS_WINDOW, with no explainer to blame: then the process is not started again
_LOSS_WINDOW = 60.0  # seconds
_PATIENCE = 1.0  # seconds to wait for the last words of a process that is gone: a child of it may hold them open
_CALM = {"OMP_WAIT_POLICY": "passive"}  # threads that wait for work sleep: they would take the core that draws

Job = Explain | Predict | MeasureFocus | FindSimilar | CountStored


@dataclass(eq=False, slots=True)
class _Asked:
    """A job that was sent and has not ended; `losses`: how often its process was lost under it."""

    message: Job
    losses: int = 0
    cancelled: float | None = None  # when, on the monotonic clock
    limit: float = 0.0  # seconds that it then has to stop


class Compute:
    """A compute process and its jobs. All methods belong to the event loop's thread; `receive` is called there.

    When the process ends by itself, `receive` gets Lost, the process is started again and what was asked for is asked
    again. Where an explainer was at work, it is to blame: its job is asked once more, then it gets Failed, and so does
    all that it is asked for later. One that gives nothing for too long is ended with the process; its job fails. One
    that hangs or ends the process while it is imported is left out from then on and told in Described.failed. All that
    is kept in `faults`. With `stream` (a connected socket) there is no process of our own: its other end computes.
    """

    def __init__(
        self,
        settings: Settings | None,
        receive: Callable[[Message], None],
        *,
        stream: socket | None = None,
        faults: Faults | None = None,
        loading_limit: float | None = None,
        work_limit: float | None = None,
        cancel_limit: float = CANCEL_LIMIT,
        stop_limit: float = STOP_LIMIT,
    ) -> None:
        self._settings, self._receive, self._stream = settings, receive, stream
        self._cancel_limit, self._stop_limit = cancel_limit, stop_limit
        known = {doing: limit + grace(limit) for doing, limit in limits().items() if limit}
        given = {"import": loading_limit, "explain": work_limit}
        self._limits = known | {doing: limit for doing, limit in given.items() if limit is not None}
        self._faults = faults if faults is not None else Faults.open()
        self._lookout = Lookout()
        self._ends: Counter[str] = Counter()  # how often an explainer has ended the process
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._without: dict[str, str] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._heard = 0.0
        self._ready = self._closed = False
        # Why we ended the process: "cancel", a job did not stop; "time", an explainer's time was over; else "".
        self._order = ""
        self._blame = ""
        self._losses: deque[float] = deque()

    @property
    def pid(self) -> int | None:
        """The compute process's number, None while there is none."""
        return self._process.pid if self._process is not None else None

    def printed(self) -> dict[str, str]:
        """The end of what each explainer printed, by its name, distribution and version."""
        return self._lookout.printed()

    async def run(self) -> None:
        """Keep a compute process and deliver its messages, until `close` or until it cannot be kept."""
        self._ends.clear()
        self._without = self._faults.left_out(plugins.origins) if self._stream is None else {}
        while not self._closed:
            reader, self._writer = await self._connect()
            self._ready, self._blame, self._order = False, "", ""
            self._heard = time.monotonic()
            self._send(Open(self._settings.to_dict() if self._settings is not None else None, self._without))
            watch = asyncio.create_task(self._watch())
            try:
                await self._listen(reader)
            finally:
                self._ready = False  # what is cancelled from here on is not asked again
                watch.cancel()
                self._writer.close()
            reason = await self._ended()
            if self._closed or not self._again(reason):
                return

    def explain(
        self,
        method: str,
        parameters: Mapping[str, Value],
        place: Place,
        *,
        urgent: bool = True,
        judged: bool = False,
        against: int | None = None,
        cell: int | None = None,
        regions: str | None = None,
        action: str = "",
    ) -> int:
        """Ask for an explanation, or an action; its job number. Answers come to `receive`, then Done or Failed."""
        return self._ask(
            Explain(next(self._numbers), method, parameters, place, urgent, judged, against, cell, regions, action)
        )

    def predict(self, start: int = 0, checkpoint: int = 0, rows: tuple[int, ...] = ()) -> int:
        """Ask for the scores of the whole dataset, of `rows` first, then from `start` on and round; its job number."""
        return self._ask(Predict(next(self._numbers), start, checkpoint, rows))

    def focus(self, method: str, parameters: Mapping[str, Value], place: Place, *, regions: str, per_class: int) -> int:
        """Ask for the focus of an explainer by class; its job number."""
        return self._ask(MeasureFocus(next(self._numbers), method, parameters, place, regions, per_class))

    def similar(self, row: int, count: int, checkpoint: int = 0) -> int:
        """Ask for the most similar images to a row; the job number."""
        return self._ask(FindSimilar(next(self._numbers), row, count, checkpoint))

    def count_stored(self, variants: Sequence[Variant], places: Places) -> int:
        """Ask how many of these explanations are stored; the job number."""
        return self._ask(CountStored(next(self._numbers), tuple(variants), places))

    def stop(self) -> None:
        """The user waits for the end of all that was cancelled: it gets less time from now on."""
        now = time.monotonic()
        for asked in self._asked.values():
            if asked.cancelled is not None and asked.limit > self._stop_limit:
                asked.cancelled, asked.limit = now, self._stop_limit

    def cancel(self, job: int) -> None:
        """Stop a job at its next yield; a job that does not stop is ended with its process."""
        asked = self._asked.get(job)
        if asked is None or asked.cancelled is not None:
            return
        if not self._ready:  # not sent yet
            del self._asked[job]
            self._receive(Done(job, cancelled=True))
            return
        asked.cancelled, asked.limit = time.monotonic(), self._cancel_limit
        self._send(Cancel(job))

    async def close(self) -> None:
        """End the compute process; `run` returns."""
        self._closed = True
        self._send(Quit())
        process = self._process
        if process is not None:
            try:
                await asyncio.wait_for(process.wait(), 0.5)
            except TimeoutError:
                self._kill("")
                await process.wait()
        elif self._writer is not None:
            self._writer.close()

    # ---- one process -------------------------------------------------------------------------------------------------

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._stream is not None:
            return await asyncio.open_connection(sock=self._stream)
        self._lookout.begin()
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # what lies in the current folder is not installed
            "-m",
            "fer_tui.engine.compute",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # the terminal's Ctrl+C is for the terminal process
            env=_CALM | os.environ,
        )
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        self._errors = asyncio.create_task(self._collect(process.stderr))
        return process.stdout, process.stdin

    async def _collect(self, stream: asyncio.StreamReader) -> None:
        """Take what the compute process, a library or an explainer prints, and what is marked in it."""
        while chunk := await stream.read(1 << 16):
            for told in self._lookout.feed(chunk):
                self._faults.keep(told.origin, told.fault, "explain")
                if not told.stops:
                    self._receive(Told(str(told.origin), told.fault))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                message = await wire.read_async(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            except ValueError as error:
                self._kill(str(error))
                return
            self._heard = time.monotonic()
            described = isinstance(message, Described) and not message.remembered
            self._ready = self._ready or described
            if isinstance(message, Done) or (isinstance(message, Failed) and message.job is not None):
                self._asked.pop(message.job, None)  # type: ignore[arg-type]
            self._receive(message)
            if described:
                for asked in self._asked.values():
                    self._send(asked.message)

    async def _watch(self) -> None:
        """End a process that hangs: in the code of an explainer, or in a job that was cancelled."""
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            now = time.monotonic()
            work = self._lookout.work
            if work is not None and now - work.since > self._limits.get(work.doing, math.inf):
                self._order = self._order or "time"
                silent = f"it gave nothing for {now - work.since:.0f} s, and the compute process was ended"
                late = f"it was not imported within {self._limits[work.doing]:g} s"
                self._kill(late if work.doing == "import" else silent)
            for asked in self._asked.values():
                if asked.cancelled is not None and now - max(asked.cancelled, self._heard) > asked.limit:
                    self._order = self._order or "cancel"
                    self._kill(f"{'it' if work else 'a job'} did not stop within {asked.limit:g} s")

    def _kill(self, blame: str) -> None:
        if self._process is not None and self._process.returncode is None:
            self._blame = self._blame or blame
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # the processes that an explainer started, too

    async def _ended(self) -> str:
        """Why the process ended, in words."""
        if self._process is None:
            return "the computing side has gone"
        code = await self._process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._errors, _PATIENCE)
        self._process = None
        if self._blame:
            return self._blame
        if code < 0:
            return f"the compute process was ended by {_signal_name(-code)}"
        return f"the compute process ended with code {code}"

    def _again(self, reason: str) -> bool:
        """Tell the loss, see who is to blame; whether to start the process again."""
        now, work = time.monotonic(), self._lookout.work
        if work is not None:
            self._faults.keep(work.origin, reason, work.doing, fatal=self._order != "cancel")
            if work.doing == "import":
                self._without[work.origin.name] = f"left out: {reason}"
            elif self._order != "cancel":
                self._ends[work.origin.name] += 1
            reason = f"explainer {work.origin}: {reason}"
        elif not self._order:
            self._losses.append(now)
        while self._losses and now - self._losses[0] > _LOSS_WINDOW:
            self._losses.popleft()
        for job in self._to_blame():
            self._asked[job].losses += 1
        for job, asked in list(self._asked.items()):
            if asked.cancelled is not None:
                del self._asked[job]
                self._receive(Done(job, cancelled=True))
            elif asked.losses > 1 or (asked.losses and self._order == "time"):
                del self._asked[job]
                self._receive(Failed(job, reason, self._last_words()))
        if self._stream is not None or len(self._losses) > _MOST_LOSSES:
            self._receive(Failed(None, f"{reason}, {len(self._losses)} times in a row", self._last_words()))
            return False
        self._receive(Lost(reason))
        return True

    def _to_blame(self) -> list[int]:
        """The jobs under which the process was lost: those of the explainer that was at work, else all."""
        work = self._lookout.work
        if self._order == "cancel" or (work is not None and work.doing == "import"):
            return []
        named = [job for job, asked in self._asked.items() if work is not None and _method(asked) == work.origin.name]
        return named or list(self._asked)

    def _last_words(self) -> str:
        work = self._lookout.work
        printed = self._lookout.printed_by(work.origin.name) if work is not None else ""
        return "\n".join(filter(None, (printed, self._lookout.last_words())))

    # ---- asking ------------------------------------------------------------------------------------------------------

    def _ask(self, message: Job) -> int:
        asked = _Asked(message)
        if self._ends[method := _method(asked)] >= _MOST_ENDS:
            fault = f"explainer {plugins.origin(method)}: it has ended the compute process {_MOST_ENDS} times: left out"
            failed = Failed(message.job, fault, self._lookout.printed_by(method))
            asyncio.get_running_loop().call_soon(self._receive, failed)  # who asks does not know its job's number yet
            return message.job
        self._asked[message.job] = asked
        if self._ready:
            self._send(message)
        return message.job

    def _send(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(wire.encode(message))


def _method(asked: _Asked) -> str:
    """The explainer that a job asks for, '' where it asks for none."""
    return getattr(asked.message, "method", "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
