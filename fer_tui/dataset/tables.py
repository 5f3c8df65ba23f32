"""CSV files: their header, their lines in blocks, and which parser they are for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fer_tui.contract import InputError, nearest

_LONGEST = 1 << 26  # bytes of a line: a square RGB picture of 2,300 pixels a side, in digits
_BLOCK = 1 << 20
_BOM, _GZIP = b"\xef\xbb\xbf", b"\x1f\x8b"
_COLUMNS = {
    "label": ("label", "emotion", "class", "target", "expression", "category"),
    "pixels": ("pixels", "feature", "features"),
    "path": ("path", "file", "filename", "filepath", "image", "image_path", "img", "img_path", "image_name"),
    "split": ("usage", "split", "subset"),
    "id": ("id", "image_id"),
}
_KNOWN = {name: column for column, names in _COLUMNS.items() for name in names}
_EXPECTED = "the header must name pixels (or feature) or path, and may name emotion (or label), Usage (or split) and id"


@dataclass(frozen=True, slots=True)
class Header:
    """columns: position of label, pixels, path, split and id, as far as they are there. width: number of columns."""

    columns: dict[str, int]
    width: int


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a file with the number of the first (from 1), and the share of the file that is read after them."""

    first: int
    lines: list[bytes]
    share: float


def read_header(path: Path) -> Header:
    """The header of a CSV file; InputError where it does not name what is needed."""
    with path.open("rb") as file:
        line = file.readline(_BLOCK)
    if not line:
        raise InputError(path, "is empty", "get the file again")
    _check_text(line, path)
    text = line.removeprefix(_BOM).decode("utf-8", "replace").strip()
    names = [field.strip().strip('"').strip().casefold() for field in text.split(",")]
    columns: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in _KNOWN:
            columns.setdefault(_KNOWN[name], position)
    if "pixels" not in columns and "path" not in columns:
        for sign, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if any(name.strip().strip('"').casefold() in _KNOWN for name in text.split(sign)[:-1]):
                raise InputError(f"{path} line 1", f"{called} are between its fields", "save it with commas")
        shown = text if len(text) <= 60 else text[:59] + "…"
        close = "".join(nearest(name, ("pixels", "feature", "path")) for name in names[:3] if len(name) < 20)
        raise InputError(f"{path} line 1", f"this header is not understood: {shown!r}{close}", _EXPECTED)
    return Header(columns, len(names))


def _check_text(line: bytes, path: Path) -> None:
    """InputError where a file begins with what is no text in UTF-8."""
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or line[1:32:2].count(0) > 8 or line[:32:2].count(0) > 8:
        raise InputError(path, "is text in UTF-16", "save it in UTF-8: iconv -f UTF-16 -t UTF-8 OLD.csv >NEW.csv")
    if b"\0" in line[:256] or (line[:1] >= b"\x80" and not line.startswith(_BOM)) or line.startswith(_GZIP):
        raise InputError(path, "is no text, so no CSV", "give it the ending of what it is, or get the file again")


def blocks(path: Path) -> Iterator[Block]:
    """The lines after the header, without their ends, about a megabyte at a time; blank ones are empty."""
    size = path.stat().st_size
    with path.open("rb") as file:
        done = len(_line(file, path))
        number, rest = 2, b""
        while True:
            data = file.read(_BLOCK)
            done += len(data)
            lines = (rest + data).split(b"\n")
            rest = lines.pop() if data else b""
            if len(rest) > _LONGEST:
                raise InputError(f"{path} line {number + len(lines)}", "is endless", "is this a CSV file?")
            if lines:
                yield Block(number, lines, min(1.0, done / max(1, size)))
                number += len(lines)
            if not data:
                return


def fields_of(line: bytes, header: Header, path: Path, number: int) -> list[bytes]:
    """The fields of a line; InputError where there are more or fewer than in the header."""
    fields = line.split(b",")
    if len(fields) != header.width:
        raise InputError(
            f"{path} line {number}",
            f"it has {len(fields)} fields, the header has {header.width}",
            "mend the line, or take it out",
        )
    return fields


def _line(file: BinaryIO, path: Path) -> bytes:
    line = file.readline(_BLOCK)
    if not line:
        raise InputError(path, "is empty", "get the file again")
    return line
