"""Marks and notes on images: kept by the dataset's digest and the row in the whole source."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .state import Record


class Marks:
    """The marks and notes of the rows that are open.

    source_rows: int64 (N,) ascending, or the range that they are. marked: bool (N,). notes: row -> text. What other
    splits of the source have stays in the record.
    """

    def __init__(self, record: Record, source_rows: NDArray[np.int64] | range) -> None:
        self._record, self._source = record, source_rows
        self.marked: NDArray[np.bool_] = np.zeros(len(source_rows), bool)
        self.marked[[self.row_of(source) for source in _rows(record.values.get("marks")) if self._is_open(source)]] = (
            True
        )
        notes = _notes(record.values.get("notes"))
        self.notes = {self.row_of(source): note for source, note in notes.items() if self._is_open(source)}

    def source_of(self, row: int) -> int:
        """The row in the whole source."""
        return int(self._source[row])

    def row_of(self, source: int) -> int:
        """The open row that is that row of the source, or the nearest one."""
        return min(bisect_left(self._source, source), len(self._source) - 1)

    def _is_open(self, source: int) -> bool:
        return len(self._source) > 0 and self._source[self.row_of(source)] == source

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.marked))

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
