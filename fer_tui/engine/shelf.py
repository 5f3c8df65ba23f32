"""What the terminal process knows of finished explanations: the latest in memory, all others in the stores."""

from __future__ import annotations

from collections import OrderedDict

from fer_tui.contract import Explanation

from . import codec
from .stores import Storage

_MOST_BYTES = 32 << 20


class Shelf:
    """Explanations by key. Reads the store by itself, so that a busy compute process is never waited for."""

    def __init__(self, store: Storage | None, most_bytes: int = _MOST_BYTES) -> None:
        self._store, self._most = store, most_bytes
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> Explanation | None:
        """The explanation with this key, None where there is none (or a damaged one)."""
        blob = self._recent.get(key)
        if blob is None and self._store is not None:
            blob = self._store.get(key)
        if blob is None:
            return None
        try:
            explanation = codec.unpack(blob)
        except (ValueError, KeyError, TypeError):
            return None
        self.put(key, blob)
        return explanation

    def put(self, key: str, blob: bytes) -> None:
        """Keep a packed explanation that the compute process sent (which has put it into the store)."""
        self._bytes -= len(self._recent.pop(key, b""))
        self._recent[key] = blob
        self._bytes += len(blob)
        while self._bytes > self._most and len(self._recent) > 1:
            self._bytes -= len(self._recent.popitem(last=False)[1])

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
