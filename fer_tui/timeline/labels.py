"""Short names of checkpoints: what tells them apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile

from fer_tui.contract import nearest


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """The part of each name in which they differ: 025 and 125 of net_025.pt and net_125.pt. Numbers stay whole."""
    if len(names) < 2:
        return tuple(names)
    start = _common(names)
    while start and names[0][start - 1].isdigit():
        start -= 1
    ended = [name[start:][::-1] for name in names]
    stop = _common(ended)
    while stop and ended[0][stop - 1].isdigit():
        stop -= 1
    found = tuple(name[start : len(name) - stop] for name in names)
    if names[0][:start].endswith(".") and not any(char.isdigit() for name in found for char in name):
        return tuple(names)  # the same name with different endings
    return found if all(found) and len(set(found)) == len(found) else tuple(names)


def number_of(text: str, names: Sequence[str]) -> int:
    """The checkpoint that `text` names: by its name, its short name (also without zeros in front), or its number.

    Numbers count from 0, as --checkpoint does. ValueError where there is none.
    """
    for known in (names, short_names(names)):
        if text in known:
            return list(known).index(text)
    if text.isascii() and text.isdigit():
        told = epochs_of(names)
        if told is not None and int(text) in told:
            return told.index(int(text))
        if int(text) < len(names):
            return int(text)
    known = ", ".join(short_names(names)[:12]) + (", …" if len(names) > 12 else "")
    raise ValueError(f"no checkpoint {text!r}{nearest(text, names)}: there are {known}")


def epochs_of(names: Sequence[str]) -> list[int] | None:
    """The last number in each name, -1 where it has none; None where they do not rise from name to name."""
    numbers = [re.findall(r"\d+", name) for name in short_names(names)]
    told = [int(found[-1]) if found else -1 for found in numbers]
    return told if all(a < b for a, b in pairwise(told)) else None


def abreast(names: Sequence[str], others: Sequence[str]) -> list[int]:
    """Where another run was when this one was at each of its checkpoints: at the last one that is not of a later epoch.

    -1 before its first one. Where the names of either tell no epochs, checkpoints are counted; a single one is always
    there.
    """
    if len(others) == 1:
        return [0] * len(names)
    own, theirs = epochs_of(names), epochs_of(others)
    if own is None or theirs is None:
        own, theirs = list(range(len(names))), list(range(len(others)))
    return [sum(each <= epoch for each in theirs) - 1 for epoch in own]


def _common(names: Sequence[str]) -> int:
    """How many characters all names begin with."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
