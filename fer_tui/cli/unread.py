"""Pictures that cannot be read: which of a dataset, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import streams

if TYPE_CHECKING:
    from fer_tui.dataset import MappedDataset

_NAMED = 5  # of them


def unreadable(dataset: MappedDataset, rows: Sequence[int]) -> dict[int, str]:
    """Those of the rows whose pictures cannot be read, each with what is wrong with it."""
    faults = ((row, dataset.readable([row])[1]) for row in rows)
    return {row: str(found[0]) for row, found in faults if found}


def tell_unread(faults: Sequence[str]) -> None:
    """Name the pictures that could not be read, and count them."""
    for fault in faults[:_NAMED]:
        streams.say(fault)
    if faults:
        more = f", of which {_NAMED} are named" if len(faults) > _NAMED else ""
        streams.say(f"{len(faults)} pictures cannot be read{more}: they are left out")
