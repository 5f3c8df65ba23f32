"""What the explorer keeps from one start to the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fer_tui.folders import state_folder
from fer_tui.records import Record

__all__ = ["Record", "State"]


class State:
    """The user's record, and that of each dataset by its digest."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.user = Record(folder / "user.json" if folder is not None else None)
        self._datasets: dict[str, Record] = {}

    @classmethod
    def open(cls) -> State:
        return cls(state_folder())

    @property
    def batches(self) -> Path | None:
        """The folder in which batches tell how far they are; None where nothing is kept."""
        return self._folder / "batches" if self._folder is not None else None

    def of(self, digest: str) -> Record:
        """What is kept of the dataset of this digest."""
        if digest not in self._datasets:
            path = self._folder / "datasets" / f"{digest}.json" if self._folder is not None else None
            self._datasets[digest] = Record(path)
        return self._datasets[digest]

    def faults(self) -> Iterator[str]:
        """What could not be read or kept, each told once."""
        for record in (self.user, *self._datasets.values()):
            if record.fault:
                yield record.fault
                record.fault = ""
