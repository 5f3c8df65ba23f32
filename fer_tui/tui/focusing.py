"""The focus by class that Classes shows: asked for by a key, filled as it comes, cancelled like all else."""

from __future__ import annotations

from dataclasses import dataclass

from fer_tui.engine.messages import Focused, Message
from fer_tui.regions.table import FocusTable

from .asking import Computes, Request
from .job import Job


@dataclass(frozen=True, slots=True)
class FocusRequest:
    """What is measured: a method at a layer and checkpoint, in which regions, over how many images of each class."""

    request: Request
    regions: str
    per_class: int


class Focusing(Job):
    """One table at a time. progress: 1 when it is whole; fault: why there is none."""

    def __init__(self, compute: Computes) -> None:
        super().__init__(compute)
        self.wanted: FocusRequest | None = None
        self.table: FocusTable | None = None
        self.progress = 0.0

    def want(self, wanted: FocusRequest | None) -> None:
        """Measure this from now on; what was made for the same is taken from the store by whoever computes."""
        self.stop()
        self.wanted, self.table, self.progress, self.fault = wanted, None, 0.0, ""
        if wanted is not None:
            asked = wanted.request
            self.begin(
                self._compute.focus(
                    asked.method, asked.parameters, asked.place, regions=wanted.regions, per_class=wanted.per_class
                )
            )

    def table_for(self, wanted: FocusRequest | None) -> FocusTable | None:
        """The table, if it is of this method, place and regions."""
        now = self.wanted
        if now is None or wanted is None or (now.request, now.regions) != (wanted.request, wanted.regions):
            return None
        return self.table

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this table."""
        if not isinstance(message, Focused) or not self.has(message.job):
            return super().take(message)
        self.table, self.progress = message.table or self.table, message.progress
        return True
