"""Files of the user's that are read where they lie, as long as they are what they were when they were parsed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from fer_tui.contract import InputError

_OPEN = 64  # files that are kept open at most
AGAIN = "open the data again: they are parsed anew"


class Source(NamedTuple):
    """A file as it was when it was parsed: its path, bytes, and time of change in nanoseconds."""

    path: str
    size: int
    time: int

    @classmethod
    def of(cls, path: Path) -> Source:
        stat = path.stat()
        return cls(str(path.resolve()), stat.st_size, stat.st_mtime_ns)

    @property
    def stamp(self) -> bytes:
        """What its contents are known by."""
        return f"{self.path}\0{self.size}\0{self.time}\0".encode("utf-8", "surrogateescape")


class SourceFiles:
    """Reads from some files. InputError where one is gone, or has changed since: bytes of two states never mix."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._opened = lru_cache(_OPEN)(self._open)

    def path(self, number: int) -> Path:
        return Path(self._sources[number].path)

    def read(self, number: int, offset: int, size: int) -> bytearray:
        """Bytes of one of the files."""
        data = bytearray(size)
        self.fill(number, offset, memoryview(data))
        return data

    def fill(self, number: int, offset: int, buffer: memoryview) -> None:
        """The same, into a buffer. Read and not mapped: a touched page would bring its neighbours into memory."""
        file = self._opened(number)
        while len(buffer):
            count = os.preadv(file.descriptor, [buffer], offset)
            if not count:
                raise InputError(self.path(number), "has become shorter", AGAIN)
            buffer, offset = buffer[count:], offset + count
        self.check(number)

    def check(self, number: int) -> None:
        """InputError where the file has changed since it was parsed."""
        stat, source = os.fstat(self._opened(number).descriptor), self._sources[number]
        if (stat.st_size, stat.st_mtime_ns) != (source.size, source.time):
            raise InputError(source.path, "has changed since it was parsed", AGAIN)

    def _open(self, number: int) -> _Descriptor:
        path = self._sources[number].path
        try:
            return _Descriptor(path)
        except FileNotFoundError:
            raise InputError(path, "is gone", "bring it back, or open the data again") from None
        except OSError as error:
            raise InputError(path, f"cannot be read: {error.strerror}") from None


class _Descriptor:
    """An open file, closed when nobody reads from it any more."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)
