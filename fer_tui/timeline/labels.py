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
    return found if all(found) and len(set(found)) == len(found) else tuple(names)


def number_of(text: str, names: Sequence[str]) -> int:
    """The checkpoint that `text` names: by its name, its short name (also without zeros in front), or its number.

    Numbers count from 0, as --checkpoint does. ValueError where there is none.
    """
    for known in (names, short_names(names)):
        if text in known:
            return list(known).index(text)
    if text.isascii() and text.isdigit():
        numbers = [re.findall(r"\d+", name) for name in short_names(names)]
        told = [int(found[-1]) if found else -1 for found in numbers]
        if told.count(int(text)) == 1 and all(a < b for a, b in pairwise(told)):
            return told.index(int(text))
        if int(text) < len(names):
            return int(text)
    known = ", ".join(short_names(names)[:12]) + (", …" if len(names) > 12 else "")
    raise ValueError(f"no checkpoint {text!r}{nearest(text, names)}: there are {known}")


def _common(names: Sequence[str]) -> int:
    """How many characters all names begin with."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
