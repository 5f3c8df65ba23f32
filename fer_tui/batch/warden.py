"""Beside the explainers of a batch, which nobody watches: their time is kept by the process that they run in."""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import time
from collections.abc import Iterator

from fer_tui.oversight import Origin, Witness, grace, limits

_OFTEN = 0.2  # seconds between two settings of the alarm that ends this process


class Warden(Witness):
    """Keeps the time of explainers: one that gives nothing for too long is broken off, and so is its place; one that
    does not let itself be broken off, or is not on the main thread, is ended with this process.
    """

    def __init__(self) -> None:
        self._null = os.open(os.devnull, os.O_WRONLY)
        super().__init__(self._null, limits())
        self._armed = -math.inf

    @contextlib.contextmanager
    def at_work(self, origin: Origin, doing: str) -> Iterator[None]:
        limit, now = self._limits.get(doing, 0.0), time.monotonic()
        if limit and now - self._armed > _OFTEN:
            faulthandler.dump_traceback_later(limit + grace(limit), exit=True, file=self._null)
            self._armed = now
        with super().at_work(origin, doing):
            yield

    def rest(self) -> None:
        """No explainer is at work."""
        faulthandler.cancel_dump_traceback_later()
        self._armed = -math.inf
