"""How long work still takes, from the rate at which it went on so far."""

from __future__ import annotations

import time
from collections.abc import Callable

from fer_tui.amounts import duration

_FIRST = 1.0  # seconds before anything is told


class Pace:
    """Kinds of work by name. A share that is less than the one before begins anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: dict[str, tuple[float, float, float]] = {}  # when, the share at that time, the last share

    def left(self, name: str, share: float | None) -> str:
        """What is left after `share` (0 to 1) of the work is done: ` 12 s left`, '' where that cannot be told yet."""
        if share is None:
            self._begun.pop(name, None)
            return ""
        now = self._clock()
        began, first, last = self._begun.get(name, (now, share, share))
        if share < last:
            began, first = now, share
        self._begun[name] = began, first, share
        if share <= first or now - began < _FIRST:
            return ""
        return f" {duration((1 - share) * (now - began) / (share - first))} left"
