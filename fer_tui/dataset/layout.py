"""The files of a parsed dataset, and the writer that makes them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import FerTuiError

from .digests import SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

Tell = Callable[[str, float | None], None]  # what is being done, and the share of it that is done (0 to 1)

VERSION = 3  # of the layout and of what the parsers make of a source: higher after every change to either
FOLDER = "datasets"  # of a cache folder: a folder in it for each parsed dataset
META, IMAGES = "meta.json", "images.bin"
LABELS, SPLITS, NAMES, OFFSETS = "labels.bin", "splits.bin", "names.bin", "names.ends.bin"
PLACES, DIGESTS = "places.bin", "digests.bin"
FOLDERS = "folders.json"  # of pictures that are listed
STALE = "stale"  # a file of that name: what was parsed is known to be out of date


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """What a parser knows of a source, beside the images that it gave to the writer.

    labels: int64 (n,), -1 where there is none. codes: uint8 (n,) indices into `splits`. names: ids, or paths of
    pictures. elsewhere: how the images are found that were not written here.
    """

    format: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    splits: tuple[str, ...] = ()
    codes: NDArray[np.uint8] | None = None
    names: Sequence[str] | None = None
    elsewhere: Elsewhere | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Elsewhere:
    """Images that stay where they are.

    kept: what `pixels.open_pixels` needs to find them, as JSON. stamp: what their contents are known by, b"" where the
    writer has seen them all. shape: that of all, None where they differ. places: int64, where each one lies.
    """

    kept: dict[str, Any]
    stamp: bytes = b""
    shape: tuple[int, ...] | None = None
    places: NDArray[np.int64] | None = None


def without_labels(labels: NDArray[np.int64]) -> tuple[str, ...]:
    """A note on rows that have no label, if there are any."""
    missing = int((labels < 0).sum())
    if not missing:
        return ()
    return ("the pictures have no labels" if missing == len(labels) else f"{missing} pictures have no label",)


class NoRoom(FerTuiError):
    """The parsed files cannot be written: the message is the system's reason. No fault of the source's."""


class Writer:
    """Writes a parsed dataset into a folder, images first, as they come; NoRoom where that fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / IMAGES).open("wb", buffering=1 << 20)
        self._hash = blake2b(digest_size=16)
        self._runs: list[tuple[tuple[int, ...], int]] = []  # shapes of images, and how many of them follow each other

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):  # `finish` has closed it, or there is an error already
            self._file.close()

    def add(self, images: NDArray[np.uint8]) -> None:
        """Write images (n, h, w) or (n, h, w, 3)."""
        data = np.ascontiguousarray(images).data.cast("B")
        with _writing():
            self._file.write(data)
        self.see(data, images.shape[1:], len(images))

    def see(self, data: memoryview, shape: tuple[int, ...], count: int) -> None:
        """Take note of the bytes of `count` images that lie elsewhere."""
        self._hash.update(data)
        if self._runs and self._runs[-1][0] == shape:
            self._runs[-1] = (shape, self._runs[-1][1] + count)
        else:
            self._runs.append((shape, count))

    def finish(self, rows: Rows, name: str) -> str:
        """Write all else; the digest of the whole."""
        with _writing():
            self._file.close()
        if self._runs:
            self._hash.update(repr([shape for shape, _ in self._runs]).encode())
        elsewhere = rows.elsewhere
        if elsewhere is None:
            elsewhere = self._own()
        else:
            (self._folder / IMAGES).unlink()
            self._hash.update(elsewhere.stamp)
        if elsewhere.stamp and elsewhere.places is not None:
            self._write(PLACES, elsewhere.places.tobytes())  # the stamp stands for them
        elif elsewhere.places is not None:
            self._put(PLACES, elsewhere.places)
        labels = np.ascontiguousarray(rows.labels, np.int64)
        self._put(LABELS, labels)
        if rows.splits:
            assert rows.codes is not None
            self._put(SPLITS, rows.codes)
        if rows.names is not None:
            encoded = [name.encode("utf-8", "surrogateescape") for name in rows.names]
            self._put(OFFSETS, np.cumsum([len(each) for each in encoded], dtype=np.int64))
            self._write(NAMES, b"".join(encoded))
        with _writing(), (self._folder / DIGESTS).open("wb") as file:
            file.truncate(len(labels) * SIZE)  # all zero, and no room taken
        self._hash.update(json.dumps([rows.classes, rows.splits]).encode())
        seen = np.bincount(labels[labels >= 0], minlength=len(rows.classes)) > 0
        meta = {
            "version": VERSION,
            "name": name,
            "format": rows.format,
            "count": len(labels),
            "classes": rows.classes,
            "seen": seen.tolist(),
            "splits": rows.splits,
            "shape": elsewhere.shape,
            "images": elsewhere.kept,
            "named": rows.names is not None,
            "notes": rows.notes,
            "digest": self._hash.hexdigest(),
        }
        self._write(META, json.dumps(meta).encode())
        return self._hash.hexdigest()

    def _own(self) -> Elsewhere:
        """The images that were written here: of one shape, or each with a place of its own."""
        shape = self._runs[0][0] if len(self._runs) == 1 else None
        size = (self._folder / IMAGES).stat().st_size
        places = _places(self._runs) if shape is None else None
        return Elsewhere({"kind": "own", "shape": shape, "size": size}, shape=shape, places=places)

    def _put(self, name: str, array: NDArray[np.int64] | NDArray[np.uint8]) -> None:
        data = np.ascontiguousarray(array).tobytes()
        self._hash.update(data)
        self._write(name, data)

    def _write(self, name: str, data: bytes) -> None:
        with _writing():
            (self._folder / name).write_bytes(data)


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoRoom(error.strerror or error) from None


def _places(runs: Iterable[tuple[tuple[int, ...], int]]) -> NDArray[np.int64]:
    """int64 (n, 4): for each image its offset in the file, height, width, channels (0: gray)."""
    places = np.array([(*shape, 0)[:3] for shape, count in runs for _ in range(count)], np.int64).reshape(-1, 3)
    sizes = places[:, 0] * places[:, 1] * np.maximum(places[:, 2], 1)
    return np.column_stack([np.cumsum(sizes) - sizes, places])
