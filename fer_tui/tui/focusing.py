"""The focus by class that Classes shows: asked for by a key, filled as it comes, cancelled like all else."""

from __future__ import annotations

from dataclasses import dataclass

from fer_tui.engine.messages import Done, Failed, Focused, Message
from fer_tui.regions.table import FocusTable

from .asking import Computes, Request


@dataclass(frozen=True, slots=True)
class FocusRequest:
    """What is measured: a method at a layer and checkpoint, in which regions, over how many images of each class."""

    request: Request
    regions: str
    per_class: int


class Focusing:
    """One table at a time. progress: 1 when it is whole; fault: why there is none."""

    def __init__(self, compute: Computes) -> None:
        self._compute = compute
        self._job: int | None = None
        self.wanted: FocusRequest | None = None
        self.table: FocusTable | None = None
        self.progress = 0.0
        self.fault = ""

    @property
    def is_working(self) -> bool:
        return self._job is not None

    def want(self, wanted: FocusRequest | None) -> None:
        """Measure this from now on; what was made for the same is taken from the store by whoever computes."""
        self.stop()
        self.wanted, self.table, self.progress, self.fault = wanted, None, 0.0, ""
        if wanted is not None:
            asked = wanted.request
            self._job = self._compute.focus(
                asked.method, asked.parameters, asked.place, regions=wanted.regions, per_class=wanted.per_class
            )

    def table_for(self, wanted: FocusRequest | None) -> FocusTable | None:
        """The table, if it is of this method, place and regions."""
        now = self.wanted
        if now is None or wanted is None or (now.request, now.regions) != (wanted.request, wanted.regions):
            return None
        return self.table

    def stop(self) -> bool:
        """Cancel the work, keep what there is; whether there was work."""
        job, self._job = self._job, None
        if job is None:
            return False
        self._compute.cancel(job)
        return True

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this table."""
        match message:
            case Focused() if message.job == self._job:
                self.table, self.progress = message.table or self.table, message.progress
            case Done() if message.job == self._job:
                self._job = None
            case Failed() if message.job == self._job:
                self._job, self.fault = None, message.fault
            case _:
                return False
        return True
