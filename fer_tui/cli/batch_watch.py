"""How a batch is watched: a bar on stderr, or a line of JSON on stdout for each state."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from fer_tui.amounts import duration

from . import streams

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from fer_tui.batch import State

_EVERY = 0.25  # seconds between two lines of JSON
_WORDS = {"predictions": "predicting", "images": "looking at the images", "maps": "explaining"}


class Watch:
    """Call it with each state. events: lines of JSON, at most 4 a second, the last one always."""

    def __init__(self, *, events: bool) -> None:
        self._events, self._told = events, 0.0
        self._last: State | None = None
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Watch:
        if sys.stderr.isatty() and not self._events:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            told, pace = TextColumn("{task.description}"), TextColumn("{task.fields[pace]}")
            console = Console(file=sys.stderr, markup=False, highlight=False)
            self._bar = Progress(told, BarColumn(), MofNCompleteColumn(), pace, console=console, transient=True)
            self._bar.start()
        return self

    def __call__(self, state: State) -> None:
        self._last = state
        if self._events and time.monotonic() - self._told >= _EVERY:
            self._put()
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task("", pace="")
            there = state.total - state.missing
            words, pace = _WORDS[state.stage], _pace(state)
            self._bar.update(self._task, description=words, total=state.total, completed=there, pace=pace)

    def all(self, states: Iterable[State]) -> None:
        """Watch them all."""
        for state in states:
            self(state)

    def end(self) -> None:
        """Tell the last state, where it was not told."""
        if self._events and self._last is not None:
            self._put()

    def _put(self) -> None:
        assert self._last is not None
        self._told = time.monotonic()
        streams.put(json.dumps(self._last.to_dict()))
        sys.stdout.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _pace(state: State) -> str:
    if state.rate is None or state.left is None:
        return ""
    aside = f", {state.aside} set aside" if state.aside else ""
    return f"{state.rate:.3g}/s, {duration(state.left)} left{aside}"
