"""How many of some explanations are in the store already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fer_tui.contract import Axis, Place

from .keys import key_at
from .messages import Counted, CountStored

if TYPE_CHECKING:
    from .engine import Engine

_AT_ONCE = 256  # keys that are made and looked up in one step, which takes some 10 ms


def count_stored(engine: Engine, asked: CountStored) -> Iterator[Counted]:
    """One kind after another: how many of its places were looked at so far, and for how many there is an explanation.

    Places that a kind does not tell apart are one. InputError and PluginError as of `Engine.described`.
    """
    for number, kind in enumerate(asked.kinds):
        description = engine.described(kind.method)
        places = _places(description.axes_for(kind.parameters), asked)
        looked = found = 0
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            keys = [
                key_at(description, kind.parameters, place, engine.dataset, engine.classifier.digests) for place in some
            ]
            looked, found = looked + len(some), found + (len(engine.store.has(keys)) if engine.store is not None else 0)
            yield Counted(asked.job, number, len(places), looked, found)


def _places(axes: frozenset[Axis], asked: CountStored) -> list[Place]:
    pairs = zip(asked.rows, asked.targets, strict=True)
    known = (pair for pair in pairs if Axis.TARGET not in axes or pair[1] >= 0)
    whole = (Place(row, target, asked.layer, None, asked.checkpoint) for row, target in known)
    return list(dict.fromkeys(place.on(axes | {Axis.CHECKPOINT}) for place in whole))
