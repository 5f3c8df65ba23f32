"""How many places a batch makes at once: found on its first places, which are kept, and remembered in the store."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
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
_FEW, _SHARE, _MOST_IMAGES = 128, 8, 6144  # images that are made for it: one in so many, within these bounds
_AIMED, _ENOUGH = 0.5, 0.4  # seconds that a step is to take, and from which on it tells the time for one place
_SLOW = 8.0  # seconds of a step from which on it is enough by itself
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
    """Make the first missing places of a plan, and keep how long they take: see `remembered`.

    One image, then ever more at once, until they take long enough to tell; then as many again, and those count: the
    first of each size may take long by itself, on a GPU above all. Of slow ones a handful is enough.
    """
    most = max(_FEW, min(driver.state().missing // _SHARE, _MOST_IMAGES))
    first = next(driver.lacking(plan, most), None)
    if first is None:
        return
    images = list(dict.fromkeys(first.rows))
    done, step, again = 0, 1, False  # again: the last step had the same size
    largest = _MOST
    while done < len(images) and not driver.stop:
        made = seconds = size = 0.0
        with closing(driver.through(iter([_part(first, images[done : done + step])]))) as outcomes:
            for outcome in outcomes:
                yield driver.state()
                if outcome is not None:
                    made, seconds = made + outcome.made, seconds + outcome.seconds
                    size += sum(len(blob) for _, blob, _, kind in outcome.rows if kind)
        done += step
        if not made:
            step, again = step * 8, False
            continue
        each = seconds / made
        found = Measured(_size(each * plan.each, size / made * plan.each), each, size / made)
        driver.keep((size_key(plan.about), json.dumps(asdict(found)).encode(), METHOD, ""))
        tells = seconds >= _ENOUGH or step >= largest
        if seconds >= _SLOW or (tells and again):
            return
        again = tells
        if not tells:
            largest = max(1, min(found.size, (len(images) - done) // 2))
            step = min(math.ceil(_AIMED / max(seconds, 1e-6) * step), largest)


def _part(chunk: Chunk, images: Sequence[int | None]) -> Chunk:
    """What it has of these images."""
    wanted = set(images)
    picked = [n for n, row in enumerate(chunk.rows) if row in wanted]
    rows, targets = (tuple(given[n] for n in picked) for given in (chunk.rows, chunk.targets))
    return replace(chunk, rows=rows, targets=targets)


def _size(seconds: float, size: float) -> int:
    """Images in a chunk. seconds, bytes: for one."""
    most = min(_MOST, _MOST_BYTES / max(size, 1.0))
    wanted = min(most, _WANTED / max(seconds, 1e-6))
    return 1 << max(0, round(math.log2(max(wanted, 1.0))))
