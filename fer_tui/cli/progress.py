"""Progress on stderr: a bar where someone watches, lines of JSON where a program asks, nothing where nobody does."""

from __future__ import annotations

import json
import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from fer_tui.contract import plain

from . import streams

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

VARIABLE = "FER_TUI_PROGRESS"  # "json": {"doing": text, "share": 0 to 1 or null, "whole": of all the work} a line
_EVERY = 0.1  # seconds between two lines about the same


class Narrator:
    """Call it with what is being done and the share of it that is done (0 to 1, None where it is not known).

    whole: the share is that of all the work, so that the bar, and the time that is left, go on under another text.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._text, self._whole = "", False
        self._in_json, self._told = os.environ.get(VARIABLE) == "json", 0.0

    def __enter__(self) -> Narrator:
        if sys.stderr.isatty() and not self._in_json:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
            console = Console(file=sys.stderr, markup=False, highlight=False)
            self._bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
            self._bar.start()
        return self

    def __call__(self, text: str, share: float | None = None, *, whole: bool = False) -> None:
        if self._in_json:
            self._put(text, share, whole)
        if self._bar is None:
            return
        if self._task is None or (text != self._text and not (whole and self._whole)):
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(plain(text), total=None)
        elif text != self._text:
            self._bar.update(self._task, description=plain(text))
        self._text, self._whole = text, whole
        self._bar.update(self._task, total=1.0 if share is not None else None, completed=share or 0.0)

    def _put(self, text: str, share: float | None, whole: bool) -> None:
        now = time.monotonic()
        if text != self._text or now - self._told >= _EVERY:
            self._text, self._told = text, now
            streams.say(json.dumps({"doing": text, "share": share, "whole": whole}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
