"""Exports: explanations as picture, arrays and numbers, with an index that says what each is, and how it is made."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Explanation, FerTuiError, InputError, Reply, plain
from fer_tui.writing import write_whole

from .asking import Asking, Request

if TYPE_CHECKING:
    from fer_tui.engine.messages import Message
    from fer_tui.picture import Look as Drawn

FOLDER = "fer-tui-exports"  # in the folder where the explorer was started
SUFFIXES = (".png", ".npz", ".json")
Sheet = Callable[[Path, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Item:
    """One explanation to be written: its file name without a suffix, and what the index tells of it."""

    name: str
    request: Request
    facts: dict[str, Any]


@dataclass(slots=True)
class Export:
    """Writes `items` into `folder` one after another, each when it is made; the index comes last.

    done, total: how far it is. fault: why it ended early; faults: why some explanations could not be made. drawn: how a
    map is drawn in the picture. sheet: writes what belongs to all of them together, from the folder and the names of
    those that are written there, in another thread.
    """

    folder: Path
    items: Sequence[Item]
    asking: Asking
    told: Callable[[], None]
    drawn: Callable[[Explanation], Drawn]
    sheet: Sheet | None = None
    done: int = 0
    fault: str = ""
    faults: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "export"))
    _writing: list[Future[None]] = field(default_factory=list)
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.items)

    @property
    def written(self) -> int:
        return len(self._entries)

    @property
    def is_over(self) -> bool:
        return self.done == self.total or bool(self.fault)

    @property
    def left(self) -> float | None:
        """Seconds that are left, at the rate so far."""
        return (time.monotonic() - self._began) / self.done * (self.total - self.done) if self.done else None

    def begin(self) -> None:
        """Ask for the first explanation; InputError where the folder cannot be made."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(self.folder, f"cannot be made: {error.strerror}", "choose another place") from None
        self._go_on()

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this."""
        if self.is_over or not self.asking.take(message):
            return False
        self._go_on()
        return True

    def stop(self) -> bool:
        """End it; what is written stays."""
        if self.is_over:
            return False
        self.asking.stop()
        self._end("stopped")
        return True

    def _go_on(self) -> None:
        """Write all that are there already, and ask for the next."""
        while not self.is_over:
            item, answered = self.items[self.done], self.asking.answered
            if answered.request != item.request:
                self.asking.want(item.request)
                answered = self.asking.answered
            if answered.fault:  # the others may well be made
                self.faults.append(answered.fault)
                self.done += 1
            elif answered.cancelled:
                self._end("stopped")
            elif answered.final and (explanation := answered.explanation) is not None:
                self._writing.append(
                    self._pool.submit(_write, self.folder / item.name, explanation, self.drawn(explanation))
                )
                self._names.append(item.name)
                from fer_tui.picture import table_files

                files = [f"{item.name}{suffix}" for suffix in _suffixes(explanation)]
                files += [file.name for file in table_files(Path(item.name), explanation)]
                self._entries.append({**item.facts, "files": files, "notes": list(explanation.notes)})
                self.done += 1
                self._look_for_faults()
            else:
                return
        if not self.fault:
            self._end("")

    def _look_for_faults(self) -> None:
        while self._writing and self._writing[0].done():
            error = self._writing.pop(0).exception()
            if error is not None:
                self._end(str(error) if isinstance(error, FerTuiError) else f"{type(error).__name__}: {error}")

    def _end(self, fault: str) -> None:
        self.fault = fault
        entries, names, folder, sheet = list(self._entries), list(self._names), self.folder, self.sheet

        def index() -> None:
            try:
                for each in self._writing:
                    each.result()
                if sheet is not None and names:
                    sheet(folder, names)
                put(folder / "index.json", json.dumps(entries, ensure_ascii=False, indent=1))
            except (FerTuiError, OSError, MemoryError) as error:
                self.fault = str(error) or type(error).__name__
            self.told()

        self._pool.submit(index)
        self._pool.shutdown(wait=False)


class Exporter:
    """One export at a time. asking: makes what asks for explanations. told: hears, on the loop, how one ended."""

    def __init__(self, asking: Callable[[], Asking], told: Callable[[str], None]) -> None:
        self._asking, self._told = asking, told
        self.now: Export | None = None

    def begin(
        self, folder: Path, items: Sequence[Item], drawn: Callable[[Explanation], Drawn], sheet: Sheet | None = None
    ) -> None:
        """Write explanations into a folder, in the background; InputError where it cannot be made."""
        loop = asyncio.get_running_loop()

        def told() -> None:
            with contextlib.suppress(RuntimeError):  # the explorer was left meanwhile
                loop.call_soon_threadsafe(self._tell)

        self.now = Export(folder, items, self._asking(), told, drawn, sheet)
        self.now.begin()

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about the export."""
        return self.now is not None and self.now.take(message)

    def stop(self) -> bool:
        return self.now is not None and self.now.stop()

    def _tell(self) -> None:
        if self.now is not None:
            fault = f": {self.now.fault}" if self.now.fault else ""
            if self.now.faults:
                fault += f"; {len(self.now.faults)} could not be made: {self.now.faults[0]}"
            self._told(
                f"{self.now.written} of {self.now.total} explanations are written: {plain(self.now.folder)}{fault}"
            )


def _write(path: Path, explanation: Explanation, drawn: Drawn) -> None:
    from fer_tui.picture import save, save_tables

    for suffix in _suffixes(explanation):
        save(explanation, path.with_name(f"{path.name}{suffix}"), **drawn)
    save_tables(explanation, path)


def _suffixes(explanation: Explanation) -> tuple[str, ...]:
    """What an explanation is written as: what an action tells has no picture."""
    return tuple(each for each in SUFFIXES if each != ".png") if isinstance(explanation, Reply) else SUFFIXES


def put(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; InputError where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror}", "choose another place") from None


def free(path: Path) -> Path:
    """`path`, or the first of `path-2`, `path-3`, ... that is not there, or is an empty folder."""
    number, found = 1, path
    while found.exists() and (not found.is_dir() or any(found.iterdir())):
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
