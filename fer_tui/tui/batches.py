"""A batch at work: a process of its own that writes into files how far it is, so that it can outlive the explorer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_tui.contract import InputError, plain
from fer_tui.writing import write_whole

from .batching import Progress
from .children import command, give_way

_EVERY = 0.25  # seconds between two looks
_PATIENCE = 5.0  # seconds from the interrupt, when the explorer is left, to the kill
_TAIL = 1 << 14  # bytes at the end of what a batch has told: some lines at least
_ASKED, _EVENTS, _SAID = "asked.json", "events.jsonl", "said.txt"


@dataclass(slots=True)
class Running:
    """One batch that was started, by this explorer (own) or by one before. pid, begun: which process it is."""

    folder: Path
    title: str
    dataset: str
    pid: int
    begun: str
    own: subprocess.Popen[bytes] | None = None
    stopped: bool = False

    @property
    def is_alive(self) -> bool:
        if self.own is not None:
            return self.own.poll() is None
        return _is_alive(self.pid, self.begun)

    @property
    def progress(self) -> Progress | None:
        """The last that it told."""
        lines = reversed(_tail(self.folder / _EVENTS))
        return next((found for line in lines if (found := Progress.read(line)) is not None), None)

    @property
    def said(self) -> list[str]:
        """What it said beside that, the end of it."""
        return [line for line in _tail(self.folder / _SAID) if line.strip()]

    def stop(self) -> None:
        """Interrupt it: what it has made it writes; the second time it is ended at once."""
        number, self.stopped = signal.SIGKILL if self.stopped else signal.SIGINT, True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)  # its workers, too
            else:
                os.kill(self.pid, number)

    def write(self) -> None:
        values = {"title": self.title, "dataset": self.dataset, "pid": self.pid, "begun": self.begun}
        write_whole(self.folder / _ASKED, json.dumps(values).encode())

    @classmethod
    def read(cls, folder: Path) -> Running | None:
        """The one that has told of itself there, if any."""
        try:
            found: Any = json.loads((folder / _ASKED).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        match found:
            case {"title": str(title), "dataset": str(dataset), "pid": int(pid), "begun": str(begun)}:
                return cls(folder, title, dataset, pid, begun)
        return None


class Batches:
    """One batch at a time. told: hears of progress ('' and ''), and how one ended: in one line, and the fault in full.

    folder: where batches tell of themselves, None: nothing is kept, and one that goes on is not found again.
    """

    def __init__(self, folder: Path | None, told: Callable[[str, str], None]) -> None:
        self._folder, self._told = folder, told
        self._task: asyncio.Task[None] | None = None
        self.now: Running | None = None
        self.progress = Progress()
        self.ended = 0  # how many have ended: the store has other maps since

    @property
    def is_working(self) -> bool:
        return self.now is not None

    @property
    def is_own(self) -> bool:
        """Whether this explorer has started it."""
        return self.now is not None and self.now.own is not None

    def begin(self, words: Sequence[str], title: str, dataset: str) -> None:
        """Start `fer-tui` with these words, which name a batch; InputError where that cannot be.

        title: what it makes, in words. dataset: the digest of that which is open.
        """
        try:
            folder = self._new_folder()
            with (folder / _EVENTS).open("wb") as events, (folder / _SAID).open("wb") as said:
                process = subprocess.Popen(
                    command([*words, "--events"]),
                    stdin=subprocess.DEVNULL,
                    stdout=events,
                    stderr=said,
                    start_new_session=True,  # neither the terminal's Ctrl+C nor its end is for the batch
                )
            give_way(process.pid)
            running = Running(folder, title, dataset, process.pid, _begun(process.pid), process)
            running.write()
        except OSError as error:
            raise InputError("batch", f"it cannot be started: {error.strerror}") from None
        self._watch(running)

    def find(self, dataset: str) -> None:
        """Go on watching a batch of this dataset that was let go on; tell of one that has ended meanwhile."""
        for running in self._others():
            if running.is_alive:
                if running.dataset == dataset and not self.is_working:
                    self._watch(running)
            elif running.dataset == dataset and not self.is_working:
                self._end(running)
            else:
                _remove(running.folder)

    def stop(self) -> bool:
        """Interrupt it; what is made stays. The second time it is ended at once. Whether there was one."""
        if self.now is None:
            return False
        self.now.stop()
        return True

    def let_go(self) -> None:
        """Leave it to itself: it goes on when the explorer is left."""
        self._forget()

    async def close(self) -> None:
        """The explorer is left: a batch of its own does not stay behind, unless it was let go."""
        running = self.now
        self._forget()
        if running is None or running.own is None:
            return
        running.stop()
        end = time.monotonic() + _PATIENCE
        while running.is_alive and time.monotonic() < end:
            await asyncio.sleep(0.02)
        if running.is_alive:
            running.stop()
            running.own.wait()
        _remove(running.folder)

    # ---- watching ----------------------------------------------------------------------------------------------------

    def _watch(self, running: Running) -> None:
        self.now, self.progress = running, running.progress or Progress()
        self._task = asyncio.create_task(self._look(running), name="batch")

    async def _look(self, running: Running) -> None:
        while running.is_alive:
            progress = running.progress
            if progress is not None and progress != self.progress:
                self.progress = progress
                self._told("", "")
            await asyncio.sleep(_EVERY)
        self.now = self._task = None
        self.ended += 1
        self._end(running)

    def _end(self, running: Running) -> None:
        """Tell how it has ended, and leave nothing of it behind."""
        progress, said = running.progress or Progress(), running.said
        last = plain(said[-1].removeprefix("fer-tui: ")) if said else "nothing tells why"
        there = f"{progress.total - progress.missing:,} of {progress.total:,} maps are stored"
        if progress.done:
            aside = f", {progress.aside:,} set aside (! tells which)" if progress.aside else ""
            news, fault = f"the batch is through: {progress.made:,} maps made{aside}", said if progress.aside else []
        elif running.stopped and progress.stage == "maps":
            news, fault = f"the batch is stopped, {there}; B goes on", []
        elif running.stopped:
            news, fault = "the batch is stopped", []
        else:
            news, fault = f"the batch has ended: {last}", said
        _remove(running.folder)
        self._told(news, "\n".join(fault))

    def _forget(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self.now = self._task = None

    # ---- files -------------------------------------------------------------------------------------------------------

    def _new_folder(self) -> Path:
        if self._folder is None:
            return Path(tempfile.mkdtemp(prefix="fer-tui-batch-"))
        self._folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self._folder, prefix="batch-"))

    def _others(self) -> Iterator[Running]:
        with contextlib.suppress(OSError):
            for folder in sorted(self._folder.iterdir()) if self._folder is not None else ():
                if (running := Running.read(folder)) is not None:
                    yield running


def _begun(pid: int) -> str:
    """When a process began, in the kernel's words: its number may be another's later. '' where that is not told.

    "ended": it is over, and nobody has asked how.
    """
    with contextlib.suppress(OSError, IndexError):
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "ended" if facts[0] == "Z" else facts[19]
    return ""


def _is_alive(pid: int, begun: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _begun(pid) == begun


def _tail(file: Path) -> list[str]:
    """The last whole lines of a file; none where it is not there."""
    try:
        with file.open("rb") as stream:
            start = max(0, stream.seek(0, os.SEEK_END) - _TAIL)
            stream.seek(start)
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    lines = text.splitlines(keepends=True)[1 if start else 0 :]
    return [line.rstrip("\n") for line in lines if line.endswith("\n")]


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
