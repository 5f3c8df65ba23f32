"""The stores that `fer-tui cache` works on: where they are, opened, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, nearest

from . import streams

if TYPE_CHECKING:
    from fer_tui.engine import Store
    from fer_tui.engine.entries import Usage


@dataclass(frozen=True, slots=True)
class Place:
    """The own store's folder and file, and the files of further ones."""

    folder: Path
    path: Path
    others: tuple[Path, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.path, *self.others)


def told(facts: Mapping[str, Any], lines: Iterable[str], as_json: bool) -> int:
    if as_json:
        streams.put_json(facts)
    else:
        for line in lines:
            streams.put(line)
    return 0


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[Store]:
    """The store in that file; InputError where it is off."""
    from fer_tui.engine import Store

    store = Store.open(path.parent, read_only=read_only)
    try:
        if not store.is_on:
            mend = (
                "delete the file, or name another folder by --cache" if path.exists() else "name the folder of a store"
            )
            raise InputError(path, store.note.rpartition(": ")[2], mend)
        yield store
    finally:
        store.close()


def known(methods: Sequence[str], usages: Iterable[Usage]) -> None:
    """InputError where nothing of one of `methods` is stored."""
    names = sorted({name for usage in usages for name in usage.by_method})
    for method in methods:
        if method not in names:
            raise InputError(f"--method {method}", f"nothing of it is stored{nearest(method, names)}", ", ".join(names))
