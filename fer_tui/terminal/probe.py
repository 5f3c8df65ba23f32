"""Asks the terminal what it can, before anything slow is imported; the answers are read when they come.

Nobody waits for them: a mute terminal costs nothing, and one that is a second away is drawn in blocks until it answers.
Importing this module loads nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any, Self

from . import tmux
from .facts import Answers, Terminal, true_colour_by_name
from .guard import Guard
from .replies import Reply, Sieve

_KITTY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_VERSION = "\x1b[>q"
_SIXEL = "\x1b[?1;1;0S\x1b[?2;1;0S"
_CELL = "\x1b[16t\x1b[14t"
_COLOUR = "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m"
_SENTINEL = "\x1b[c"
_CLEAN = "\r\x1b[K"  # where a query was shown as text after all
_READY = "\x1b[5n"  # answered when all before it is drawn
_READY_OUTSIDE = tmux.through("\x1b_Gi=30,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\")  # the same by the terminal outside tmux
_SILENT = ("", "dumb", "unknown", "linux", "vt52", "cons25")  # TERMs that show queries as text, or know none
_LONGEST = 1.2  # seconds after which no answer comes any more


def queries(env: Mapping[str, str]) -> str:
    """One batch for this terminal, '' for one that had better not be asked."""
    if env.get("TERM", "") in _SILENT or env.get("TEXTUAL_DRIVER"):
        return ""
    in_tmux = tmux.inside(env)
    kitty = "" if in_tmux or env.get("STY") else _KITTY  # both take it for a title
    colour = "" if in_tmux else _COLOUR  # tmux from 3.4 on takes its DCS for a sixel picture, and never answers it
    return "".join((kitty, _VERSION, _SIXEL, _CELL, colour, _SENTINEL))


class Probe:
    """The terminal while it is being asked: raw, without echo, from `with` on until its end.

    terminal: what is known by now. typed: keys that came before anyone took keys.
    """

    def __init__(self, wanted: str = "auto", env: Mapping[str, str] = os.environ) -> None:
        self.terminal = Terminal.around(env, wanted)
        self.typed = b""
        self.sieve = Sieve()
        self.asked = -_LONGEST  # when, on the monotonic clock
        self._env = env
        self._question: tmux.Question | None = None
        self._fresh = Answers()  # of the batch that was sent last; they count once the sentinel has come
        self._input, self._output = _descriptor(sys.__stdin__), _descriptor(sys.__stderr__)
        self._guard: Guard | None = None
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if not (queries(self._env) and _is_terminal(self._input) and _is_terminal(self._output)):
            return self
        try:
            self._before = termios.tcgetattr(self._input)
            self._listen()
            self._question = tmux.Question(self._env) if self.terminal.in_tmux else None
            os.write(self._output, (self.ask_again() + _CLEAN).encode())
        except (OSError, termios.error):  # the terminal is gone, or this is a job in the background
            self.asked = -_LONGEST
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is None:
            return
        while self.is_waiting and (left := self.asked + _LONGEST - time.monotonic()) > 0:
            self.gather(left)
        with contextlib.suppress(OSError, termios.error):  # it is gone
            termios.tcsetattr(self._input, termios.TCSANOW, self._before)
        if self._guard is not None:
            self._guard.dismiss()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @property
    def is_waiting(self) -> bool:
        """Whether answers may still come."""
        return not self._fresh.complete and time.monotonic() < self.asked + _LONGEST

    def ask_again(self) -> str:
        """The queries, for whoever writes to the terminal now. What is known holds until all are answered."""
        self.asked, self._fresh = time.monotonic(), Answers()
        self._measure()
        return queries(self._env)

    @property
    def ready(self) -> str:
        """The query that is answered, as "ready", when all that was sent before it is drawn."""
        return _READY_OUTSIDE if self.terminal.in_tmux and self.terminal.way == "kitty" else _READY

    def gather(self, seconds: float = 0.0) -> None:
        """Take the answers that are there, or come within some seconds; keys among them are kept in `typed`."""
        if self._question is not None:
            self._set(outer=self._question.answer())
            self._question = None
        while self._before is not None and select.select([self._input], [], [], seconds)[0]:
            data = os.read(self._input, 4096)
            if not data:
                return
            keys, replies = self.sieve.feed(data, time.monotonic())
            self.typed += keys
            self.learn(replies)
            seconds = 0.0

    def learn(self, replies: list[Reply]) -> None:
        """Take answers that someone else has read."""
        self._fresh = self._fresh.with_replies(replies, self._measure())
        if self._fresh.complete:
            self._set(answers=self._fresh)

    def ask_tmux(self) -> None:
        """Ask tmux, where there is one, which terminal is outside. Takes some milliseconds."""
        if self.terminal.in_tmux:
            self._set(outer=tmux.Question(self._env).answer())

    def leave_word(self, farewell: str) -> None:
        """What shall be written to the terminal when this process dies; '' when it need not."""
        if self._guard is None and self._before is not None and farewell:
            self._guard = Guard(self._input, self._output, self._before)
        if self._guard is not None:
            self._guard.tell(farewell)

    @property
    def has_true_colour(self) -> bool:
        """Whether the terminal shows colours of 24 bits, though the environment may not say so."""
        return self.terminal.true_colour or true_colour_by_name(self._env.get("TERM", ""))

    def _set(self, **changes: Any) -> None:
        self.terminal = dataclasses.replace(self.terminal, **changes)

    def _measure(self) -> tuple[int, int]:
        """Columns and rows; the pixels of a cell are noted, where the system knows them."""
        try:
            packed = fcntl.ioctl(self._output, termios.TIOCGWINSZ, bytes(8))
        except OSError:
            return 0, 0
        rows, columns, width, height = struct.unpack("HHHH", packed)
        if columns and rows:
            self._set(pixels=(width // columns, height // rows))
        return columns, rows

    def _listen(self) -> None:
        """No echo and no lines; a signal ends the program in order, so that this is undone."""
        attributes = termios.tcgetattr(self._input)
        attributes[3] &= ~(termios.ECHO | termios.ICANON)
        attributes[6][termios.VMIN] = 1
        with contextlib.suppress(ValueError):  # not the main thread
            for number in (signal.SIGTERM, signal.SIGHUP):
                self._handlers[number] = signal.signal(number, _end)
        termios.tcsetattr(self._input, termios.TCSANOW, attributes)  # not TCSAFLUSH: it would drop what was typed


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _descriptor(stream: Any) -> int:
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return -1


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
