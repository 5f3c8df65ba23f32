"""How often to show what there is so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_EVERY = 0.05  # seconds between two results at least
_SHARE = 4  # the work gets this many times the time that showing takes


class Pace:
    """Says when the next result is due: soon, but so that showing takes a fifth of the time at most."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _EVERY

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._next

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Inside, a result is made and handed over; what its receiver does with it counts too."""
        began = time.monotonic()
        yield
        now = time.monotonic()
        self._next = now + max(_EVERY, _SHARE * (now - began))
