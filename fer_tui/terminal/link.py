"""How fast a terminal drains what it is sent: each larger write ends in a query that it answers when all is drawn."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_WORTH_ASKING = 1024  # bytes since the last query
_WORTH_MEASURING = 4096  # bytes: the time that less takes is mostly chance
_QUEUED = 0.003  # seconds: an answer that took less longer than a round trip did not wait
_DELAY = 0.1  # seconds of sending that may be on their way
_LEAST, _FIRST, _MOST = 16 << 10, 96 << 10, 512 << 10  # bytes on their way: least, while nothing is known, most
_LOST = 4.0  # seconds after which an answer does not come any more
_WEIGHT = 0.4  # of the newest measurement


@dataclass(slots=True)
class Link:
    """answers: whether the terminal answers at all; while it does not, nothing is measured.

    rate: bytes a second, None while unknown. round_trip: the shortest so far, in seconds.
    """

    answers: bool = False
    rate: float | None = None
    round_trip: float | None = None
    _unasked: int = 0
    _sent: deque[tuple[int, float]] = field(default_factory=deque)
    _last: float = 0.0  # when the last answer came

    def wrote(self, size: int, now: float) -> bool:
        """So many bytes are written; whether a query shall follow them."""
        self._unasked += size
        if not self.answers or self._unasked < _WORTH_ASKING:
            return False
        self._sent.append((self._unasked, now))
        self._unasked = 0
        return True

    def drained(self, now: float) -> None:
        """An answer came."""
        if not self._sent:
            return
        size, sent = self._sent.popleft()
        took = now - sent
        self.round_trip = took if self.round_trip is None else min(took, self.round_trip)
        drawing = now - max(sent + self.round_trip, self._last)
        self._last = now
        if size < _WORTH_MEASURING:
            return
        rate = size / max(drawing, _QUEUED)
        if self.rate is None:
            self.rate = rate if drawing > _QUEUED else None
        elif drawing > _QUEUED or rate > self.rate:
            self.rate = self.rate ** (1 - _WEIGHT) * rate**_WEIGHT

    @property
    def on_its_way(self) -> int:
        """Bytes that the terminal may not have drawn yet."""
        return sum(size for size, _ in self._sent)

    def is_full(self, now: float) -> bool:
        """Whether more had better wait."""
        if self._sent and now - self._sent[0][1] > _LOST:
            self._sent.clear()
            self.answers = False  # it did once, but does not now: better no measure than a frozen screen
        return self.on_its_way > self._window

    @property
    def _window(self) -> float:
        if self.rate is None:
            return _FIRST
        return min(_MOST, max(_LEAST, self.rate * (_DELAY + (self.round_trip or 0.0))))

    def budget(self, seconds: float) -> float | None:
        """Bytes that the terminal draws in so many seconds, None while that is not known."""
        return None if self.rate is None else self.rate * seconds
