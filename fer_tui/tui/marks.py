"""Marks and notes on images: kept by the dataset's digest and the row in the whole source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .state import Record


class Marks:
    """The marks and notes of the rows that are open.

    source_rows: int64 (N,), ascending. marked: bool (N,). notes: row -> text. What other splits of the source have
    stays in the record.
    """

    def __init__(self, record: Record, source_rows: NDArray[np.int64]) -> None:
        self._record, self._source = record, source_rows
        self.marked: NDArray[np.bool_] = np.isin(source_rows, _rows(record.values.get("marks")))
        self.notes: dict[int, str] = {}
        for source, note in _notes(record.values.get("notes")).items():
            if len(source_rows) and source_rows[self.row_of(source)] == source:
                self.notes[self.row_of(source)] = note

    def source_of(self, row: int) -> int:
        """The row in the whole source."""
        return int(self._source[row])

    def row_of(self, source: int) -> int:
        """The open row that is that row of the source, or the nearest one."""
        return min(int(np.searchsorted(self._source, source)), len(self._source) - 1)

    @property
    def count(self) -> int:
        return int(self.marked.sum())

    def set(self, rows: Iterable[int], on: bool) -> None:
        """Mark these rows, or take their marks away."""
        chosen = list(rows)
        self.marked[chosen] = on
        sources = self._sources(chosen)
        self._change(lambda known: known | sources if on else known - sources)

    def invert(self, rows: Iterable[int]) -> None:
        """Mark those of these rows that are not marked, and take the others' marks away."""
        chosen = list(rows)
        on, off = (self._sources(row for row in chosen if self.marked[row] == was) for was in (False, True))
        self.marked[chosen] = ~self.marked[chosen]
        self._change(lambda known: (known | on) - off)

    def _sources(self, rows: Iterable[int]) -> frozenset[int]:
        return frozenset(int(self._source[row]) for row in rows)

    def _change(self, change: Callable[[frozenset[int]], frozenset[int]]) -> None:
        """Change what the record has by now."""

        def changed(values: dict[str, Any]) -> None:
            values["marks"] = sorted(change(frozenset(_rows(values.get("marks")))))

        self._record.change(changed)

    def toggle(self, row: int) -> None:
        self.set([row], not self.marked[row])

    def note(self, row: int, text: str) -> None:
        """Keep a note on a row; '' takes it away."""
        text = text.strip()
        self.notes.pop(row, None)
        if text:
            self.notes[row] = text

        def change(values: dict[str, Any]) -> None:
            notes = {str(source): note for source, note in _notes(values.get("notes")).items()}
            notes.pop(str(self._source[row]), None)
            if text:
                notes[str(self._source[row])] = text
            values["notes"] = notes

        self._record.change(change)


def _rows(found: object) -> list[int]:
    """The marks of a record: what is no row is left out."""
    return [each for each in found if type(each) is int] if isinstance(found, list) else []


def _notes(found: object) -> dict[int, str]:
    if not isinstance(found, dict):
        return {}
    return {int(row): note for row, note in found.items() if str(row).isdecimal() and isinstance(note, str)}
