"""The explainers of `batchkit`, installed; what they have explained; what a store has of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fer_tui.contract import Place
from fer_tui.engine import Settings, open_session


@dataclass(frozen=True)
class Kit:
    """folder: of the store. settings: of the session that the batch is run on, the samples' first rows."""

    folder: Path
    log: Path
    settings: Settings

    @property
    def flags(self) -> list[str]:
        return ["--limit", str(self.settings.limit), "--device", "cpu", "--cache", str(self.folder), "--workers", "2"]

    def explained(self) -> Counter[int]:
        """How often each row was explained since the last call."""
        rows = self.log.read_text().split() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return Counter(map(int, rows))

    def stored(self, method: str) -> set[int]:
        """The rows whose explanation of the class 3 is in the store."""
        with open_session(self.settings) as session:
            engine = session.engine()
            assert session.store is not None
            keys = {engine.task(method, Place(row, 3), {}).key(): row for row in range(len(session.dataset))}
            return {keys[key] for key in session.store.has(keys)}


@pytest.fixture
def kit(
    tmp_path: Path, install: Callable[[str, str, dict[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Kit]:
    source = Path(__file__).with_name("batchkit.py").read_text()
    names = ("Counted", "Slow", "Holding")
    install("batchkit", source, {name.lower(): f"batchkit:{name}" for name in names})
    monkeypatch.setenv("BATCHKIT_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("FER_TUI_STATE", "none")
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    yield Kit(tmp_path / "store", tmp_path / "log", Settings(device="cpu", limit=160, cache=str(tmp_path / "store")))
