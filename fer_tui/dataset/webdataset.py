"""WebDataset: tar files in which the picture, the label and whatever else of a sample have the same name but its end.

The format: https://github.com/webdataset/webdataset. Only headers and labels are read; pictures stay where they are.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from fer_tui.contract import InputError, PictureError, plain

from .arrays import as_image
from .layout import Elsewhere, Rows, Tell, without_labels
from .path_csv import labels_of
from .pictures import SUFFIXES, common_shape, decode_picture, picture_shape
from .shards import codes_of, splits_of, stamp_of
from .sources import Source, SourceFiles
from .tars import Member, members

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PICTURES = frozenset({suffix[1:] for suffix in SUFFIXES} | {"npy"})
_LABELS = ("cls", "label", "cls.txt", "label.txt", "json", "txt")  # what is looked at first
_KEYS = ("label", "cls", "class", "target", "emotion", "expression", "category")  # of a json
_LONGEST = 1 << 20  # bytes of a label
_MOST_WORDS = 10_000  # different texts of .txt: more of them are captions
_LOOKED_AT = 32  # pictures whose headers are read, to tell whether all are of one size
_ARRAY = b"\x93NUMPY"


@dataclass(slots=True)
class _Found:
    """Samples in order: shard, offset and bytes of the picture of each, its key, its label as a word."""

    places: array[int] = field(default_factory=lambda: array("q"))
    keys: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)  # samples of each shard
    without: int = 0  # samples without a picture
    endless: list[str] = field(default_factory=list)  # shards without an end mark
    known: dict[str, str] = field(default_factory=dict)  # words, each once


def parse(paths: Sequence[Path], root: Path | None, tell: Tell) -> Rows:
    """The samples of tar files. root: the folder that they were found in. InputError names the shard and the key."""
    found = _Found()
    for number, path in enumerate(paths):
        tell(f"looking through {path.name}", number / len(paths))
        before = len(found.keys)
        with path.open("rb") as file:
            if file.read(2) == b"\x1f\x8b":
                raise compressed(path)
            _take(found, number, path, file)
        found.counts.append(len(found.keys) - before)
    if not found.keys:
        fault = f"there are no pictures in {'it' if len(paths) == 1 else 'them'}"
        raise InputError(paths[0], fault, f"understood are {', '.join(sorted(_PICTURES))} beside .cls, .json or .txt")
    notes = _notes(found)
    classes, labels = labels_of(found.words)
    notes += without_labels(labels)
    splits, codes = splits_of(paths, root)
    sources = [Source.of(path) for path in paths]
    places = np.frombuffer(found.places, np.int64).reshape(-1, 3)
    kept = {"kind": "members", "sources": sources}
    return Rows(
        format="WebDataset",
        classes=classes,
        labels=labels,
        splits=splits,
        codes=codes_of(codes, found.counts),
        names=found.keys,
        elsewhere=Elsewhere(kept, stamp_of(paths), _shape(SourceFiles(sources), places), places),
        notes=notes,
    )


def compressed(path: Path) -> InputError:
    """Why a compressed tar is refused."""
    fault = "is compressed: no picture in it can be read without all that come before it"
    return InputError(path, fault, "unpack the .tar itself (gunzip, bunzip2, unxz, unzstd): pictures are small already")


def decoded(files: SourceFiles, places: NDArray[np.int64], row: int, key: str) -> NDArray[np.uint8]:
    """The image of a sample."""
    shard, offset, size = (int(number) for number in places[row])
    data, where = files.read(shard, offset, size), f"{files.path(shard)} key {key}"
    if data.startswith(_ARRAY):
        return _array(data, where)
    return decode_picture(BytesIO(data), where)


def _array(data: bytearray, where: str) -> NDArray[np.uint8]:
    try:
        values = np.lib.format.read_array(BytesIO(data), allow_pickle=False)
    except Exception:  # NumPy's reader trips over many things in a spoiled file
        raise PictureError(where, "is no array of numbers that can be read", "save it by np.save") from None
    try:
        return as_image(values, where)
    except InputError as error:
        raise PictureError(where, error.fault, error.mend) from None


def _take(found: _Found, shard: int, path: Path, file: BinaryIO) -> None:
    for key, parts in groupby(_parts(found, path, file), key=lambda part: part[0]):
        ends = {end: member for _, end, member in parts}
        picture = _picture(ends)
        if picture is None:
            found.without += 1
            continue
        word = _label(ends, file, f"{path} key {key}")
        found.places.extend((shard, picture.offset, picture.size))
        found.keys.append(key)
        found.words.append(found.known.setdefault(word, word))


def _parts(found: _Found, path: Path, file: BinaryIO) -> Iterator[tuple[str, str, Member]]:
    """Key, end and place of each file: the key is all before the first dot of its name."""
    for member in members(path, file):
        if not member.name:
            found.endless.append(path.name)
            return
        folder, slash, name = member.name.rpartition("/")
        key, dot, end = name.partition(".")
        if key and dot:
            yield f"{folder}{slash}{key}".removeprefix("./"), end.lower(), member


def _picture(ends: dict[str, Member]) -> Member | None:
    """The picture of a sample: `x.jpg` before `x.seg.png`."""
    whole = (member for end, member in ends.items() if end in _PICTURES)
    return next(whole, None) or next((m for end, m in ends.items() if end.rpartition(".")[2] in _PICTURES), None)


def _label(ends: dict[str, Member], file: BinaryIO, where: str) -> str:
    """The label of a sample as a word, "" for none."""
    for end in _LABELS:
        if end not in ends:
            continue
        member = ends[end]
        if member.size > _LONGEST:
            raise InputError(f"{where}.{end}", f"is {member.size} bytes long", "a label is a number or a name")
        file.seek(member.offset)
        text = file.read(member.size).decode("utf-8", "replace").strip()
        word = _of_json(text, f"{where}.{end}") if end == "json" else text
        if word:
            return "" if word == "-1" else word
    return ""


def _of_json(text: str, where: str) -> str:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(where, f"is no JSON: {error}", 'write {"label": 3}') from None
    value: Any = values
    if isinstance(values, dict):
        value = next((values[key] for key in _KEYS if values.get(key) is not None), "")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(
            where, f"its label is {plain(json.dumps(value))[:40]}", 'write a number or a name: {"label": 3}'
        )
    return str(value).strip()


def _notes(found: _Found) -> tuple[str, ...]:
    """What was assumed. Texts that are hardly labels are taken away."""
    notes = []
    if len(found.known) > _MOST_WORDS and not all(word.isdecimal() for word in found.known if word):
        notes.append(f"there are {len(found.known)} different texts: they are taken for captions, not for labels")
        found.words = [""] * len(found.words)
    if found.without:
        notes.append(f"{found.without} samples have no picture: they are left out")
    if found.endless:
        more = f" and {len(found.endless) - 1} more" if len(found.endless) > 1 else ""
        notes.append(f"{found.endless[0]}{more} without an end mark: cut off, perhaps")
    return tuple(notes)


def _shape(files: SourceFiles, places: NDArray[np.int64]) -> tuple[int, ...] | None:
    """The shape of the pictures, where those that are looked at here have all the same."""
    rows = np.unique(np.linspace(0, len(places) - 1, min(_LOOKED_AT, len(places))).astype(int)).tolist()
    return common_shape(_shape_of(files.read(*(int(number) for number in places[row]))) for row in rows)


def _shape_of(data: bytearray) -> tuple[int, ...] | None:
    if not data.startswith(_ARRAY):
        return picture_shape(BytesIO(data))
    try:
        return _array(data, "").shape
    except InputError:  # told when it is met
        return ()
