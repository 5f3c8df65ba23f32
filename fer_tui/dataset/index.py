"""The index of a parsed dataset: what is known of its rows, mapped from disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import InputError

from .digests import Digests
from .layout import DIGESTS, LABELS, META, NAMES, OFFSETS, SPLITS, VERSION
from .pixels import open_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]


class Index:
    """What lies in the folder of a parsed dataset; InputError where that is none.

    meta: see `layout.Writer`. labels: int64 (n,). splits: uint8 (n,), where there are any. pixels: the images.
    digests: theirs. owner: of a temporary folder, lives as long as its files are mapped.
    """

    def __init__(self, folder: Path, notes: tuple[str, ...], owner: object) -> None:
        self.folder, self.notes, self.owner = folder, notes, owner
        try:
            self.meta: dict[str, Any] = json.loads((folder / META).read_bytes())
            if self.meta["version"] != VERSION:
                raise ValueError(f"it is of version {self.meta['version']}, not {VERSION}")
            self.count: int = self.meta["count"]
            self.labels = self.mapped(LABELS, np.int64, (self.count,))
            self.splits = self.mapped(SPLITS, np.uint8, (self.count,)) if self.meta["splits"] else None
            self._name_ends = self.mapped(OFFSETS, np.int64, (self.count,)) if self.meta["named"] else None
            self._names = self._bytes(NAMES) if self.meta["named"] else None
            self.digests = Digests(folder / DIGESTS, self.count)
            self.pixels = open_pixels(self.meta["images"], folder, self.name, self.mapped, self.count)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                folder, f"is no parsed dataset: {error}", "delete it, and the data are parsed again"
            ) from None

    def name(self, row: int) -> str:
        """The id of a row, or its path below the source's folder, or its number."""
        if self._names is None or self._name_ends is None:
            return str(row)
        start = int(self._name_ends[row - 1]) if row else 0
        return self._names[start : int(self._name_ends[row])].tobytes().decode("utf-8", "surrogateescape")

    def mapped(self, name: str, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """A file as a read-only array; ValueError where it is not of that size."""
        path = self.folder / name
        if path.stat().st_size != int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize:
            raise ValueError(f"{name} is not of the size that {META} tells")
        # as a plain array: a memmap's own __getitem__ is slower
        return np.asarray(np.memmap(path, kind, "r", shape=shape))

    def _bytes(self, name: str) -> NDArray[np.uint8]:
        size = (self.folder / name).stat().st_size
        return self.mapped(name, np.uint8, (size,)) if size else np.empty(0, np.uint8)
