"""The headers of a tar file: which files are in it and where their bytes lie. Nothing is ever unpacked.

POSIX.1-2017, pax(1), "ustar Interchange Format" and "pax Interchange Format"; long names also as GNU tar writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fer_tui.contract import InputError

_BLOCK = 512
_FILES = frozenset({b"0", b"\0", b"7"})
_WITHOUT_BYTES = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})  # links, devices, folders
_END = b"end"
_LONGEST = 1 << 20  # bytes of a header's own text
_AGAIN = "get the file again"


class Member(NamedTuple):
    """A file in a tar. offset: of its bytes in the tar."""

    name: str
    offset: int
    size: int


def members(path: Path, file: BinaryIO) -> Iterator[Member]:
    """The files in a tar, in their order; `file` may be read and moved between two of them.

    The last one has no name where the tar has no end mark. InputError where it is none, or is cut off.
    """
    offset, size = 0, file.seek(0, 2)
    long_name, long_size = "", None  # what headers before a member say of it
    while True:
        header = _read_header(path, file, offset)
        if header is None:
            return
        kind, name, length = header
        if kind in _FILES:
            name, length = long_name or name, length if long_size is None else long_size
        start = offset + _BLOCK
        offset = start if kind in _WITHOUT_BYTES else start + -(-length // _BLOCK) * _BLOCK
        if kind == _END:
            yield Member("", start, 0)
            return
        if kind not in _WITHOUT_BYTES and start + length > size:
            raise InputError(path, f"is cut off in {name}", _AGAIN)
        if kind == b"L":
            long_name = _text(file.read(min(length, _LONGEST)))
        elif kind == b"x":
            records = _records(file.read(min(length, _LONGEST)))
            long_name = records.get("path", long_name)
            long_size = int(records["size"]) if records.get("size", "").isdecimal() else None
        elif kind not in b"gK":
            if kind in _FILES:
                yield Member(name, start, length)
            long_name, long_size = "", None


def _read_header(path: Path, file: BinaryIO, offset: int) -> tuple[bytes, str, int] | None:
    """Kind, name and length of what begins at `offset`; None at the end mark, _END where the file simply ends."""
    file.seek(offset)
    block = file.read(_BLOCK)
    if not block and offset:
        return _END, "", 0
    if len(block) < _BLOCK:
        raise InputError(path, "is cut off" if offset else "is no tar file", _AGAIN)
    if not any(block):
        return None
    length, checksum = _number(block[124:136]), _number(block[148:156])
    if length is None or checksum != sum(block) - sum(block[148:156]) + 8 * ord(" "):
        raise InputError(path, f"is spoiled at byte {offset}" if offset else "is no tar file", _AGAIN)
    name, prefix = _text(block[:100]), _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return block[156:157], f"{prefix}/{name}" if prefix else name, length


def _number(field: bytes) -> int | None:
    """A number in octal digits, or, where it is large, as GNU tar writes it: in bytes after a first bit."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        return None


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header: "length key=value" and an end of line each, the length that of all of it."""
    found = {}
    while data:
        length, space, _ = data.partition(b" ")
        if not (space and length.isdigit() and len(length) < 8 and int(length) > len(length) + 1):
            break
        key, _, value = data[len(length) + 1 : int(length)].removesuffix(b"\n").partition(b"=")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return found
