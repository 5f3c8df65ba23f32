"""A small process that brings the terminal back when the program dies without a word: kill -9, a fault in a C library.

It holds one end of a pipe whose other end the program alone has. Standard library only.
"""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import sys
import termios
from typing import Any

_DONE = b"done"
_FRAME = 4  # bytes that tell the length of a message
# What Textual switches on, and how it is switched off; first whatever was half written is ended.
LEAVE = (
    "\x18\x1b\\\x1b[?2026l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?2004l\x1b[?2048l\x1b[?1004l"
    "\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[m"
)


class Guard:
    """Watches from now on. The terminal: its descriptors, and its attributes as they shall be again."""

    def __init__(self, input_: int, output: int, attributes: list[Any]) -> None:
        import subprocess

        theirs, self._ours = os.pipe()
        command = [sys.executable, "-I", "-S", __file__, str(theirs)]
        null = subprocess.DEVNULL
        self._process = subprocess.Popen(  # in a session of its own: signals of the terminal are not for it
            command, stdin=input_, stdout=null, stderr=output, pass_fds=(theirs,), start_new_session=True
        )
        os.close(theirs)
        self._send(repr(attributes).encode())

    def tell(self, farewell: str) -> None:
        """What is to be written to the terminal when the program dies, from now on."""
        self._send(farewell.encode())

    def dismiss(self) -> None:
        """The program ends in order: nothing is left to do."""
        self._send(_DONE)
        os.close(self._ours)
        self._process.wait()

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # it is gone itself
            os.write(self._ours, len(message).to_bytes(_FRAME, "big") + message)


def _watch(pipe: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTTOU, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    attributes = ast.literal_eval((_message(pipe) or b"[]").decode())
    farewell = b""
    while (message := _message(pipe)) is not None:
        if message == _DONE:
            return
        farewell = message
    if attributes:
        with contextlib.suppress(OSError, termios.error):
            os.write(sys.stderr.fileno(), farewell)
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, attributes)


def _message(pipe: int) -> bytes | None:
    """The next message, None where the other end is gone."""
    head = _read(pipe, _FRAME)
    return _read(pipe, int.from_bytes(head, "big")) if head else None


def _read(pipe: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(pipe, size - len(data))
        if not more:
            return b""
        data += more
    return data


if __name__ == "__main__":
    _watch(int(sys.argv[1]))
