"""Folders of pictures, listed: a million files in seconds, and again in none where nothing has changed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import InputError

from .index import Index
from .layout import FOLDERS, PLACES, STALE, Elsewhere, Tell
from .pictures import SUFFIXES, read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

Folders = list[tuple[str, int]]  # with their times of change in nanoseconds
_IS_PICTURE = re.compile(rf"({'|'.join(map(re.escape, SUFFIXES))})$", re.IGNORECASE)
_FEW = 20_000  # pictures up to which each is looked at whenever they are opened
_SAMPLE = 256  # those that are looked at of more
_RECENT = 2_000_000_000  # nanoseconds: a folder that was changed so shortly before it was listed may have changed since
_TOLD = 10_000  # pictures between two words on the progress


@dataclass(slots=True)
class Listing:
    """Picture files below a folder, in order: path below it, class ("" for none), split, size and time of change.

    folders: those that were looked through, with their times of change before that.
    """

    root: Path
    tell: Tell
    names: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    states: array[int] = field(default_factory=lambda: array("q"))  # size and time, one after the other
    folders: Folders = field(default_factory=list)
    began: int = field(default_factory=time.time_ns)

    def take(self, folder: Path, split: str) -> None:
        """Everything below `folder`: loose pictures have no class, those below a folder have its name for one."""
        for each in self._take(folder, "", split):
            self._below(each, each.name, split)

    def _below(self, folder: Path, word: str, split: str) -> None:
        for each in self._take(folder, word, split):
            self._below(each, word, split)

    def _take(self, folder: Path, word: str, split: str) -> list[Path]:
        """Take the pictures in a folder, by name; the folders in it."""
        self.folders.append((str(folder), folder.stat().st_mtime_ns))
        found: list[tuple[str, int, int]] = []
        folders: list[str] = []
        for entry in entries(folder):
            if _IS_PICTURE.search(entry.name) and entry.is_file():
                stat = entry.stat()
                found.append((entry.name, stat.st_size, stat.st_mtime_ns))
                if not len(found) % _TOLD:
                    self.tell(f"looking for pictures: {len(self.names) + len(found):,}", None)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
        below = str(folder)[len(str(self.root)) :].lstrip(os.sep)
        for name, size, changed in sorted(found):
            self.names.append(os.path.join(below, name))  # noqa: PTH118  # a million of them
            self.states.extend((size, changed))
        self.words += [word] * len(found)
        self.splits += [split] * len(found)
        self.tell(f"looking for pictures: {len(self.names):,}", None)
        return [folder / name for name in sorted(folders)]

    @property
    def settled(self) -> Folders:
        """The folders, as `settled` has them."""
        return settled(self.folders, self.began)


def settled(folders: Folders, began: int) -> Folders:
    """0 for the time of one that had changed so shortly before it was looked through that it may have changed since."""
    return [(path, changed if began - changed > _RECENT else 0) for path, changed in folders]


def pictures_in(root: Path, names: Sequence[str], states: array[int]) -> Elsewhere:
    """Picture files below a folder. states: size and time of change of each, one after the other."""
    places = np.frombuffer(states, np.int64).reshape(-1, 2)
    stamp = blake2b(digest_size=16)
    for name, (size, changed) in zip(names, places.tolist(), strict=True):
        stamp.update(f"{name}\0{size}\0{changed}\0".encode("utf-8", "surrogateescape"))
    return Elsewhere({"kind": "files", "root": str(root)}, stamp.digest(), places=places)


def has_pictures(folder: Path) -> bool:
    """Whether there is a picture in a folder, or below."""
    folders = []
    for entry in entries(folder):
        if _IS_PICTURE.search(entry.name) and entry.is_file():
            return True
        if entry.is_dir(follow_symlinks=False):
            folders.append(Path(entry.path))
    return any(map(has_pictures, sorted(folders)))


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is not hidden in a folder, in any order."""
    try:
        with os.scandir(folder) as found:
            yield from (entry for entry in found if not entry.name.startswith("."))
    except PermissionError:
        raise InputError(folder, "cannot be read: no permission", "see its mode and its owner") from None
    except OSError as error:
        raise InputError(folder, f"cannot be read: {error.strerror}") from None


def remember(parsed: Path, folders: Folders) -> None:
    """Keep beside the parsed files which folders (or tables) were looked through, and when they had changed."""
    scratch = parsed / f"{FOLDERS}.{os.getpid()}"
    with contextlib.suppress(OSError):  # they are listed again, then
        scratch.write_text(json.dumps(folders))
        scratch.replace(parsed / FOLDERS)


def is_unchanged(parsed: Path) -> bool:
    """Whether a folder of many pictures is as it was when it was parsed, as far as can be told without listing it.

    Told are pictures that came, went or got another name, by the times of their folders; of those whose contents were
    written over, a sample, and those that were met since (`read_unchanged`).
    """
    try:
        index = Index(parsed, (), None)
        kept = index.meta["images"]
        if index.count <= _FEW or kept["kind"] != "files" or (parsed / STALE).exists():
            return False
        folders = json.loads((parsed / FOLDERS).read_text())
        if any(not changed or os.stat(path).st_mtime_ns != changed for path, changed in folders):  # noqa: PTH116
            return False
        places, root = index.mapped(PLACES, np.int64, (index.count, 2)), Path(kept["root"])
        sample = np.linspace(0, index.count - 1, _SAMPLE).astype(int).tolist()
        return all(state_of(root / index.name(row)) == tuple(places[row].tolist()) for row in sample)
    except (OSError, ValueError, TypeError, InputError):
        return False


def read_unchanged(path: Path, place: NDArray[np.int64], parsed: Path) -> NDArray[np.uint8]:
    """A picture. InputError where it is not as it was when it was listed: the next opening lists the folder anew."""
    image = read_picture(path)
    if state_of(path) != tuple(place.tolist()):
        with contextlib.suppress(OSError):
            (parsed / STALE).touch()
        raise InputError(path, "has changed since the pictures were listed", "open the data again")
    return image


def state_of(path: Path) -> tuple[int, int]:
    """Size and time of change of a file."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
