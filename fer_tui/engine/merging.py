"""Others' entries put into one store: those that it has not, a few at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fer_tui.contract import InputError

from .entries import Entry
from .store import Store

_TOGETHER = 64  # entries in a transaction
_MOST = 16 << 20  # bytes in a transaction, from which on it ends


@dataclass(slots=True)
class Merged:
    """How many entries came, were there already, and were damaged, and so left out."""

    entries: int = 0
    bytes: int = 0
    known: int = 0
    damaged: int = 0


def merge(
    store: Store, others: Iterable[Store], tell: Callable[[str, float | None], None] = lambda what, share: None
) -> Merged:
    """Put into `store` what is in any of `others` and not in it. Broken off, what came stays, and it can go on.

    InputError where they may not have room under the store's limit, or it cannot be written to.
    """
    others = list(others)
    usages = [each.usage() for each in others]
    wanted = sum(each.bytes for each in usages)
    if store.limit is not None and store.usage().bytes + wanted > store.limit:
        fault = f"has a limit of {store.limit:,} bytes, and {wanted:,} more may come: others would go for them"
        raise InputError(store.path, fault, "fer-tui cache limit none")
    total, merged = sum(each.entries for each in usages), Merged()
    for part in _parts(itertools.chain.from_iterable(each.entries() for each in others)):
        missing = set(store.missing([entry.key for entry in part]))
        new = {entry.key: entry for entry in part if entry.key in missing and entry.is_sound}
        if not store.put_many((each.key.hex(), each.blob, each.method, each.kind) for each in new.values()):
            raise InputError(
                store.path, store.note.partition(f"{store.path}: ")[2] or "another process writes all the time"
            )
        merged.entries += len(new)
        merged.bytes += sum(len(each.blob) for each in new.values())
        merged.damaged += sum(not each.is_sound for each in part)
        merged.known += sum(each.is_sound for each in part) - len(new)
        tell("merging", (merged.entries + merged.known + merged.damaged) / total)
    return merged


def _parts(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    for entry in entries:
        part.append(entry)
        if len(part) == _TOGETHER or sum(len(each.blob) for each in part) >= _MOST:
            yield part
            part = []
    if part:
        yield part
