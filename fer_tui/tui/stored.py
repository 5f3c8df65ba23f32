"""How much of what is listed has been explained already, by method: counted by the compute process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_tui.engine.messages import Counted, Kind, Message

from .asking import Computes
from .job import Job

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
class Places:
    """Rows with the class that is explained of each, -1 where that is unknown; whole: they are all that are meant."""

    rows: tuple[int, ...]
    targets: tuple[int, ...]
    whole: bool = True
    layer: str | None = None
    checkpoint: int = 0


class Stored(Job):
    """One count at a time, of several kinds. What was counted for the same before is shown until it is counted anew."""

    def __init__(self, compute: Computes) -> None:
        super().__init__(compute)
        self._wanted: tuple[tuple[Kind, ...], Places] | None = None
        self.shares: dict[int, Share] = {}  # by the number of the kind

    def want(self, kinds: Sequence[Kind], where: Places, *, again: bool = False) -> None:
        """Count these from now on. again: also where they were counted, for the store may have more by now."""
        wanted = tuple(kinds), where
        if wanted == self._wanted and not again:
            return
        if wanted != self._wanted:
            self.shares = {}
        self.stop()
        self._wanted = wanted
        if kinds and where.rows:
            self.begin(self._compute.count_stored(kinds, where.rows, where.targets, where.layer, where.checkpoint))

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this count."""
        if not isinstance(message, Counted) or not self.has(message.job) or self._wanted is None:
            return super().take(message)
        share = Share(message.places, message.looked, message.found, self._wanted[1].whole)
        before = self.shares.get(message.kind)
        if before is None or before.looked <= share.looked:
            self.shares[message.kind] = share
        return True
