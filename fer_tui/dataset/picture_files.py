"""Picture files as a dataset: one picture, a folder of them, folders that are classes, folders that are splits."""

from __future__ import annotations

from array import array
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_tui.contract import InputError

from .layout import Rows, Tell
from .listing import Folders, Listing, entries, has_pictures, pictures_in, state_of
from .pictures import SUFFIXES, common_shape, picture_shape
from .shards import SPLITS

_LOOKED_AT = 32  # pictures whose headers are read, to tell whether all are of one size


def parse_folder(folder: Path, tell: Tell) -> tuple[Rows, Folders]:
    """The pictures in a folder, and the folders that they lie in. Folders in it are classes; or splits, by their names.

    InputError where there are none, or a folder cannot be read.
    """
    root = folder.resolve()
    found = Listing(root, tell)
    inside = sorted(Path(entry.path) for entry in entries(root) if entry.is_dir(follow_symlinks=False))
    full = [each for each in inside if has_pictures(each)]
    if full and all(each.name.casefold() in SPLITS for each in full):
        found.folders.append((str(root), root.stat().st_mtime_ns))
        for split in full:
            found.take(split, split.name)
    else:
        found.take(root, "")
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
    rows = Rows(
        format="class folders" if classes else "folder of pictures",
        classes=classes,
        labels=labels,
        splits=names,
        codes=np.array(list(map(names.index, found.splits)), np.uint8) if names else None,
        names=found.names,
        elsewhere=pictures_in(root, found.names, found.states),
        notes=tuple(notes),
    )
    return rows, found.settled


def parse_picture(path: Path) -> Rows:
    """A single picture, without a label."""
    return Rows(
        format="picture",
        classes=(),
        labels=np.array([-1], np.int64),
        names=[path.name],
        elsewhere=pictures_in(path.parent.resolve(), [path.name], array("q", state_of(path))),
        notes=("the picture has no label",),
    )


def with_shape(rows: Rows) -> Rows:
    """The same, with the shape of the pictures, where those that are looked at here have all the same."""
    assert rows.elsewhere is not None and rows.names is not None
    root, names = Path(rows.elsewhere.kept["root"]), rows.names
    chosen = np.unique(np.linspace(0, len(names) - 1, min(_LOOKED_AT, len(names))).astype(int))
    shape = common_shape(picture_shape(root / names[index]) for index in chosen.tolist())
    return replace(rows, elsewhere=replace(rows.elsewhere, shape=shape))
