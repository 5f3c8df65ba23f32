"""Arrays of NumPy in files and archives: looked at by their headers, read in pieces, and never unpickled."""

from __future__ import annotations

import contextlib
import math
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 1 << 23  # bytes read at a time
_MAGIC = b"\x93NUMPY"
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip member: how many bytes its name and its extra field have


@dataclass(frozen=True, slots=True)
class Stored:
    """An array on disk. offset: where its values lie in `path` as they are, None where they are compressed.

    member: its name in an archive, "" where the file is the array. is_fortran: the first axis is the quickest.
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool
    offset: int | None

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 0

    @property
    def where(self) -> str:
        """For people: the file, and the key in it."""
        return f"{self.path} key {self.member.removesuffix('.npy')}" if self.member else str(self.path)

    def read(self) -> NDArray[Any]:
        """The whole array."""
        with _opened(self.path, self.member) as file:
            found: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
            file.read(1)  # to the end, so that a checksum is looked at
            return found

    def blocks(self, most: int) -> Iterator[NDArray[Any]]:
        """The array, some rows at a time: at most `most`, and no more than a few megabytes unless it is one row."""
        size = max(1, math.prod(self.shape[1:]) * self.dtype.itemsize)
        step = max(1, min(most, _BLOCK // size))
        if self.is_fortran:
            yield from self._turned(step)
            return
        with _opened(self.path, self.member) as file:
            _header(file)
            for start in range(0, len(self), step):
                count = min(step, len(self) - start)
                data = file.read(count * size)
                if len(data) < count * size:
                    raise EOFError
                yield np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])
            file.read(1)  # as above

    def _turned(self, step: int) -> Iterator[NDArray[Any]]:
        """Rows do not lie together: what is compressed has to be in memory as a whole."""
        if self.offset is None:
            array = self.read()
        else:
            array = np.memmap(self.path, self.dtype, "r", self.offset, self.shape, "F")
        for start in range(0, len(self), step):
            yield array[start : start + step]


def stored(path: Path) -> Stored | Mapping[str, Stored | None]:
    """The array of a .npy file, or those of a .npz archive by their keys: None for a member that is no array.

    ValueError, BadZipFile and the like where the file is spoiled; nothing but headers is read.
    """
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            file.seek(0)
            found = _described(path, "", file, 0)
            _check_size(found, path.stat().st_size)
            return found
    members: dict[str, Stored | None] = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            key = info.filename.removesuffix(".npy")
            with archive.open(info) as member:
                if member.read(len(_MAGIC)) != _MAGIC:
                    members[key] = None
                    continue
                member.seek(0)
                start = _start(path, info) if info.compress_type == zipfile.ZIP_STORED else None
                members[key] = array = _described(path, info.filename, member, start)
                _check_size(array, info.file_size)
    return members


def _described(path: Path, member: str, file: IO[bytes], start: int | None) -> Stored:
    """What the header of an array says. start: where the array begins in `path`, None where it is compressed."""
    shape, is_fortran, dtype = _header(file)
    offset = start + file.tell() if start is not None else None
    return Stored(path, member, shape, dtype, is_fortran and len(shape) > 1, offset)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"version {version} of the format is not understood")


def _check_size(array: Stored, size: int) -> None:
    if not array.dtype.hasobject and math.prod(array.shape) * array.dtype.itemsize > size:
        raise EOFError("the array is larger than the file")


def _start(path: Path, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member that is not compressed begin."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    return info.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


@contextlib.contextmanager
def _opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    if not member:
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        yield file
