"""The store of a worker's engine: it keeps nothing, it collects what is to be kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fer_tui.engine.codec import smaller

if TYPE_CHECKING:
    from fer_tui.engine import Storage
    from fer_tui.engine.store import Row


class Outbox:
    """Takes the part of `fer_tui.engine.Storage` in a worker.

    seen: the store that the worker can read, None where it cannot. What was put is found again, and so is what others
    have made (`learn`), until the next chunk.
    """

    def __init__(self, seen: Storage | None = None) -> None:
        self._seen = seen
        self._known: dict[str, bytes] = {}
        self._put: dict[str, Row] = {}
        self._wanted: frozenset[str] | None = None
        self._half = False

    @property
    def is_on(self) -> bool:
        return True

    def learn(self, rows: Iterable[Row]) -> None:
        """Know what others have made, from now on."""
        self._known.update((key, blob) for key, blob, _, _ in rows)

    def begin(self, wanted: Iterable[str] | None = None, *, half: bool = False) -> None:
        """A new chunk. wanted: keys of the explanations that are collected; a run may make others by the way.

        half: heat maps are collected with values as float16.
        """
        self._put.clear()
        self._half = half
        self._wanted = frozenset(wanted) if wanted is not None else None

    def rows(self) -> tuple[Row, ...]:
        """All that was put since `begin`."""
        return tuple(self._put.values())

    def get(self, key: str) -> bytes | None:
        if key in self._put:
            return self._put[key][1]
        if key in self._known:
            return self._known[key]
        return self._seen.get(key) if self._seen is not None else None

    def has(self, keys: Iterable[str]) -> set[str]:
        asked = set(keys)
        own = {key for key in asked if key in self._put or key in self._known}
        return own | (self._seen.has(asked - own) if self._seen is not None else set())

    def put(self, key: str, blob: bytes, *, method: str, kind: str = "") -> None:
        """Collect it; an explanation (of a kind) only where it is wanted."""
        if not kind or self._wanted is None or key in self._wanted:
            self._put[key] = (key, smaller(blob) if kind and self._half else blob, method, kind)

    def close(self) -> None:
        if self._seen is not None:
            self._seen.close()
