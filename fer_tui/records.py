"""Small files of what is kept from one run to the next: JSON, written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fer_tui.contract import plain
from fer_tui.writing import write_whole

_VERSION = 1
_LONGEST = 2.0  # seconds to wait for another process's write, which takes a millisecond


class Record:
    """One file of the state. path: None keeps nothing beyond this run. fault: why something is not kept, or ''."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.fault = path, ""
        self.values: dict[str, Any] = self._read()

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Apply `change` to what the file holds by now, so that what another process wrote meanwhile stays."""
        if self.path is None:
            change(self.values)
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path.with_suffix(".lock")):
                values = self._read()
                change(values)
                self._write(values)
            self.values = values
        except OSError as error:
            change(self.values)
            self.fault = f"changes are not kept: {error.strerror or error}: {plain(self.path)}"

    def _read(self) -> dict[str, Any]:
        if self.path is None or not self.path.exists():
            return {}
        try:
            values = json.loads(self.path.read_bytes())
            if not isinstance(values, dict) or values.pop("version", None) != _VERSION:
                raise ValueError("it is of another version")
        except ValueError as error:
            aside = self.path.with_name(f"{self.path.name}.{int(time.time())}")
            with contextlib.suppress(OSError):
                self.path.rename(aside)
            self.fault = f"{plain(self.path)} could not be read ({plain(error)}): it is kept as {plain(aside.name)}"
            return {}
        except OSError as error:
            self.fault = f"{plain(self.path)}: {error.strerror}"
            return {}
        return values

    def _write(self, values: dict[str, Any]) -> None:
        assert self.path is not None
        text = json.dumps({"version": _VERSION, **values}, ensure_ascii=False, indent=1)
        write_whole(self.path, text.encode("utf-8", "surrogateescape"))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among the processes that write beside `path`; after a while all the same, for a key press waits."""
    import fcntl

    with path.open("a") as file:
        end = time.monotonic() + _LONGEST
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.005)
        yield
