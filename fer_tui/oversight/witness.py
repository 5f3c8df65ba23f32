"""Beside the code of explainers: says who is at work, keeps their time, and has what they print go where it is kept."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import FrameType
from typing import TextIO

from fer_tui.contract import plain

from .marks import mark
from .origin import Origin

_LONGEST = 1000  # characters of what is told
_present: ContextVar[Witness | None] = ContextVar("witness", default=None)
_overheard: ContextVar[list[str] | None] = ContextVar("overheard", default=None)


class OutOfTime(BaseException):
    """Raised in an explainer's code when its time is over; no Exception, so that `except Exception` lets it pass."""


class Witness:
    """Writes marks for the lookout at the other end of `descriptor`.

    printed: where an explainer's sys.stdout and sys.stderr go while it is at work (None: where they go anyway).
    without: explainers not to be imported, and why. limits: seconds by what is done; then OutOfTime is raised inside,
    on the main thread.
    """

    def __init__(
        self,
        descriptor: int,
        limits: Mapping[str, float],
        *,
        printed: TextIO | None = None,
        without: Mapping[str, str] | None = None,
    ) -> None:
        self._descriptor, self._limits, self._printed = descriptor, limits, printed
        self.without: Mapping[str, str] = without or {}
        self._told: set[tuple[str, str]] = set()
        self._limit = 0.0  # of what is at work; 0: none is

    @contextlib.contextmanager
    def present(self) -> Iterator[None]:
        """Be the witness of all that is done inside."""
        token = _present.set(self)
        try:
            yield
        finally:
            _present.reset(token)

    @contextlib.contextmanager
    def at_work(self, origin: Origin, doing: str) -> Iterator[None]:
        self._write(at=[origin.name, origin.distribution, origin.version], doing=doing)
        streams = sys.stdout, sys.stderr
        if self._printed is not None:
            sys.stdout = sys.stderr = self._printed
        try:
            with self._clock(self._limits.get(doing, 0.0)):
                yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):  # the explainer may have put another one there, or closed it
                    stream.flush()
            sys.stdout, sys.stderr = streams
            self._write(at=None)

    def tell(self, origin: Origin, fault: str, *, stops: bool = False) -> None:
        """Something that an explainer did; what does not stop the work is told once."""
        fault = plain(fault)[:_LONGEST]
        if stops or (origin.name, fault) not in self._told:
            self._told.add((origin.name, fault))
            self._write(told=[origin.name, origin.distribution, origin.version], fault=fault, stops=stops)

    def farewell(self, code: int) -> None:
        """The work is done, and the process about to end with this code."""
        self._write(done=code)

    def _write(self, **fields: object) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(self._descriptor, mark(**fields))

    @contextlib.contextmanager
    def _clock(self, limit: float) -> Iterator[None]:
        on_time = limit > 0 and threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
        if not on_time:
            yield
            return
        handler = signal.signal(signal.SIGALRM, self._ring)
        self._limit = limit
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            yield
        finally:
            self._limit = 0.0
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._limit:
            raise OutOfTime(f"it gave nothing for {self._limit:g} s")


def at_work(origin: Origin, doing: str) -> contextlib.AbstractContextManager[None]:
    """The code of an explainer runs inside. doing: "import" or "explain"."""
    witness = _present.get()
    return witness.at_work(origin, doing) if witness is not None else contextlib.nullcontext()


def tell(origin: Origin, fault: str) -> None:
    """Something that an explainer did and that does not stop the work: to the witness, else a warning of Python's."""
    witness, heard = _present.get(), _overheard.get()
    if heard is not None:
        heard.append(plain(fault))
    if witness is not None:
        witness.tell(origin, fault)
    elif heard is None:
        warnings.warn(f"explainer {origin}: {plain(fault)}", RuntimeWarning, stacklevel=2)


@contextlib.contextmanager
def overheard() -> Iterator[list[str]]:
    """All that explainers do inside and that does not stop the work: told to the witness, if any, and in this list."""
    heard: list[str] = []
    token = _overheard.set(heard)
    try:
        yield heard
    finally:
        _overheard.reset(token)


def tell_failure(origin: Origin, fault: str) -> None:
    """What ended the work of an explainer, to the witness, where there is one."""
    witness = _present.get()
    if witness is not None:
        witness.tell(origin, fault, stops=True)


def leave_out(without: Mapping[str, str]) -> None:
    """Let these explainers not be imported here, and say why."""
    witness = _present.get()
    if witness is not None:
        witness.without = without


def left_out(name: str) -> str:
    """Why an explainer is not to be imported here, '' where it may be."""
    witness = _present.get()
    return witness.without.get(name, "") if witness is not None else ""


def is_witnessed() -> bool:
    """Whether what is printed goes to a lookout."""
    return _present.get() is not None
