"""The most similar images to one, asked for by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.engine.messages import Done, Failed, Message, Neighbour, Similar

from .asking import Computes

if TYPE_CHECKING:
    from fer_tui.dataset import MappedDataset

    from .project import Project

COUNT = 8


class SimilarImages:
    """One search at a time. found: None while the features are made; dataset: the split that they are of.

    progress: the share of the features that is there. fault: why nothing was found.
    """

    def __init__(self, compute: Computes, project: Project) -> None:
        self._compute, self._project = compute, project
        self._job: int | None = None
        self.row = 0
        self.found: tuple[Neighbour, ...] | None = None
        self.dataset: MappedDataset | None = None
        self.progress, self.fault = 0.0, ""

    @property
    def is_working(self) -> bool:
        return self._job is not None

    def want(self, row: int, checkpoint: int) -> None:
        """Search for those of a row of the open split."""
        self.stop()
        self.row, self.found, self.progress, self.fault = row, None, 0.0, ""
        self._job = self._compute.similar(row, COUNT, checkpoint)

    def stop(self) -> bool:
        """Cancel the work; the features that are made stay. Whether there was work."""
        job, self._job = self._job, None
        if job is None:
            return False
        self._compute.cancel(job)
        return True

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this search."""
        match message:
            case Similar() if message.job == self._job:
                self.progress, self.found = message.progress, message.found
                here = self._project.dataset
                if here is not None and self.found is not None:
                    same = message.split == here.split and message.limit == here.limit
                    self.dataset = here if same else here.narrowed(message.split, message.limit)
            case Done() if message.job == self._job:
                self._job = None
            case Failed() if message.job == self._job:
                self._job, self.fault = None, message.fault
            case _:
                return False
        return True
