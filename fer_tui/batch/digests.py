"""The digests of a dataset's images, kept in the store: with them the keys of a million maps are known in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.engine.keys import digests_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.dataset import MappedDataset
    from fer_tui.engine import Storage
    from fer_tui.engine.store import Row

METHOD = "batch"  # what the store lists a batch's own entries under
_PAGE = 1024  # rows in an entry of the store
_SIZE = 16  # bytes of a digest; of one that is not known all are 0


class Digests:
    """Those of all rows of a dataset, as far as they are known; 16 bytes a row."""

    def __init__(self, dataset: MappedDataset, store: Storage) -> None:
        self._key, self._store = dataset.key, store
        self._all: NDArray[np.uint8] = np.zeros((len(dataset), _SIZE), np.uint8)
        self._loaded: set[int] = set()
        self._changed: set[int] = set()

    def of(self, row: int) -> str | None:
        """32 hexadecimal digits, None where it is not known."""
        self._load(row // _PAGE)
        found = self._all[row].tobytes()
        return found.hex() if any(found) else None

    def add(self, found: Mapping[int, str]) -> None:
        for row, digest in found.items():
            self._load(row // _PAGE)
            self._all[row] = np.frombuffer(bytes.fromhex(digest), np.uint8)
            self._changed.add(row // _PAGE)

    def changed(self) -> Iterator[Row]:
        """What is to be kept of those that were added since the last call."""
        for page in sorted(self._changed):
            yield self._name(page), self._all[page * _PAGE : (page + 1) * _PAGE].tobytes(), METHOD, ""
        self._changed.clear()

    def _load(self, page: int) -> None:
        if page in self._loaded:
            return
        self._loaded.add(page)
        part = self._all[page * _PAGE : (page + 1) * _PAGE]
        blob = self._store.get(self._name(page))
        if blob is not None and len(blob) == part.size:
            part[:] = np.frombuffer(blob, np.uint8).reshape(part.shape)

    def _name(self, page: int) -> str:
        return digests_key(self._key, page * _PAGE, _PAGE)
