"""Datasets in several files, so-called shards: how they are found, in what order, and which splits they hold."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import InputError

from .sources import Source

SUFFIXES = (".parquet", ".tar")
SPLITS = frozenset(
    "train training val valid validation dev test testing eval publictest privatetest".split()  # noqa: SIM905
)
_INSIDE = SPLITS | {"data", "default", "shards"}  # folders in which shards lie, below the one that is named
_DEEP = 3  # how many of them below each other
_BRACES = re.compile(r"\{(?:(\d+)\.\.(\d+)|([^{}]*,[^{}]*))\}")
_MOST = 100_000  # shards
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")


def shards_of(source: str | Path) -> list[Path]:
    """The shards that a file, a folder or a pattern names, in their order; none where it is something else.

    A pattern has {000..123}, {a,b}, or the *, ? and [] of a shell, and ends with .tar or .parquet. InputError where one
    of the files is not there, or they are of several kinds.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        found = sorted(_below(path, _DEEP), key=lambda each: _in_order(each.relative_to(path)))
    elif path.exists():
        found = [path] if _kind(path.name) else []
    else:
        found = _named(str(path)) if _kind(path.name) else []
    kinds = sorted({_kind(each.name) for each in found})
    if len(kinds) > 1:
        raise InputError(source, f"has both {' and '.join(kinds)} files", f"name one kind: {path / f'*{kinds[0]}'}")
    for each in found:
        if not each.stat().st_size:
            raise InputError(each, "is empty", "get the file again")
    return found


def is_compressed(name: str) -> bool:
    """Whether a file is called a compressed tar."""
    return name.lower().endswith(_COMPRESSED)


def splits_of(paths: Sequence[Path], root: Path | None) -> tuple[tuple[str, ...], list[int]]:
    """The splits and the number of that of each shard, where all bear the name of one; else none.

    root: the folder that they were found in: what its own folders are called counts, too.
    """
    words = [_split(path, root) for path in paths]
    if not all(words):
        return (), []
    names = tuple(dict.fromkeys(words))
    return names, [names.index(word) for word in words]


def stamp_of(paths: Sequence[Path]) -> bytes:
    """What the contents of shards are known by: their names, sizes and times."""
    sources = ((path.name, Source.of(path)) for path in paths)
    return b"".join(f"{name}\0{each.size}\0{each.time}\0".encode("utf-8", "surrogateescape") for name, each in sources)


def codes_of(codes: Sequence[int], counts: Sequence[int]) -> NDArray[np.uint8] | None:
    """uint8 (rows,): the splits of all rows, from those of the shards and the rows of each."""
    return np.repeat(np.array(codes, np.uint8), counts) if codes else None


def _split(path: Path, root: Path | None) -> str:
    folders = path.relative_to(root).parts[:-1] if root is not None else ()
    for part in (path.stem, *reversed(folders)):
        for word in re.findall(r"[a-z]+", part, re.IGNORECASE):
            if word.casefold() in SPLITS:
                return str(word)
    return ""


def _below(folder: Path, deep: int) -> Iterator[Path]:
    """The shards in a folder, and in those of its folders that shards lie in."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if _kind(entry.name):
                    if entry.is_file():
                        yield Path(entry.path)
                elif deep and entry.name.casefold() in _INSIDE and entry.is_dir():
                    yield from _below(Path(entry.path), deep - 1)
    except PermissionError:
        raise InputError(folder, "cannot be read: no permission", "see its mode and its owner") from None


def _kind(name: str) -> str:
    return next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")


def _named(pattern: str) -> list[Path]:
    """The files that a pattern names, none where it is no pattern."""
    if _BRACES.search(pattern):
        names = list(itertools.islice(_expanded(pattern), _MOST + 1))
        if len(names) > _MOST:
            raise InputError(pattern, f"names more than {_MOST} files", "name fewer")
        found = [Path(each) for name in names for each in (_matching(name) if glob.has_magic(name) else [name])]
        missing = next((each for each in found if not each.exists()), None)
        if missing is not None:
            raise InputError(missing, f"there is no such file, and {pattern} names it", "get it, or name fewer")
        return found
    if not glob.has_magic(pattern):
        return []
    found = [Path(each) for each in _matching(pattern)]
    if not found:
        raise InputError(pattern, "no file is called so", "see what lies there, and put the pattern in quotes")
    return found


def _matching(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern), key=_in_order)  # noqa: PTH207


def _expanded(pattern: str) -> Iterator[str]:
    """Every name that braces stand for, as in a shell: {08..11} keeps its zeros."""
    found = _BRACES.search(pattern)
    if found is None:
        yield pattern
        return
    if found[3] is not None:
        words: Iterator[str] | list[str] = found[3].split(",")
    else:
        first, last = int(found[1]), int(found[2])
        has_zeros = any(len(each) > 1 and each.startswith("0") for each in (found[1], found[2]))
        width = max(len(found[1]), len(found[2])) if has_zeros else 0
        numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
        words = (f"{number:0{width}}" for number in numbers)
    for word in words:
        yield from (pattern[: found.start()] + word + rest for rest in _expanded(pattern[found.end() :]))


def _in_order(name: str | Path) -> tuple[tuple[int, str], ...]:
    """By the numbers in a name, so that x-10 comes after x-9."""
    parts = re.findall(r"\d+|\D+", str(name))
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
