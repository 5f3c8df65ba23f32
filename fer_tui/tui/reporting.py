"""The report, made in the background by a process of its own: `fer-tui report` with what is open in the explorer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain

from .children import ended, started
from .command import flags_of, is_run

if TYPE_CHECKING:
    from fer_tui.engine import Settings

    from .pace import Pace

MOST = 200  # images that a report shows: each is drawn by three methods


class Reporter:
    """One report at a time. told: hears of progress ('' and ''), and how one ended: in one line, and the fault in full.

    settings: None where live objects are explored, of which another process knows nothing.
    """

    def __init__(self, settings: Settings | None, told: Callable[[str, str], None]) -> None:
        self._settings, self._told = settings, told
        self._task: asyncio.Task[None] | None = None
        self._doing: tuple[str, float | None, bool] = ("", None, False)
        self._stopped = False

    @property
    def is_working(self) -> bool:
        return self._task is not None and not self._task.done()

    def words(self, pace: Pace) -> str | None:
        """What the report does, with its share and the time that is left; None while none is made."""
        if not self.is_working:
            return None
        text, share, whole = self._doing
        percent = f" {share:.0%}{pace.left('report' if whole else f'report: {text}', share)}" if share else " …"
        return f"{plain(text)}{percent}"

    def begin(self, folder: Path, rows: Sequence[int], checkpoint: int) -> None:
        """Make the report of these rows (none: of the best of each class) into `folder`; InputError where it cannot be.

        checkpoint: which of several weights.
        """
        if self._settings is None:
            mend = "open files: fer-tui open DATA --model ... --weights ..., or fer-tui report"
            raise InputError(
                "report", "live objects are known to this process alone, and another makes the report", mend
            )
        if len(rows) > MOST:
            raise InputError("report", f"it shows {MOST} images at most, and {len(rows):,} are marked", "U unmarks all")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(folder.parent, f"cannot be made: {error.strerror}", "start fer-tui elsewhere") from None
        words = words_for(self._settings, folder, rows, checkpoint)
        self._doing, self._stopped = ("starting", None, False), False
        self._task = asyncio.create_task(self._make(words, folder), name="report")

    def stop(self) -> None:
        """End it; what it has computed stays in the store."""
        if self._task is not None:
            self._stopped = True
            self._task.cancel()

    async def close(self) -> None:
        """The explorer is left: no process stays behind."""
        if self.is_working and self._task is not None:
            self._told = lambda news, fault: None
            self.stop()
            await asyncio.wait([self._task])

    async def _make(self, words: Sequence[str], folder: Path) -> None:
        said: list[str] = []
        try:
            code = await self._run(words, said)
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            self._end("the report is stopped; what it has computed is kept for the next one", "")
            return
        except OSError as error:
            self._end(f"no report: {error.strerror}", "")
            return
        if code == 0:
            self._end(f"the report is written: {plain(folder / 'report.html')}", "")
            return
        fault = said[-1].removeprefix("fer-tui: ") if said else f"its process ended with {code}"
        self._end(f"no report: {fault}", "\n".join(said))

    def _end(self, news: str, fault: str) -> None:
        self._task = None
        self._told(news, fault)

    async def _run(self, words: Sequence[str], said: list[str]) -> int:
        """The exit code; what the process says beside its progress is added to `said`."""
        nowhere, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        process = await started(words, stdout=nowhere, stderr=pipe, more={"FER_TUI_PROGRESS": "json"})
        assert process.stderr is not None
        try:
            async for line in process.stderr:
                self._hear(line.decode("utf-8", "replace").strip(), said)
            return await process.wait()
        finally:
            if process.returncode is None:
                await ended(process)

    def _hear(self, line: str, said: list[str]) -> None:
        progress = _progress(line)
        if progress is not None:
            self._doing = progress
            self._told("", "")
        elif line:
            said.append(line)


def words_for(settings: Settings, folder: Path, rows: Sequence[int], checkpoint: int) -> list[str]:
    """The command's words behind `fer-tui`."""
    words = ["report", "-o", str(folder), "--images", ranges(rows) if rows else "best"]
    if is_run(settings):
        words += ["--checkpoint", str(checkpoint)]
    for each in settings.report_with:
        words += ["--with", each]
    return [*words, *flags_of(settings)]


def ranges(rows: Sequence[int]) -> str:
    """Rows as flags take them: 3, 4, 5, 9 are `3-5,9`."""
    found: list[list[int]] = []
    for row in sorted(rows):
        if found and row == found[-1][-1] + 1:
            found[-1] = [found[-1][0], row]
        else:
            found.append([row])
    return ",".join("-".join(map(str, each)) for each in found)


def _progress(line: str) -> tuple[str, float | None, bool] | None:
    """What is done, its share, whether that is of all the work; None where the line tells of something else."""
    try:
        found: Any = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return None
    match found:
        case {"doing": str(doing), "share": float() | int() | None as share, "whole": bool(whole)}:
            return doing, share, whole
    return None
