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
def opened(path: Path, *, read_only: bool = False, or_only_read: bool = False) -> Iterator[Store]:
    """The store in that file; InputError where it is off, or may only be read, unless that will do, too."""
    from fer_tui.engine import Store

    store = Store.open(path.parent, read_only=read_only)
    try:
        if store.note and not (store.is_on and or_only_read):
            mend = (
                f"{'' if store.is_on else 'delete the file if nobody needs it, or '}name another folder by --cache"
                if path.exists()
                else "name the folder of a store"
            )
            raise InputError(path, fault_of(store), mend)
        yield store
    finally:
        store.close()


def fault_of(store: Store) -> str:
    """Why it is off, or only read, without its name; '' where it is neither."""
    return store.note.partition(str(store.path))[2].removeprefix(":").strip()


def known(methods: Sequence[str], usages: Iterable[Usage]) -> None:
    """InputError where nothing of one of `methods` is stored."""
    names = sorted({name for usage in usages for name in usage.by_method})
    for method in methods:
        if method not in names:
            raise InputError(f"--method {method}", f"nothing of it is stored{nearest(method, names)}", ", ".join(names))
