"""A folder that is being filled beside its place: interrupted, it can be gone on with where it was."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fer_tui.contract import InputError
from fer_tui.writing import PART, write_whole

_STATE, _LOCK = "unfinished.json", "unfinished.lock"


class Unfinished:
    """`folder` is beside `out`, and takes its place at the end. asked: what it is to hold, JSON-like.

    state: what `keep` was given last, in this or an earlier process that was asked for the same; None at the start.
    """

    def __init__(self, out: Path, asked: Mapping[str, Any]) -> None:
        self.out, self._asked = out, json.loads(json.dumps(asked))
        self.folder = out.with_name(f".{out.name[:100]}{PART}")
        self.state: dict[str, Any] | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The folder is there, and no other process fills it. InputError where one does."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / _LOCK).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(self.out, "another process is writing it", "wait for it, or name another") from None
            except OSError:
                pass  # a disk that has no locks
            self.state = self._found()
            if self.state is None:
                self.start_anew()
            yield

    def start_anew(self) -> None:
        """Forget what is there."""
        self.state = None
        (self.folder / _STATE).unlink(missing_ok=True)
        self.clear(())

    def clear(self, names: Iterable[str]) -> None:
        """Delete all but the files `names`: what was being written when it was interrupted."""
        for each in self.folder.iterdir():
            if each.name not in (_STATE, _LOCK, *names):
                each.unlink()

    def keep(self, state: Mapping[str, Any]) -> None:
        """So far everything is on the disk."""
        content = {"asked": self._asked, "state": state}
        write_whole(self.folder / _STATE, json.dumps(content).encode(), durable=True)

    def finish(self) -> None:
        """Put it in its place."""
        for name in (_STATE, _LOCK):
            (self.folder / name).unlink(missing_ok=True)
        if self.out.exists():
            self.out.rmdir()
        self.folder.rename(self.out)

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.folder / _STATE).read_text())
            state: dict[str, Any] = found["state"]
            return state if found["asked"] == self._asked else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
