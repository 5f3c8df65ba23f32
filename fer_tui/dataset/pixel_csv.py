"""CSV files with the pixels of each image in a field: fer2013.csv, icml_face_data.csv, train.csv and test.csv."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import FER_CLASSES, InputError

from .classes import folded_name
from .layout import Rows, Tell, Writer
from .tables import Header, blocks, fields_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CLASS_OF = {name: index for index, name in enumerate(FER_CLASSES)}


def parse(path: Path, header: Header, writer: Writer, tell: Tell) -> Rows:
    """Write the images of the file. Labels are FER2013's numbers or the emotions' names, and may be absent."""
    columns = header.columns
    pixels, label = columns["pixels"], columns.get("label")
    split, named = columns.get("split"), columns.get("id")
    labels: list[int] = []
    codes: list[int] = []
    splits: dict[str, int] = {}
    names: list[str] = []
    known: dict[bytes, int] = {}
    side = 0
    for block in blocks(path):
        images: list[bytes] = []
        numbers: list[int] = []
        for number, line in enumerate(block.lines, block.first):
            if not line.strip():
                continue
            fields = fields_of(line, header, path, number)
            images.append(fields[pixels].strip(b' \t\r"'))
            numbers.append(number)
            text = fields[label] if label is not None else b""
            if text not in known:
                known[text] = _label(text, path, number)
            labels.append(known[text])
            if split is not None:
                name = _text(fields[split])
                if not name:
                    raise InputError(f"{path} line {number}", "it names no split", "write one, such as Training")
                codes.append(splits.setdefault(name, len(splits)))
                if len(splits) > 255:
                    raise InputError(f"{path} line {number}", "there are more than 255 splits", "is this the column?")
            if named is not None:
                names.append(_text(fields[named]))
        if images:
            side = side or _side(images[0], path, numbers[0])
            writer.add(_decoded(images, side * side, path, numbers).reshape(-1, side, side))
        tell(f"parsing {path.name}", block.share)
    if not side:
        raise InputError(path, "has a header and no rows", "get the file again")
    return Rows(
        format="pixel CSV",
        classes=FER_CLASSES,
        labels=np.array(labels, np.int64),
        splits=tuple(splits),
        codes=np.array(codes, np.uint8) if split is not None else None,
        names=names if named is not None else None,
        notes=() if label is not None else ("the file has no labels",),
    )


def decode(fields: Sequence[bytes], count: int) -> NDArray[np.uint8] | None:
    """uint8 (fields, count): the numbers of each field, all at once; None where any is not `count` plain numbers.

    A plain number has up to three digits and is at most 255; one space or more lies between two.
    """
    text = b"   " + b"\n".join(fields) + b"\n"  # so that three places before the first digit can be looked at
    digits = np.frombuffer(text, np.uint8) - np.uint8(48)  # what is no digit wraps to 10 or more
    is_digit = digits < 10
    if not (is_digit | (digits == 240) | (digits == 218)).all():  # space and newline, less 48
        return None
    ends = np.flatnonzero(is_digit[:-1] & ~is_digit[1:])
    line_ends = np.cumsum([len(field) + 1 for field in fields]) + 2
    if (
        len(ends) != count * len(fields)
        or not (ends.searchsorted(line_ends) == np.arange(1, len(fields) + 1) * count).all()
    ):
        return None
    tens, hundreds = digits[ends - 1], digits[ends - 2]
    long = tens < 10
    longest = long & (hundreds < 10)
    if (longest & is_digit[ends - 3]).any():
        return None
    values = digits[ends].astype(np.uint16)
    values += np.where(long, tens, 0) * np.uint16(10)
    values += np.where(longest, hundreds, 0) * np.uint16(100)
    return None if values.max(initial=0) > 255 else values.astype(np.uint8).reshape(len(fields), count)


def _decoded(fields: Sequence[bytes], count: int, path: Path, numbers: Sequence[int]) -> NDArray[np.uint8]:
    """`decode`, or number by number where that gives up: odd spellings are read, and faults are named."""
    images = decode(fields, count)
    if images is not None:
        return images
    return np.array([_row(field, count, path, number) for field, number in zip(fields, numbers, strict=True)], np.uint8)


def _row(field: bytes, count: int, path: Path, number: int) -> list[int]:
    words = field.split()
    where = f"{path} line {number}"
    for position, word in enumerate(words):
        if not (word.isdigit() and int(word[-9:]) <= 255 and not word[:-9].strip(b"0")):
            shown = word.decode("utf-8", "replace")
            shown = shown if len(shown) <= 20 else shown[:19] + "…"
            raise InputError(where, f"pixel {position} is {shown!r}", "pixels are whole numbers from 0 to 255")
    if len(words) != count:
        side = isqrt(count)
        fault = f"it has {len(words)} pixels, the first row has {count} ({side} x {side})"
        raise InputError(where, fault, "mend the line, or take it out")
    return [int(word) for word in words]


def _side(field: bytes, path: Path, number: int) -> int:
    """The side of the square that the first image is."""
    count = len(field.split())
    side = isqrt(count)
    if not count or side * side != count:
        raise InputError(f"{path} line {number}", f"{count} pixels are no square picture", "FER2013 has 48 x 48 = 2304")
    return side


def _label(text: bytes, path: Path, number: int) -> int:
    word = _text(text)
    if not word:
        return -1
    if word.isascii() and word.isdigit() and len(word) < 9 and int(word) < len(FER_CLASSES):
        return int(word)
    index = _CLASS_OF.get(folded_name(word))
    if index is None:
        known = ", ".join(f"{index} {name}" for name, index in _CLASS_OF.items())
        shown = word if len(word) <= 20 else word[:19] + "…"
        raise InputError(
            f"{path} line {number}",
            f"there is no label {shown!r}",
            f"labels are {known}; other classes come as .npz or folders",
        )
    return index


def _text(field: bytes) -> str:
    return field.decode("utf-8", "replace").strip().strip('"').strip()
