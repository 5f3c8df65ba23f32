"""How fast a terminal drains what it is sent: from a query to the next one it draws what was written between them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_WORTH_ASKING = 1024  # bytes since the last query
_WORTH_MEASURING = 4096  # bytes: the time that less takes is mostly chance, unless it waited behind others
_QUEUED = 0.003  # seconds: what is drawn in less is not measured more finely
_DELAY = 0.1  # seconds of sending that may be on their way
_LEAST, _FIRST, _MOST = 4 << 10, 32 << 10, 512 << 10  # bytes on their way: least, while nothing is known, most
_LOST = 4.0  # seconds after which an answer does not come any more
_SURE, _LATE = 3, 8  # measurements: without so many there is no rate; older ones do not count


@dataclass(slots=True)
class Link:
    """answers: whether the terminal answers at all; while it does not, nothing is measured.

    round_trip: the shortest so far, in seconds.
    """

    answers: bool = False
    round_trip: float | None = None
    _unasked: int = 0
    _sent: deque[tuple[int, float]] = field(default_factory=deque)
    _rates: deque[float] = field(default_factory=lambda: deque(maxlen=_LATE))
    _last: float = 0.0  # when the last answer came

    def stamped(self, data: str, query: str, now: float) -> str:
        """`data` as it shall be written: with a query behind it where it is worth asking, and one to begin with."""
        self._unasked += len(data)
        if not self.answers or self._unasked < _WORTH_ASKING:
            return data
        before = "" if self._sent else query
        if before:
            self._sent.append((0, now))
        self._sent.append((self._unasked, now))
        self._unasked = 0
        return before + data + query

    def drained(self, now: float) -> None:
        """An answer came."""
        if not self._sent:
            return
        size, sent = self._sent.popleft()
        if not size:
            self.round_trip = min(now - sent, self.round_trip or now - sent)
        elif size >= _WORTH_MEASURING or sent + (self.round_trip or 0.0) < self._last:
            drawing = now - max(sent + (self.round_trip or 0.0), self._last)
            self._rates.append(size / max(drawing, _QUEUED))
        self._last = now

    @property
    def rate(self) -> float | None:
        """Bytes a second: the best of late, for a terminal that was busy is not a slow one. None while unknown."""
        return max(self._rates) if len(self._rates) >= _SURE else None

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
        if not self._rates:
            return _FIRST
        return min(_MOST, max(_LEAST, max(self._rates) * (_DELAY + (self.round_trip or 0.0))))
