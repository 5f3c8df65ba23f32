"""The bytes of pictures in Parquet files, read some rows at a time: memory stays small with large row groups, too."""

from __future__ import annotations

import contextlib
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import InputError, PictureError

from .pictures import decode_picture
from .sources import SourceFiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS = 32  # read at a time
_KEPT = 16 << 20  # bytes of what was read that stay at hand
_BUFFER = 1 << 20  # bytes of a file that are read ahead
_OPEN = 8  # files that are kept open at most


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A pyarrow.parquet.ParquetFile. InputError where it is none, is spoiled, or pyarrow is missing."""
    with reading(path), parquet_file(path) as file:
        yield file


def parquet_file(path: Path) -> Any:
    """The same, to be kept open."""
    try:
        from pyarrow import parquet
    except ImportError:
        mend = 'pip install "fer-tui[parquet]"'
        raise InputError(path, "Parquet files need pyarrow, which is not installed", mend) from None
    with reading(path):
        return parquet.ParquetFile(path, memory_map=False, buffer_size=_BUFFER, pre_buffer=False)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """What pyarrow trips over in a spoiled file is of many kinds, and becomes one line."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(path, "is gone", "bring it back, or open the data again") from None
    except PermissionError:
        raise InputError(path, "cannot be read: no permission", "see its mode and its owner") from None
    except Exception:
        raise InputError(path, "is no Parquet file, or is cut off or spoiled", "get the file again") from None


class Encoded:
    """The bytes of the pictures, by their row in the whole source.

    groups: int64 (g, 3): file, row group in it, first row of that. column: what holds them, and under `bytes` where it
    is a struct.
    """

    def __init__(self, files: SourceFiles, groups: NDArray[np.int64], column: str, rows: int) -> None:
        self._files, self._groups, self._column, self._rows = files, groups, column, rows
        self._firsts: list[int] = groups[:, 2].tolist()
        self._kept: OrderedDict[int, list[bytes | None]] = OrderedDict()  # by their first rows, the latest ones last
        self._batches: Iterator[Any] = iter(())  # of the row group that is being read
        self._next = self._end = 0  # the row that they go on with, and that after the group
        self._file = lru_cache(_OPEN)(self._open)
        self._lock = threading.Lock()  # what is being read is one place, whoever asks

    def where(self, row: int) -> str:
        """For people: the file, and the row in it."""
        shard = int(self._groups[self._group(row), 0])
        first = int(self._groups[int(np.searchsorted(self._groups[:, 0], shard)), 2])
        return f"{self._files.path(shard)} row {row - first}"

    def read(self, row: int) -> bytes:
        """InputError where the file has changed, or the row has no picture."""
        with self._lock:
            start, values = self._at_hand(row) or self._go_to(row)
            value = values[row - start]
        if not value:
            raise PictureError(self.where(row), "has no picture in it", "write the bytes into the column, not a path")
        return value

    def image(self, row: int) -> NDArray[np.uint8]:
        return decode_picture(BytesIO(self.read(row)), self.where(row))

    def _group(self, row: int) -> int:
        return bisect_right(self._firsts, row) - 1

    def _at_hand(self, row: int) -> tuple[int, list[bytes | None]] | None:
        for start, values in self._kept.items():
            if start <= row < start + len(values):
                self._kept.move_to_end(start)
                return start, values
        return None

    def _go_to(self, row: int) -> tuple[int, list[bytes | None]]:
        """Read on to a row, from the beginning of its group where that is behind."""
        number = self._group(row)
        shard, group, first = (int(each) for each in self._groups[number])
        path = self._files.path(shard)
        if not (first <= self._next <= row < self._end):
            with reading(path):
                columns = [self._column]
                self._batches = self._file(shard).iter_batches(_ROWS, [group], columns, use_threads=False)
            self._next = first
            self._end = self._firsts[number + 1] if number + 1 < len(self._firsts) else self._rows
        while True:
            with reading(path):
                values = _bytes_of(next(self._batches).column(0))
            start, self._next = self._next, self._next + len(values)
            self._files.check(shard)
            if row < self._next:
                self._keep(start, values)
                return start, values

    def _keep(self, start: int, values: list[bytes | None]) -> None:
        self._kept[start] = values
        while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > _KEPT:
            self._kept.popitem(last=False)

    def _open(self, shard: int) -> Any:
        """A file; told where it is not what was parsed. The check is of the same file that is read from then on."""
        self._files.check(shard)
        return parquet_file(self._files.path(shard))


def _bytes_of(column: Any) -> list[bytes | None]:
    """The bytes of a column, which may lie in a struct: copied, for a slice of pyarrow's holds a whole page."""
    from pyarrow import types

    values = column.to_pylist()
    return [each["bytes"] if each else None for each in values] if types.is_struct(column.type) else list(values)


def _size(values: list[bytes | None]) -> int:
    return sum(len(value) for value in values if value)
