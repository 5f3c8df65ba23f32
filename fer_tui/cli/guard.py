"""Stands guard over a command in which explainers run: whatever they do to its process is told in one line.

The command runs in a child, forked before anything is imported that could mind; what explainers print goes to a pipe.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TextIO

from fer_tui import plugins
from fer_tui.contract import plain
from fer_tui.oversight import Faults, Lookout, Told, Witness, grace, limits

from . import streams

_FAULT = 1
_LOOK = 0.1  # seconds between two looks at the child
_ECHO = 1.0  # seconds after which a Ctrl+C is handed on: the terminal has sent it to the child, too
_SHOW_CURSOR = "\x1b[?25h\r"


def run(command: Callable[[], int], *, retried: bool, debug: bool) -> int:
    """The exit code of `command`; 1, and a line on stderr, where an explainer ended its process.

    One that does so, or hangs, while it is imported is left out, and the command is run again.
    """
    guard = Guard(Faults.open())
    while True:
        code = guard.attempt(command)
        if code is None:
            return guard.code  # this is the child
        if not guard.blame(retried=retried):
            break
    guard.tell(debug=debug)
    return code


class Guard:
    """One command, and what is known of the explainers in it. code: the child's own exit code, in the child."""

    def __init__(self, faults: Faults) -> None:
        self.code = 0
        self._faults, self._without = faults, faults.left_out(plugins.origins)
        self._limits = limits()
        self._lookout = Lookout()
        self._told: dict[str, None] = {}
        self._fault = ""  # why the child ended, where it did not end by itself

    def attempt(self, command: Callable[[], int]) -> int | None:
        """Run the command in a child; its exit code, in the child None."""
        self._lookout.begin()
        self._fault = ""
        sys.stdout.flush()
        sys.stderr.flush()
        heard, said = os.pipe()
        alive, ours = os.pipe()  # the parent holds `ours`: its end is the end of `alive`
        modes = _modes()
        child = os.fork()
        if not child:
            os.close(heard)
            os.close(ours)
            self.code = self._obey(command, said, alive)
            return None
        os.close(said)
        os.close(alive)
        with _Signals(child) as signals:
            status = self._watch(child, heard, signals)
        os.close(heard)
        os.close(ours)
        if self._lookout.ended is not None:
            return self._lookout.ended
        _restore(modes)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) in signals.handed_on:
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
            os.kill(os.getpid(), os.WTERMSIG(status))
        self._fault = self._fault or _ended(status)
        return _FAULT

    def blame(self, *, retried: bool) -> bool:
        """See who ended the child; whether the command is to be run again, without that explainer."""
        work = self._lookout.work
        if not self._fault:
            return False
        if work is None:
            self._told[f"fer-tui: {self._fault}"] = None
            return False
        self._faults.keep(work.origin, self._fault, work.doing, fatal=True)
        again = (work.doing == "import" or retried) and work.origin.name not in self._without
        self._without[work.origin.name] = f"left out: {self._fault}"
        if not again:
            self._told[f"fer-tui: explainer {work.origin}: {self._fault}"] = None
        return again

    def tell(self, *, debug: bool) -> None:
        """What explainers did; with `debug` what they printed, too."""
        for line in self._told:
            streams.say(line)
        if debug:
            house = {"": self._lookout.last_words()}
            for whose, text in {**house, **self._lookout.printed()}.items():
                if text.strip():
                    streams.say(f"printed by explainer {whose}:" if whose else "printed by libraries:")
                    streams.say_lines(text)

    # ---- the child ---------------------------------------------------------------------------------------------------

    def _obey(self, command: Callable[[], int], said: int, alive: int) -> int:
        """Run the command with the streams that it has always had; what else is printed goes to the guard."""
        sys.stdout, sys.stderr = _kept(sys.stdout, 1), _kept(sys.stderr, 2)
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr  # type: ignore[misc,assignment]
        os.dup2(said, 1)
        os.dup2(said, 2)
        threading.Thread(target=_end_with, args=(alive,), name="guard", daemon=True).start()
        printed = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
        witness = Witness(said, self._limits, printed=printed, without=self._without)
        with witness.present():
            code = command()
        witness.farewell(code)
        return code

    # ---- the parent --------------------------------------------------------------------------------------------------

    def _watch(self, child: int, heard: int, signals: _Signals) -> int:
        """Listen until the child has ended; its status."""
        while True:
            signals.hand_on()
            self._hear(heard, _LOOK)
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                while self._hear(heard, 0):
                    pass
                return status
            work = self._lookout.work
            limit = self._limits.get(work.doing, 0.0) if work is not None else 0.0
            if work is not None and limit and time.monotonic() - work.since > limit + grace(limit):
                self._fault = f"it {'was not imported' if work.doing == 'import' else 'gave nothing'} for {limit:g} s"
                os.kill(child, signal.SIGKILL)

    def _hear(self, heard: int, seconds: float) -> bool:
        """Take what the child says within so many seconds; whether there was something."""
        with contextlib.suppress(InterruptedError):
            if select.select([heard], [], [], seconds)[0] and (data := os.read(heard, 1 << 16)):
                for told in self._lookout.feed(data):
                    self._note(told)
                return True
        if seconds:
            time.sleep(0.005)  # the end of the pipe is always ready
        return False

    def _note(self, told: Told) -> None:
        self._faults.keep(told.origin, told.fault, "explain")
        if not told.stops:
            self._told[f"fer-tui: explainer {told.origin}: {plain(told.fault)}"] = None


class _Signals:
    """Hands signals on to the child."""

    def __init__(self, child: int) -> None:
        self.handed_on: set[int] = set()
        self._child, self._interrupted = child, math.inf
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and _is_in_front():
            self._interrupted = min(self._interrupted, time.monotonic() + _ECHO)
        else:
            self._send(number)

    def hand_on(self) -> None:
        """Send what is due."""
        if time.monotonic() > self._interrupted:
            self._interrupted = math.inf
            self._send(signal.SIGINT)

    def _send(self, number: int) -> None:
        self.handed_on.add(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)


def _is_in_front() -> bool:
    """Whether the terminal sends its signals to this process, and so to the child."""
    try:
        with open("/dev/tty") as terminal:  # noqa: PTH123
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _kept(stream: TextIO, descriptor: int) -> TextIO:
    """The same stream on a descriptor of its own, so that the old one can be given to explainers."""
    stream.flush()
    encoding, errors = getattr(stream, "encoding", None) or "utf-8", getattr(stream, "errors", None) or "replace"
    line = 1 if stream.isatty() or descriptor == 2 else -1
    return open(os.dup(descriptor), "w", encoding=encoding, errors=errors, buffering=line)  # noqa: PTH123


def _end_with(alive: int) -> None:
    """End this process when the guard is gone: nobody would tell of it."""
    while os.read(alive, 1):
        pass
    os._exit(_FAULT)


def _ended(status: int) -> str:
    """How a process ended that did not say farewell."""
    if os.WIFSIGNALED(status):
        with contextlib.suppress(ValueError):
            return f"the process was ended by {signal.Signals(os.WTERMSIG(status)).name}"
        return f"the process was ended by signal {os.WTERMSIG(status)}"
    return f"the process was ended with code {os.waitstatus_to_exitcode(status)}"


def _modes() -> list[Any] | None:
    """How the terminal is set, None where there is none."""
    import termios

    with contextlib.suppress(termios.error, OSError, ValueError):
        return termios.tcgetattr(0)
    return None


def _restore(modes: list[Any] | None) -> None:
    """The child cannot do it any more: the terminal as it was, and its cursor."""
    import termios

    if modes is not None:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSADRAIN, modes)
    if sys.stderr.isatty():
        sys.stderr.write(_SHOW_CURSOR)
        sys.stderr.flush()
