"""How fast a terminal drains what it is sent: each larger write ends in a query that it answers when all is drawn."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

_WORTH_ASKING = 1024  # bytes since the last query
_WORTH_MEASURING = 4096  # bytes: the time that less takes is mostly chance
_LEAST_TIME = 0.001  # seconds: what is drawn in less is not measured more finely
_IDLE = 0.005  # seconds: what was drawn sooner had not to wait
_DELAY = 0.06  # seconds of sending that may be on their way
_LEAST, _FIRST, _MOST = 4 << 10, 32 << 10, 512 << 10  # bytes on their way: least, while nothing is known, most
_LOST = 4.0  # seconds after which an answer does not come any more
_SURE, _LATE = 3, 8  # measurements: without so many there is no rate; older ones do not count


class _Sent(NamedTuple):
    """So many bytes, when they were written, and how many had been drained by then, since when."""

    size: int
    at: float
    drained: int
    since: float


@dataclass(slots=True)
class Link:
    """answers: whether the terminal answers at all; while it does not, nothing is measured.

    round_trip: the shortest so far, in seconds.
    """

    answers: bool = False
    round_trip: float | None = None
    _unasked: int = 0
    _sent: deque[_Sent] = field(default_factory=deque)
    _drained: int = 0  # bytes, ever
    _begun: float = 0.0  # when the first answer came after a pause
    _since: float = 0.0  # when that many were: at the last answer
    _rates: deque[float] = field(default_factory=lambda: deque(maxlen=_LATE))

    def stamped(self, data: str, query: str, now: float) -> str:
        """`data` as it shall be written: with a query behind it where it is worth asking, and one to begin with."""
        self._unasked += len(data)
        if not self.answers or self._unasked < _WORTH_ASKING:
            return data
        before = "" if self._sent else query  # its answer takes nothing but the round trip
        if before:
            self._sent.append(_Sent(0, now, self._drained, now))
        self._sent.append(_Sent(self._unasked, now, self._drained, self._since))
        self._unasked = 0
        return before + data + query

    def drained(self, now: float) -> None:
        """An answer came."""
        if not self._sent:
            return
        sent = self._sent.popleft()
        if not sent.size:
            self.round_trip = min(now - sent.at, self.round_trip or now - sent.at)
            self._begun = now
        else:
            self._drained += sent.size
            self._measure(sent, now)
        self._since = now

    def _measure(self, sent: _Sent, now: float) -> None:
        """What was drained since the last answer that was there when this was sent, however answers bunch."""
        size = self._drained - sent.drained
        rate = size / max(now - max(sent.since, self._begun), _LEAST_TIME)
        waited = now - sent.at - (self.round_trip or 0.0)
        if size >= _WORTH_MEASURING and (waited > _IDLE or 2 * rate > max(self._rates, default=0.0)):
            self._rates.append(rate)  # else it says how fast the app writes, not how fast the terminal drains

    @property
    def rate(self) -> float | None:
        """Bytes a second, None while unknown: the median of late, for a terminal that was busy once is not slow."""
        return median(self._rates) if len(self._rates) >= _SURE else None

    @property
    def on_its_way(self) -> int:
        """Bytes that the terminal may not have drawn yet."""
        return sum(sent.size for sent in self._sent)

    def is_full(self, now: float) -> bool:
        """Whether more had better wait."""
        if self._sent and now - self._sent[0].at > _LOST:
            self._sent.clear()
            self.answers = False  # it did once, but does not now: better no measure than a frozen screen
        return self.on_its_way > self._window

    @property
    def _window(self) -> float:
        if not self._rates:
            return _FIRST
        return min(_MOST, max(_LEAST, median(self._rates) * (_DELAY + (self.round_trip or 0.0))))
