"""How far a batch is."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Literal

Stage = Literal["predictions", "images", "maps"]
_WINDOW = 30.0  # seconds over which the rate is taken


@dataclass(frozen=True, slots=True)
class State:
    """total: places in all (of predictions: rows); missing: still; made: by this run. rate: made in a second, left:
    seconds until all are, None while they are not known. bytes: of what was made. aside: places that could not be made.
    """

    stage: Stage
    total: int
    missing: int
    made: int = 0
    rate: float | None = None
    left: float | None = None
    bytes: int = 0
    aside: int = 0
    done: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data."""
        return asdict(self)


class Meter:
    """The rate of late: of what was made in the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def rate(self, made: int) -> float | None:
        """Made in a second, now that so many are made in all; None while it is not known."""
        now = time.monotonic()
        if made != self._seen[-1][1]:
            self._seen.append((now, made))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        since, before = self._seen[0]
        return (made - before) / (now - since) if made > before else None

    def state(self, stage: Stage, total: int, missing: int, made: int) -> State:
        """The same, with the time that is left."""
        rate = self.rate(made)
        return State(stage, total, missing, made, rate, missing / rate if rate else None)
