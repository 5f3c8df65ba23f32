"""The terminal process's end of the compute process: starts it, talks to it, starts it again when it is lost."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from socket import socket

from fer_tui.contract import Place, Value

from . import wire
from .messages import (
    Cancel,
    Described,
    Done,
    Explain,
    Failed,
    FindSimilar,
    Loading,
    Lost,
    MeasureFocus,
    Message,
    Open,
    Predict,
    Quit,
)
from .settings import Settings

LOADING_LIMIT = 20.0  # seconds that the import of one explainer may take
CANCEL_LIMIT = 10.0  # seconds after which a job that does not stop is ended with its process
STOP_LIMIT = 2.0  # the same, for one that the user wants to stop
_WATCH_EVERY = 0.1  # seconds
_MOST_LOSSES = 3  # within _LOSS_WINDOW: then the process is not started again
_LOSS_WINDOW = 60.0  # seconds
_STDERR_LINES = 40
_CALM = {"OMP_WAIT_POLICY": "passive"}  # threads that wait for work sleep: they would take the core that draws


@dataclass(eq=False, slots=True)
class _Asked:
    """A job that was sent and has not ended; `losses`: how often its process was lost under it."""

    message: Explain | Predict | MeasureFocus | FindSimilar
    losses: int = 0
    cancelled: float | None = None  # when, on the monotonic clock
    limit: float = 0.0  # seconds that it then has to stop


class Compute:
    """A compute process and its jobs. All methods belong to the event loop's thread; `receive` is called there.

    When the process ends by itself, `receive` gets Lost, the process is started again and what was asked for is asked
    again: once for each job, then the job gets Failed. An explainer that hangs or ends the process while it is imported
    is left out from then on and told in Described.failed. With `stream` (a connected socket) there is no process of our
    own: its other end computes.
    """

    def __init__(
        self,
        settings: Settings | None,
        receive: Callable[[Message], None],
        *,
        stream: socket | None = None,
        loading_limit: float = LOADING_LIMIT,
        cancel_limit: float = CANCEL_LIMIT,
        stop_limit: float = STOP_LIMIT,
    ) -> None:
        self._settings, self._receive, self._stream = settings, receive, stream
        self._loading_limit, self._cancel_limit, self._stop_limit = loading_limit, cancel_limit, stop_limit
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._without: dict[str, str] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._loading: str | None = None
        self._heard = 0.0
        self._ready = self._closed = False
        self._by_order = False  # the process was ended because a job did not stop: no other job is to blame
        self._blame = ""
        self._losses: deque[float] = deque()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)

    @property
    def pid(self) -> int | None:
        """The compute process's number, None while there is none."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Keep a compute process and deliver its messages, until `close` or until it cannot be kept."""
        while not self._closed:
            reader, self._writer = await self._connect()
            self._loading, self._ready, self._blame, self._by_order = None, False, "", False
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
        self._stderr.clear()
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
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
        """Keep the last lines that the compute process (or a library, or a plugin) wrote to stderr."""
        while chunk := await stream.read(1 << 16):
            self._stderr.extend(chunk.decode(errors="replace").splitlines())

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
            self._loading = message.name if isinstance(message, Loading) else None
            described = isinstance(message, Described) and not message.remembered
            self._ready = self._ready or described
            if isinstance(message, Done) or (isinstance(message, Failed) and message.job is not None):
                self._asked.pop(message.job, None)  # type: ignore[arg-type]
            if not isinstance(message, Loading):
                self._receive(message)
            if described:
                for asked in self._asked.values():
                    self._send(asked.message)

    async def _watch(self) -> None:
        """End a process that hangs: in the import of an explainer, or in a job that was cancelled."""
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            now = time.monotonic()
            if self._loading is not None and now - self._heard > self._loading_limit:
                self._kill(f"explainer {self._loading} was not imported within {self._loading_limit:g} s")
            for asked in self._asked.values():
                if asked.cancelled is not None and now - max(asked.cancelled, self._heard) > asked.limit:
                    self._by_order = True
                    self._kill(f"a cancelled job did not stop within {asked.limit:g} s")

    def _kill(self, blame: str) -> None:
        if self._process is not None and self._process.returncode is None:
            self._blame = self._blame or blame
            self._process.kill()

    async def _ended(self) -> str:
        """Why the process ended, in words."""
        if self._process is None:
            return "the computing side has gone"
        code = await self._process.wait()
        await self._errors
        self._process = None
        if self._blame:
            return self._blame
        if code < 0:
            return f"the compute process was ended by {_signal_name(-code)}"
        return f"the compute process ended with code {code}"

    def _again(self, reason: str) -> bool:
        """Tell the loss, see who is to blame; whether to start the process again."""
        now = time.monotonic()
        if not self._by_order:
            self._losses.append(now)
        while self._losses and now - self._losses[0] > _LOSS_WINDOW:
            self._losses.popleft()
        if self._loading is not None:
            self._without[self._loading] = f"left out: while it was imported, {reason}"
        for job, asked in list(self._asked.items()):
            asked.losses += not self._by_order
            if asked.losses > 1 or asked.cancelled is not None:
                del self._asked[job]
                ended = (
                    Done(job, cancelled=True)
                    if asked.cancelled is not None
                    else Failed(job, reason, self._last_words())
                )
                self._receive(ended)
        if self._stream is not None or len(self._losses) > _MOST_LOSSES:
            self._receive(Failed(None, f"{reason}, {len(self._losses)} times in a row", self._last_words()))
            return False
        self._receive(Lost(reason))
        return True

    def _last_words(self) -> str:
        return "\n".join(self._stderr)

    # ---- asking ------------------------------------------------------------------------------------------------------

    def _ask(self, message: Explain | Predict | MeasureFocus | FindSimilar) -> int:
        self._asked[message.job] = _Asked(message)
        if self._ready:
            self._send(message)
        return message.job

    def _send(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(wire.encode(message))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
