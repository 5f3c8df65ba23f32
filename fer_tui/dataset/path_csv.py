"""CSV files that name picture files, one a row, with their labels."""

from __future__ import annotations

import contextlib
import csv
import os
import stat
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import InputError

from .layout import Rows, Tell
from .listing import pictures_in
from .tables import Header

if TYPE_CHECKING:
    from numpy.typing import NDArray


def parse(path: Path, header: Header, tell: Tell) -> Rows:
    """The rows of the file: labels are names or numbers, paths start at the file's folder. No picture is read yet."""
    columns = header.columns
    root = path.parent.resolve()
    words: list[str] = []
    files: list[str] = []
    splits: dict[str, int] = {}
    codes: list[int] = []
    states = array("q")
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, skipinitialspace=True)
        next(reader)
        try:
            for fields in reader:
                if len(fields) < 2 and not "".join(fields).strip():
                    continue
                where = f"{path} line {reader.line_num}"
                if len(fields) != header.width:
                    fault = f"it has {len(fields)} fields, the header has {header.width}"
                    raise InputError(where, fault, "mend the line, or take it out")
                name = fields[columns["path"]].strip()
                found = _found(root, name, where)
                states.extend((found.st_size, found.st_mtime_ns))
                files.append(name)
                words.append(fields[columns["label"]].strip() if "label" in columns else "")
                if "split" in columns:
                    split = fields[columns["split"]].strip() or "none"
                    codes.append(splits.setdefault(split, len(splits)))
                if not len(files) % 1000 or len(files) == 1:
                    tell(f"looking for the pictures of {path.name}", None)
        except csv.Error as error:
            raise InputError(
                f"{path} line {reader.line_num}", f"is no CSV: {error}", "mend the line, or take it out"
            ) from None
    if not files:
        raise InputError(path, "has a header and no rows", "get the file again")
    if len(splits) > 255:
        raise InputError(path, f"has {len(splits)} splits", "is this the column that names them?")
    classes, labels = labels_of(words)
    return Rows(
        format="CSV of pictures",
        classes=classes,
        labels=labels,
        splits=tuple(splits),
        codes=np.array(codes, np.uint8) if splits else None,
        names=files,
        elsewhere=pictures_in(root, files, states),
        notes=() if (labels >= 0).any() else ("the rows have no labels",),
    )


def labels_of(words: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Class names and labels: of whole numbers the names are "0" to the largest; an empty word is no label."""
    given = sorted({word for word in words if word})
    if given and all(word.isascii() and word.isdigit() and len(word) < 6 for word in given):
        classes = tuple(str(number) for number in range(max(map(int, given)) + 1))
        return classes, np.array([int(word) if word else -1 for word in words], np.int64)
    index = {word: number for number, word in enumerate(given)} | {"": -1}
    return tuple(given), np.array([index[word] for word in words], np.int64)


def _found(root: Path, name: str, where: str) -> os.stat_result:
    with contextlib.suppress(OSError, ValueError):
        found = (root / name).stat()
        if stat.S_ISREG(found.st_mode):
            return found
    shown = name if len(name) <= 60 else f"…{name[-59:]}"
    fault = f"there is no picture {shown!r}" if name else "it names no picture"
    raise InputError(where, fault, f"paths start at {root}")
