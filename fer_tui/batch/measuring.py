"""How many places a batch makes at once: found on its first places, which are kept, and remembered in the store."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from fer_tui.engine.keys import size_key

if TYPE_CHECKING:
    from .chunks import Chunk
    from .driver import Driver
    from .plan import Plan
    from .state import State

METHOD = "batch"  # what the store lists such entries under
LADDER = (1, 16, 128)  # images that have been made after each step; the first one only warms up
_ENOUGH = 0.4  # seconds of a step from which on it tells the time for one place
_SLOW = 8.0  # seconds of the first place from which on it is enough by itself
_WANTED, _MOST, _MOST_BYTES = 1.5, 2048, 32 << 20  # seconds, images and bytes of a chunk


@dataclass(frozen=True, slots=True)
class Measured:
    """size: images in a chunk, a power of two: then passes through a network have the same images whatever it is.
    seconds, bytes: for one place, by one worker.
    """

    size: int
    seconds: float
    bytes: float


def remembered(driver: Driver, plan: Plan) -> Measured | None:
    """What was found last, None where nothing was: the same work is always cut into the same chunks."""
    blob = driver.store.get(size_key(plan.about))
    return Measured(**json.loads(blob)) if blob is not None else None


def measure(driver: Driver, plan: Plan) -> Iterator[State]:
    """Make the first missing places of a plan, and keep how long they take: see `remembered`."""
    first = next(driver.lacking(plan, LADDER[-1]), None)
    if first is None:
        return
    for part in _steps(first):
        made = seconds = size = 0.0
        with closing(driver.through(iter([part]))) as outcomes:
            for outcome in outcomes:
                yield driver.state()
                if outcome is not None:
                    made, seconds = made + outcome.made, seconds + outcome.seconds
                    size += sum(len(blob) for _, blob, _, kind in outcome.rows if kind)
        if not made:
            continue
        found = Measured(_size(seconds / made * plan.each, size / made * plan.each), seconds / made, size / made)
        driver.keep((size_key(plan.about), json.dumps(asdict(found)).encode(), METHOD, ""))
        if seconds >= (_SLOW if part.rows[0] == first.rows[0] else _ENOUGH):
            return


def _steps(chunk: Chunk) -> Iterator[Chunk]:
    """Its first images, then more."""
    images = list(dict.fromkeys(chunk.rows))
    for before, step in itertools.pairwise((0, *LADDER)):
        wanted = set(images[before:step])
        if picked := [n for n, row in enumerate(chunk.rows) if row in wanted]:
            rows, targets = (tuple(given[n] for n in picked) for given in (chunk.rows, chunk.targets))
            yield replace(chunk, rows=rows, targets=targets)


def _size(seconds: float, size: float) -> int:
    """Images in a chunk. seconds, bytes: for one."""
    most = min(_MOST, _MOST_BYTES / max(size, 1.0))
    wanted = min(most, _WANTED / max(seconds, 1e-6))
    return 1 << max(0, round(math.log2(max(wanted, 1.0))))
