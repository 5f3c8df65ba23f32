"""A program in a modelled terminal: under a pseudo-terminal, over a link with a round trip, a rate and a buffer."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import tempfile
import termios
import time
from bisect import insort
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .ear import Ear
from .recordings import Recording
from .terminal import Terminal

_OTHER_TERMINALS = (
    "TMUX", "TMUX_PANE", "STY", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "KITTY_WINDOW_ID", "XTERM_VERSION",
    "SSH_TTY", "SSH_CONNECTION", "SSH_CLIENT", "NO_COLOR", "COLUMNS", "LINES", "WEZTERM_PANE", "TEXTUAL",
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """What followed a key press: seconds to the first and to the last byte (0 where nothing came), and the bytes."""

    first: float
    last: float
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)


class AppRun:
    """Runs `command` in a terminal that answers as `recording` did, until the block is left.

    round_trip: seconds, half of it each way. kbit: thousand bits per second towards the terminal, 0 = no limit.
    buffer: bytes that wait for the link before the program's writes block (an ssh connection holds some 100 KB).
    """

    def __init__(
        self,
        command: Sequence[str],
        recording: Recording,
        columns: int = 120,
        rows: int = 40,
        *,
        round_trip: float = 0.0,
        kbit: float = 0.0,
        buffer: int = 1 << 17,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._model = Terminal(recording, columns, rows)
        self._ear = Ear(recording, (columns, rows), lambda: (self.terminal.screen.column, self.terminal.screen.row))
        self._delay, self._rate, self._buffer = round_trip / 2, kbit * 125, buffer
        self._arriving: deque[tuple[float, bytes]] = deque()
        self._typed: list[tuple[float, bytes]] = []
        self._unseen: list[bytes] = []
        self._link_free = self._arrived_at = 0.0
        self.ended = False
        self.status: int | None = None
        self._folder = tempfile.TemporaryDirectory()
        added = {**recording.environment, **(environment or {})}
        if recording.tmux:
            _recorded_tmux(Path(self._folder.name), recording)
            added["PATH"] = f"{self._folder.name}:{os.environ['PATH']}"
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                for name in _OTHER_TERMINALS:
                    os.environ.pop(name, None)
                os.environ.update(added)
                fcntl.ioctl(0, termios.TIOCSWINSZ, _size(columns, rows, recording.cell))
                os.execvpe(command[0], list(command), os.environ)  # without what readline has set behind its back
            finally:
                os._exit(127)

    @property
    def terminal(self) -> Terminal:
        """The terminal as it is now."""
        if self._unseen:
            data, self._unseen = b"".join(self._unseen), []
            self._model.feed(data)
        return self._model

    @property
    def resident(self) -> int:
        """The program's resident memory in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def type(self, keys: bytes, after: float = 0.0) -> None:
        """Press keys, `after` seconds from now."""
        at = time.perf_counter() + after + self._delay
        # An answer comes before the keys that are pressed later.
        insort(self._typed, (at, keys), key=lambda typed: typed[0])

    def press(self, keys: bytes, quiet: float = 0.15, limit: float = 20.0) -> Frame:
        """Press keys and read until nothing came for `quiet` seconds; for the first byte it waits up to 1 s."""
        began = time.perf_counter()
        self.type(keys)
        return self._frame(began, quiet, limit, 1.0)

    def hold(self, key: bytes, times: int, every: float = 0.033, quiet: float = 0.6) -> Frame:
        """Hold a key: `times` presses, one each `every` seconds. The frame's times count from its release."""
        for number in range(times):
            self.type(key, number * every)
        return self._frame(time.perf_counter() + (times - 1) * every, quiet, 60.0)

    def settle(self, quiet: float = 0.5, limit: float = 60.0) -> bytes:
        """Read until nothing came for `quiet` seconds; what came."""
        return self._frame(time.perf_counter(), quiet, limit).data

    def wait_for(self, text: str, limit: float = 60.0) -> None:
        """Read until a line of the screen holds `text`; TimeoutError after `limit` seconds."""
        end = time.perf_counter() + limit
        while not any(text in self.terminal.text(row) for row in range(self.terminal.screen.rows)):
            if self.ended or time.perf_counter() > end:
                raise TimeoutError(f"{text!r} was not shown within {limit:g} s")
            self._step(0.05)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, _size(columns, rows, self._model.recording.cell))
        self.terminal.resize(columns, rows)
        self._ear.size = columns, rows
        self._answer(self._ear.told_size())

    def end(self, number: int = signal.SIGTERM, limit: float = 10.0) -> int:
        """Send a signal and read on until the program is gone; its wait status."""
        os.kill(self.pid, number)
        return self.wait(limit)

    def wait(self, limit: float = 10.0) -> int:
        """Read on until the program has ended; its wait status. TimeoutError after `limit` seconds."""
        end = time.perf_counter() + limit
        while self.status is None:
            if time.perf_counter() > end:
                raise TimeoutError(f"the program did not end within {limit:g} s")
            self._step(0.02)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if done else None
        while self._step(0.05) or self._arriving:
            pass
        return self.status

    def _frame(self, began: float, quiet: float, limit: float, first: float = 0.0) -> Frame:
        first_at = last = 0.0
        came: list[bytes] = []
        silent_since = start = time.perf_counter()
        while not self.ended:
            now = time.perf_counter()
            waits = self._typed or self._arriving
            if now - start > limit or (not waits and now - silent_since > (quiet if came else max(quiet, first))):
                break
            data = self._step(min(quiet, 0.02))
            if data:
                silent_since = self._arrived_at
                came.append(data)
                first_at, last = first_at or silent_since, silent_since
            elif self._typed or self._arriving:
                silent_since = time.perf_counter()
        return Frame(first_at - began if came else 0.0, last - began if came else 0.0, b"".join(came))

    def _step(self, wait: float) -> bytes:
        """One turn: type what is due, read what may be read, deliver what has arrived; what arrived."""
        now = time.perf_counter()
        while self._typed and self._typed[0][0] <= now and not self.ended:
            os.write(self._fd, self._typed.pop(0)[1])
        queued = sum(len(data) for _, data in self._arriving)
        may_read = not self.ended and (not self._rate or queued < self._buffer)
        due = [queue[0][0] - now for queue in (self._typed, self._arriving) if queue]
        wait = max(0.0, min([wait, *due]))
        if may_read:
            if select.select([self._fd], [], [], wait)[0]:
                self._read()
        elif wait:
            time.sleep(wait)
        now, arrived = time.perf_counter(), b""
        while self._arriving and self._arriving[0][0] <= now:
            arrived += self._arriving.popleft()[1]
        if arrived:
            self._arrived_at = now
            self._unseen.append(arrived)
            self._answer(self._ear.hear(arrived))
        return arrived

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 2048 if self._rate else 1 << 16)
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return
        now = time.perf_counter()
        if self._rate:
            self._link_free = now = max(now, self._link_free) + len(data) / self._rate
        self._arriving.append((now + self._delay, data))

    def _answer(self, data: bytes) -> None:
        if data:
            self.type(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)
        self._folder.cleanup()


def _size(columns: int, rows: int, cell: tuple[int, int]) -> bytes:
    return struct.pack("HHHH", rows, columns, columns * cell[0], rows * cell[1])


def _recorded_tmux(folder: Path, recording: Recording) -> None:
    """A tmux that says what the recorded one said."""
    cases = "".join(
        f"{shlex.quote(asked)}) printf %s {shlex.quote(said)};;\n" for asked, said in recording.tmux_answers.items()
    )
    script = folder / "tmux"
    script.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}*) echo "unknown: $*" >&2; exit 1;;\nesac\n')
    script.chmod(0o755)
