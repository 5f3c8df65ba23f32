"""Several stores as one: the own one, which is written to, and others' that are only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

from .store import Key, Row, Store
from .storefile import FILE_NAME


class Storage(Protocol):
    """Where finished explanations are looked for and kept: a `Store`, `Stores`, what a batch collects."""

    @property
    def is_on(self) -> bool: ...

    def get(self, key: str) -> bytes | None: ...

    def has(self, keys: Iterable[str]) -> set[str]: ...

    def put(self, key: str, blob: bytes, *, method: str, kind: str = "") -> None: ...

    def close(self) -> None: ...


class Stores:
    """The own store, which is asked first and alone is written to, and further ones, in the order they are asked in.

    own: None where nothing is to be kept. As a `Store`, it never raises: `notes` say what is off.
    """

    def __init__(self, own: Store | None, others: Sequence[Store] = ()) -> None:
        self.own, self.others = own, tuple(others)

    @classmethod
    def open(cls, cache: str | None, others: Sequence[str] = (), *, read_only: bool = False) -> Self:
        """The store in the folder `cache` (None: the user's; "none": there is none) and those in the folders `others`.

        read_only: the own one, too, is only read, and not made where it is not there.
        """
        own = None
        if cache != "none":
            own = Store.open(Path(cache) if cache is not None else None, read_only=read_only)
        return cls(own, [Store.open(folder_of(each), read_only=True) for each in others])

    @property
    def all(self) -> Iterator[Store]:
        """Those that there are, in the order they are asked in."""
        if self.own is not None:
            yield self.own
        yield from self.others

    @property
    def notes(self) -> tuple[str, ...]:
        """Why any of them is off, a line each."""
        return tuple(each.note for each in self.all if each.note)

    @property
    def is_on(self) -> bool:
        return any(each.is_on for each in self.all)

    def get(self, key: str) -> bytes | None:
        """The blob under `key` of the first store that has it."""
        return next((blob for each in self.all if (blob := each.get(key)) is not None), None)

    def has(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` that are in any of them."""
        asked = list(keys)
        return set(asked).difference(self.missing(asked))

    def missing(self, keys: Sequence[Key]) -> list[Key]:
        """Those of `keys` (32 hexadecimal digits, or 16 bytes each) that are in none of them, in their order."""
        left = list(keys)
        for each in self.all:
            left = each.missing(left) if left else left
        return left

    def put(self, key: str, blob: bytes, *, method: str, kind: str = "") -> None:
        """Keep `blob` under `key` in the own store."""
        if self.own is not None:
            self.own.put(key, blob, method=method, kind=kind)

    def put_many(self, rows: Iterable[Row]) -> bool:
        """Keep them all in the own store, in one transaction; see `Store.put_many`."""
        return self.own is not None and self.own.put_many(rows)

    def close(self) -> None:
        for each in self.all:
            each.close()


def folder_of(named: str) -> Path:
    """The folder of a store that is named by it, or by its file."""
    path = Path(named)
    return path.parent if path.name == FILE_NAME else path
