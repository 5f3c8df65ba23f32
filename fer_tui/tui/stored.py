"""How much of what is listed has been explained already, by method: counted by the compute process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fer_tui.engine.messages import Counted, Message, Places, Variant

from .asking import Computes
from .job import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .browser import Browser, Target

MOST = 4096  # places that are looked at: more of them are represented by so many, evenly spread


@dataclass(frozen=True, slots=True)
class Share:
    """Of `places`, the first `looked` were looked at, and `found` are stored; not whole: they stand for more."""

    places: int
    looked: int
    found: int
    whole: bool = True

    @property
    def part(self) -> float | None:
        """The share that is stored, of what was looked at: 0 to 1; None while nothing was."""
        return self.found / self.looked if self.looked else None


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted. whole: the places are all that are meant, not such as stand for more."""

    variants: tuple[Variant, ...]
    places: Places
    whole: bool = True


def counting(variants: Sequence[Variant], browser: Browser, rows: NDArray[np.int64], target: Target | None) -> Counting:
    """Count these images at the layer and checkpoint that are shown; target: which class of each, None: all of them.

    Of many, MOST are looked at that are evenly spread.
    """
    import numpy as np

    known, count = browser.predictions, len(browser.classes) if target is None else 1
    pairs = len(rows) * count
    picked = np.arange(pairs) if pairs <= MOST else np.arange(MOST) * pairs // MOST
    some = rows[picked // count]
    if target is None:
        classes: NDArray[np.integer] = picked % count
    elif isinstance(target, int):
        classes = np.full(len(some), target)
    else:
        classes = (known.predicted if target == "predicted" else known.labels)[some]
    places = Places(tuple(some.tolist()), tuple(classes.tolist()), browser.layer, browser.checkpoint)
    return Counting(tuple(variants), places, pairs <= MOST)


class Stored(Job):
    """One count at a time. shares: by variant, as they were until they are counted anew."""

    def __init__(self, compute: Computes) -> None:
        super().__init__(compute)
        self._wanted: Counting | None = None
        self.shares: dict[int, Share] = {}

    @property
    def told(self) -> str:
        """How it is counted where the places stand for more, else ''."""
        wanted = self._wanted
        return "" if wanted is None or wanted.whole else f"by {len(wanted.places.rows):,} that are evenly spread"

    def want(self, wanted: Counting, *, again: bool = False) -> None:
        """Count this from now on. again: also where it was counted, for the store may have more by now."""
        if wanted == self._wanted and not again:
            return
        if wanted != self._wanted:
            self.shares = {}
        self.stop()
        self._wanted = wanted
        if wanted.variants and wanted.places.rows:
            self.begin(self._compute.count_stored(wanted.variants, wanted.places))

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this count."""
        if not isinstance(message, Counted) or not self.has(message.job) or self._wanted is None:
            return super().take(message)
        share = Share(message.places, message.looked, message.found, self._wanted.whole)
        before = self.shares.get(message.variant)
        if before is None or before.looked <= share.looked:
            self.shares[message.variant] = share
        return True
