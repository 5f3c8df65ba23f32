"""Picture files as a dataset: one picture, a folder of them, folders that are classes, folders that are splits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from fer_tui.contract import InputError

from .layout import Elsewhere, Rows, Tell
from .pictures import SUFFIXES, picture_shape

_SPLITS = frozenset(
    "train training val valid validation dev test testing eval publictest privatetest".split()  # noqa: SIM905
)
_IS_PICTURE = re.compile(rf"({'|'.join(map(re.escape, SUFFIXES))})$", re.IGNORECASE)
_LOOKED_AT = 32  # pictures whose headers are read, to tell whether all are of one size


def parse_folder(folder: Path, tell: Tell) -> Rows:
    """The pictures in a folder. Folders in it are classes; or splits, where they bear the names of splits.

    InputError where there are none, or a folder cannot be read.
    """
    root = folder.resolve()
    found = _Found(len(str(root / "x")) - 1)
    inside = _folders(root)
    splits = [each for each in inside if each.name.casefold() in _SPLITS and _has_pictures(each)]
    if splits and len(splits) == len([each for each in inside if _has_pictures(each)]):
        for split in splits:
            _take(found, split, split.name, tell)
    else:
        _take(found, root, "", tell)
    if not found.names:
        raise InputError(folder, "there are no pictures in it", f"understood are {', '.join(sorted(SUFFIXES))}")
    notes: list[str] = []
    classes = tuple(sorted({word for word in found.words if word}))
    index = {word: number for number, word in enumerate(classes)} | {"": -1}
    labels = np.array([index[word] for word in found.words], np.int64)
    if not classes:
        notes.append("the pictures have no labels")
    elif (labels < 0).any():
        notes.append(f"{int((labels < 0).sum())} pictures lie beside the class folders: they have no label")
    names = tuple(dict.fromkeys(filter(None, found.splits)))
    return Rows(
        format="class folders" if classes else "folder of pictures",
        classes=classes,
        labels=labels,
        splits=names,
        codes=np.array(list(map(names.index, found.splits)), np.uint8) if names else None,
        names=found.names,
        elsewhere=pictures_in(root, stamp_of(found.names, found.stats)),
        notes=tuple(notes),
    )


def parse_picture(path: Path) -> Rows:
    """A single picture, without a label."""
    return Rows(
        format="picture",
        classes=(),
        labels=np.array([-1], np.int64),
        names=[path.name],
        elsewhere=pictures_in(path.parent.resolve(), stamp_of([path.name], [path.stat()])),
        notes=("the picture has no label",),
    )


def stamp_of(names: Sequence[str], stats: Sequence[os.stat_result]) -> bytes:
    """What the files' contents are known by: their names, sizes and times."""
    stamp = blake2b(digest_size=16)
    for name, stat in zip(names, stats, strict=True):
        stamp.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return stamp.digest()


def pictures_in(root: Path, stamp: bytes) -> Elsewhere:
    """Picture files below a folder."""
    return Elsewhere({"kind": "files", "root": str(root)}, stamp)


def with_shape(rows: Rows) -> Rows:
    """The same, with the shape of the pictures, where those that are looked at here have all the same."""
    assert rows.elsewhere is not None and rows.names is not None
    root, names = Path(rows.elsewhere.kept["root"]), rows.names
    chosen = np.unique(np.linspace(0, len(names) - 1, min(_LOOKED_AT, len(names))).astype(int))
    shapes = {picture_shape(root / names[index]) for index in chosen.tolist()}
    return replace(rows, elsewhere=replace(rows.elsewhere, shape=shapes.pop())) if len(shapes) == 1 else rows


@dataclass(slots=True)
class _Found:
    """Picture files in order: path below the root, class ("" for none), split, what the file system knows of each."""

    start: int  # of the path below the root
    names: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    stats: list[os.stat_result] = field(default_factory=list)


def _take(found: _Found, folder: Path, split: str, tell: Tell) -> None:
    """Everything below `folder`: loose pictures have no class, those below a folder have its name for one."""
    for entry in _pictures(folder):
        _add(found, entry, "", split)
    for each in _folders(folder):
        tell(f"looking for pictures in {each.name}", None)
        for entry in _below(each):
            _add(found, entry, each.name, split)


def _add(found: _Found, entry: os.DirEntry[str], word: str, split: str) -> None:
    found.names.append(entry.path[found.start :])
    found.words.append(word)
    found.splits.append(split)
    found.stats.append(entry.stat())


def _has_pictures(folder: Path) -> bool:
    return next(_below(folder), None) is not None


def _below(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Pictures in a folder and in the folders below it, in the order of their names."""
    yield from _pictures(folder)
    for each in _folders(folder):
        yield from _below(each)


def _pictures(folder: Path) -> list[os.DirEntry[str]]:
    return [e for e in _entries(folder) if _IS_PICTURE.search(e.name) and e.is_file()]


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is not hidden in a folder, by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except PermissionError:
        raise InputError(folder, "cannot be read: no permission", "see its mode and its owner") from None
    except OSError as error:
        raise InputError(folder, f"cannot be read: {error.strerror}") from None
