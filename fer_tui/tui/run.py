"""The run that is open: predictions under all its checkpoints, and the asking for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.engine.messages import Message
from fer_tui.timeline import Course

from .asking import Computes
from .job import Job
from .predictions import probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .project import Project


_COURSES = 6  # that are kept: of the networks that are open, and of some of their checkpoints


class History:
    """What each checkpoint predicts for each row. Checkpoints are known by their digests, for a run may grow."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._predicted: dict[str, NDArray[np.int32]] = {}
        self._confidence: dict[str, NDArray[np.float16]] = {}
        self._known: dict[str, NDArray[np.bool_]] = {}
        self._courses: dict[object, Course] = {}  # the last few

    def add(self, digest: str, start: int, scores: NDArray[np.float32]) -> None:
        """Take raw scores (n, classes) of rows `start` on."""
        count = self._count
        if digest not in self._known:
            self._predicted[digest] = np.full(count, -1, np.int32)
            self._confidence[digest] = np.full(count, np.nan, np.float16)
            self._known[digest] = np.zeros(count, bool)
        rows = slice(start, start + len(scores))
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(scores).all(1))
        shares = probabilities(np.where(finite[:, None], scores, 0)).max(1)
        self._predicted[digest][rows] = np.where(finite, scores.argmax(1), -1)
        self._confidence[digest][rows] = np.where(finite, shares, np.nan)
        self._known[digest][rows] = True

    def is_complete(self, digest: str) -> bool:
        known = self._known.get(digest)
        return known is not None and bool(np.all(known))

    def prediction(self, digest: str, row: int) -> tuple[int, float] | None:
        """The predicted class of a row (-1 where scores are not finite) and its probability, where they are known."""
        known = self._known.get(digest)
        if known is None or not np.asarray(known)[row]:
            return None
        return int(self._predicted[digest][row]), float(self._confidence[digest][row])

    def course(
        self, names: Sequence[str], digests: Sequence[str], classes: Sequence[str], labels: NDArray[np.int64]
    ) -> Course | None:
        """The course over those checkpoints whose predictions are complete, in their order; None where none is."""
        complete = [n for n, digest in enumerate(digests) if self.is_complete(digest)]
        if not complete:
            return None
        what = tuple((names[n], digests[n]) for n in complete), tuple(classes)
        known = self._courses.pop(what, None)
        if known is None or known.labels is not labels:
            predicted = np.stack([self._predicted[digests[n]] for n in complete])
            known = Course(tuple(names[n] for n in complete), tuple(classes), labels, predicted)
        self._courses[what] = known
        while len(self._courses) > _COURSES:
            del self._courses[next(iter(self._courses))]
        return known


class Run:
    """The checkpoints that are open. Their predictions are asked for one checkpoint after the other, once wanted."""

    def __init__(self, compute: Computes, project: Project) -> None:
        self._compute, self._project = compute, project
        self._history = History(0)
        self._job = Job(compute)
        self._wanted: set[int] | None = set()  # the checkpoints whose predictions are wanted, None: all

    @property
    def names(self) -> tuple[str, ...]:
        return self._project.classifier.checkpoints if self._project.classifier is not None else ()

    @property
    def digests(self) -> tuple[str, ...]:
        return self._project.classifier.digests if self._project.classifier is not None else ()

    @property
    def is_working(self) -> bool:
        return self._job.is_working

    @property
    def fault(self) -> str:
        """Why no more predictions are asked for."""
        return self._job.fault

    @property
    def known(self) -> int:
        """How many checkpoints' predictions are all known."""
        return self.known_of(range(len(self.digests)))

    def known_of(self, checkpoints: Iterable[int]) -> int:
        """The same, of some checkpoints."""
        return sum(self._history.is_complete(self.digests[number]) for number in checkpoints)

    def course(self, labels: NDArray[np.int64], checkpoints: Sequence[int] | None = None) -> Course | None:
        """The course over the checkpoints, or some of them, as far as all predictions are known."""
        classifier = self._project.classifier
        if classifier is None:
            return None
        numbers = range(len(classifier.digests)) if checkpoints is None else checkpoints
        names, digests = [classifier.checkpoints[n] for n in numbers], [classifier.digests[n] for n in numbers]
        return self._history.course(names, digests, classifier.classes, labels)

    def prediction(self, checkpoint: int, row: int) -> tuple[int, float] | None:
        """The predicted class of a row under a checkpoint and its probability, where they are known."""
        return self._history.prediction(self.digests[checkpoint], row)

    def open(self, rows: int) -> None:
        """Begin anew, for a dataset of so many rows."""
        self._history = History(rows)

    def add(self, checkpoint: int, start: int, scores: NDArray[np.float32]) -> None:
        """Take raw scores (n, classes) of rows `start` on."""
        if len(self.digests) > 1:
            self._history.add(self.digests[checkpoint], start, scores)

    # ---- asking ------------------------------------------------------------------------------------------------------

    def begin(self, checkpoints: Iterable[int] | None = None) -> None:
        """Want the predictions under these checkpoints from now on, None: under all."""
        self._job.fault = ""
        self._wanted = None if checkpoints is None or self._wanted is None else self._wanted | set(checkpoints)

    def stop(self) -> bool:
        """Want none any more; whether there was work."""
        self._wanted = set()
        return self.give_way()

    def give_way(self) -> bool:
        """Let something else go first; `go_on` asks again."""
        return self._job.stop()

    def go_on(self, row: int) -> None:
        """Ask for a checkpoint that is not complete, the last one first, from `row` on; unless one is asked for."""
        if self.is_working or self.fault or len(self.digests) < 2:
            return
        wanted = range(len(self.digests)) if self._wanted is None else sorted(self._wanted)
        missing = [n for n in wanted if not self._history.is_complete(self.digests[n])]
        if missing:
            first = missing[-1] if missing[-1] == len(self.digests) - 1 else missing[0]
            self._job.begin(self._compute.predict(row, first))

    def take(self, message: Message) -> bool:
        """Take the end of a job; whether it was ours."""
        return self._job.take(message)
