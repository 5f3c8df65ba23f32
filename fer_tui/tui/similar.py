"""The most similar images to one, asked for by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.engine.messages import Message, Neighbour, Similar

from .asking import Computes
from .job import Job

if TYPE_CHECKING:
    from fer_tui.dataset import MappedDataset

    from .project import Project

COUNT = 8


class SimilarImages(Job):
    """One search at a time. found: None while the features are made; dataset: the split that they are of.

    progress: the share of the features that is there; those that are made stay.
    """

    def __init__(self, compute: Computes, project: Project) -> None:
        super().__init__(compute)
        self._project = project
        self.row = 0
        self.found: tuple[Neighbour, ...] | None = None
        self.dataset: MappedDataset | None = None
        self.progress = 0.0

    def want(self, row: int, checkpoint: int) -> None:
        """Search for those of a row of the open split."""
        self.stop()
        self.row, self.found, self.progress = row, None, 0.0
        self.begin(self._compute.similar(row, COUNT, checkpoint))

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about this search."""
        if not isinstance(message, Similar) or not self.has(message.job):
            return super().take(message)
        self.progress, self.found = message.progress, message.found
        here = self._project.dataset
        if here is not None and self.found is not None:
            same = message.split == here.split and message.limit == here.limit
            self.dataset = here if same else here.narrowed(message.split, message.limit)
        return True
