"""Other processes that make parts of a report, from the last one on, while this one makes them from the first one on.

What is made where is of no account: every process runs the network on one thread, in passes of one size, and what it
makes waits in the store. So the files are the same however many processes there are, and whichever is faster.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fer_tui.batch import pipes
from fer_tui.oversight import grace, limits

if TYPE_CHECKING:
    from fer_tui.engine import Engine, Settings

    from .parts import Part

_MOST = 3  # processes beside this one
_WORTH = 1.5  # seconds of work from which on another process is worth its start
_LOOK = 0.05  # seconds between two looks at a part that another process is at


def idle_cores() -> int:
    """The cores that this process may use, beside its own."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) - 1


class Crew:
    """Parts that wait, and the processes that take them: one for each idle core, none before the work has gone on for a
    while.

    settings: what those processes open, None where they cannot (this one then makes all). store: its folder. helped:
    how many parts others have made.
    """

    def __init__(self, settings: Settings | None, store: Path) -> None:
        self._opened = {"settings": settings.to_dict() if settings else None, "store": str(store)}
        self._most = min(_MOST, idle_cores()) if settings is not None else 0
        self._began, self._closed, self.helped = time.monotonic(), False, 0
        self._change = threading.Condition()
        self._waiting: OrderedDict[Part, None] = OrderedDict()
        self._taken: set[Part] = set()
        self._threads: list[threading.Thread] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def offer(self, engine: Engine, parts: Iterable[Part]) -> None:
        """Parts that this process will come to, in their order; those that the store has are left out."""
        if self._most <= 0 or engine.store is None or not engine.store.is_on:
            return
        missing = dict.fromkeys(part for part in parts if not part.is_done(engine))
        with self._change:
            self._waiting.update(missing)
            self._change.notify_all()

    def claim(self, part: Part) -> Iterator[None]:
        """This process comes to `part`: no other one begins it, and one that is at it is waited for."""
        with self._change:
            self._waiting.pop(part, None)
            if self._waiting and not self._threads and time.monotonic() - self._began > _WORTH:
                self._threads = [threading.Thread(target=self._employ, daemon=True) for _ in range(self._most)]
                for thread in self._threads:
                    thread.start()
        while True:
            with self._change:
                if part not in self._taken:
                    return
                self._change.wait(_LOOK)
            yield

    def close(self) -> None:
        """Whatever the others are at is given up."""
        with self._change:
            self._closed = True
            for process in self._processes:
                process.kill()
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def _employ(self) -> None:
        """One process, from its start to its end, in a thread of this one."""
        with contextlib.suppress(OSError), pipes.started("fer_tui.report.helping") as process:
            with self._change:
                self._processes.append(process)
            assert process.stdin is not None and process.stdout is not None
            try:
                _ask(process.stdin, self._opened)
                while (part := self._next()) is not None:
                    made = False
                    try:
                        _ask(process.stdin, part.to_dict())
                        made = _answer(process) == b"made\n"
                    finally:
                        self._through(part, made)
                    if process.poll() is not None:
                        return
            finally:
                process.kill()

    def _next(self) -> Part | None:
        """The last part that waits, once there is one; None at the end."""
        with self._change:
            self._change.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            part, _ = self._waiting.popitem()
            self._taken.add(part)
            return part

    def _through(self, part: Part, made: bool) -> None:
        """Another process is through with it; what it could not make is left to this one."""
        with self._change:
            self._taken.discard(part)
            self.helped += made
            self._change.notify_all()


def _ask(stdin: IO[bytes], what: Mapping[str, Any]) -> None:
    pipes.tell(stdin, json.dumps(what).encode() + b"\n")


def _answer(process: subprocess.Popen[bytes]) -> bytes:
    """What it says of a part in the end; nothing of a process that died, or hung and was killed."""
    assert process.stdout is not None
    limit = limits()["explain"]
    while True:
        clock = threading.Timer(limit + grace(limit), process.kill)
        if limit:
            clock.start()
        line = process.stdout.readline()
        clock.cancel()
        if line != b"at it\n":
            return line
