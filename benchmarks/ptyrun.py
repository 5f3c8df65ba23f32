"""A program under a pseudo-terminal: its keys, its output, and when each byte came. Standard library only."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class PtyRun:
    """Runs `command` in a terminal of `columns` x `rows` that answers no query, in true colour."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 40, **environment: str) -> None:
        self.output = b""
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            for name in ("TMUX", "SSH_TTY", "SSH_CONNECTION", "NO_COLOR", "COLUMNS", "LINES"):
                os.environ.pop(name, None)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", **environment)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvp(command[0], list(command))

    def read(self, timeout: float) -> bytes:
        """What comes next, b'' after `timeout` seconds of silence or at the end."""
        if not select.select([self._fd], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            data = b""
        self.output += data
        return data

    def wait_for(self, text: bytes, limit: float = 60.0) -> float:
        """Seconds from the start until `text` was written; TimeoutError after `limit`."""
        while text not in self.output:
            if time.perf_counter() - self.began > limit:
                raise TimeoutError(f"{text!r} was not written within {limit:g} s")
            self.read(0.05)
        return time.perf_counter() - self.began

    def settle(self, quiet: float = 0.5) -> None:
        """Wait until nothing was written for `quiet` seconds."""
        while self.read(quiet):
            pass

    def press(self, keys: bytes, quiet: float = 0.15) -> tuple[float, int]:
        """Seconds from a key press to the last byte before `quiet` seconds of silence, and the bytes."""
        self.settle(quiet)
        start = last = time.perf_counter()
        size = 0
        os.write(self._fd, keys)
        while data := self.read(quiet if size else 2.0):
            last, size = time.perf_counter(), size + len(data)
        return last - start, size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                break
            end = time.perf_counter() + 3
            while time.perf_counter() < end:
                self.read(0.05)
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    os.close(self._fd)
                    return
        os.close(self._fd)
