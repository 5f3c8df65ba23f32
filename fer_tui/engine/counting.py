"""How many of some explanations are in the store already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from fer_tui.contract import Axis, InputError, Place

from .keys import key_at
from .messages import Counted, CountStored, Places

if TYPE_CHECKING:
    from .engine import Engine

_AT_ONCE = 64  # keys that are made and looked up in one step, some 5 ms: something else may be waiting


def count_stored(engine: Engine, asked: CountStored) -> Iterator[Counted]:
    """One variant after another: how many of its places were looked at so far, and how many are stored.

    Places that a variant does not tell apart are one. InputError and PluginError as of `Engine.described`.
    """
    dataset, digests = engine.dataset, engine.classifier.digests
    for number, variant in enumerate(asked.variants):
        description = engine.described(variant.method)
        places = _places(description.axes_for(variant.parameters), asked.places)
        looked = found = 0
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            keys = []
            for place in some:
                with suppress(InputError):  # the picture cannot be read: nothing can be stored of it
                    keys.append(key_at(description, variant.parameters, place, dataset, digests))
            looked += len(some)
            found += len(engine.store.has(keys)) if engine.store is not None else 0
            yield Counted(asked.job, number, len(places), looked, found)


def _places(axes: frozenset[Axis], asked: Places) -> list[Place]:
    pairs = zip(asked.rows, asked.targets, strict=True)
    known = (pair for pair in pairs if Axis.TARGET not in axes or pair[1] >= 0)
    whole = (Place(row, target, asked.layer, None, asked.checkpoint) for row, target in known)
    return list(dict.fromkeys(place.on(axes | {Axis.CHECKPOINT}) for place in whole))
