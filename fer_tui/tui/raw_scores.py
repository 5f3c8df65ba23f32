"""Raw scores of all rows: in memory while they are few, else in a file without a name, gone with the process."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import OrderedDict
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IN_MEMORY = 8 << 20  # bytes of scores
_MOST = 1 << 30  # bytes that are put into a file at most
_BLOCK = 1 << 16  # rows read at a time


class RawScores:
    """float32 (N, classes); of rows that were never put there is nothing to be asked.

    Of a dataset too large for the file only those that came last are kept: `are_all` is False. The file is read and
    written, not mapped: what is not looked at takes no memory.
    """

    def __init__(self, count: int, classes: int) -> None:
        self.count, self._classes, size = count, classes, count * classes * 4
        self._array: NDArray[np.float32] | None = None
        self._file: IO[bytes] | None = None
        self._latest: OrderedDict[int, NDArray[np.float32]] = OrderedDict()  # by their first rows
        self._bytes = 0
        if size <= _IN_MEMORY:
            self._array = np.zeros((count, classes), np.float32)
        elif size <= _MOST:
            with contextlib.suppress(OSError):
                self._file = tempfile.TemporaryFile(prefix="fer-tui-", buffering=0)  # noqa: SIM115  # as long as this
                self._file.truncate(size)

    @property
    def are_all(self) -> bool:
        """Whether those of all rows are kept that were put."""
        return self._array is not None or self._file is not None

    def put(self, start: int, scores: NDArray[np.float32]) -> None:
        """Keep those of rows `start` on."""
        if self._array is not None:
            self._array[start : start + len(scores)] = scores
            return
        if self._file is not None:
            try:
                os.pwrite(self._file.fileno(), scores.astype(np.float32).tobytes(), start * self._classes * 4)
                return
            except OSError:  # a full disk
                self._file.close()
                self._file = None
        old = self._latest.pop(start, None)
        self._bytes += scores.nbytes - (old.nbytes if old is not None else 0)
        self._latest[start] = scores
        while self._bytes > _IN_MEMORY and len(self._latest) > 1:
            self._bytes -= self._latest.popitem(last=False)[1].nbytes

    def row(self, row: int) -> NDArray[np.float32] | None:
        """(classes,) of one row that was put, None where they are not kept any more."""
        if self.are_all:
            return np.asarray(self.rows(row, row + 1)[0])
        found = ((start, each) for start, each in self._latest.items() if start <= row < start + len(each))
        return next((np.asarray(each[row - start]) for start, each in found), None)

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """(stop - start, classes), where all are kept."""
        if self._array is not None:
            return self._array[start:stop]
        assert self._file is not None
        width = self._classes * 4
        data = os.pread(self._file.fileno(), (stop - start) * width, start * width)
        return np.frombuffer(data, np.float32).reshape(-1, self._classes)

    def of(self, classes: NDArray[np.integer]) -> NDArray[np.float32]:
        """(N,): of each row that of a class, where all are kept."""
        found = np.empty(self.count, np.float32)
        for start in range(0, self.count, _BLOCK):
            stop = min(start + _BLOCK, self.count)
            found[start:stop] = self.rows(start, stop)[np.arange(stop - start), classes[start:stop]]
        return found
