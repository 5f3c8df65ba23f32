"""Sees to it that predictions come: of the current checkpoint first, then of the one beside it, then of all others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fer_tui.engine.messages import Predictions as Predicted

if TYPE_CHECKING:
    from .asking import Computes
    from .beside import Beside
    from .browser import Browser
    from .predictions import Predictions
    from .project import Project
    from .run import Run

_SOON = 256  # rows that the stream of predictions will reach soon enough
_CURSOR = range(0)  # nothing is in sight yet but the cursor's row


def rows_first(browser: Browser, sight: range) -> tuple[int, ...]:
    """The rows at the cursor and at these positions that are not predicted yet: from the cursor down, then above it.

    In a list that is narrowed or sorted they may lie anywhere in the dataset.
    """
    if not browser.count:
        return ()
    at, listed = browser.position, range(browser.count)
    below, above = range(max(at, sight.start), sight.stop), range(sight.start, min(at, sight.stop))
    rows = (browser.row_at(position) for position in (at, *below, *above) if position in listed)
    return tuple(row for row in dict.fromkeys(rows) if not browser.predictions.is_known(row))


class Predicting:
    """The part of the desk that knows at which checkpoint the user is. news: of the run, that nobody was told yet."""

    project: Project
    browser: Browser | None
    run: Run
    beside: Beside
    lost: str
    news: str
    _compute: Computes

    def __init__(self) -> None:
        self._predicting: int | None = None
        self._stream = 0  # the row after those that were predicted last
        self._first: frozenset[int] = frozenset()  # the rows that were to be predicted before all others

    def predict(self, sight: range = _CURSOR) -> None:
        """See to it that the rows in sight, then those around the cursor, then all others, are predicted.

        sight: positions in the list.
        """
        browser = self.browser
        if browser is None or self.project.classifier is None or self.lost:
            return
        row, first = browser.row or 0, rows_first(browser, sight)
        if self._predicting is not None:
            if all(each in self._first or 0 <= each - self._stream < _SOON for each in first):
                return
            self._compute.cancel(self._predicting)
        elif browser.predictions.complete and browser.predictions.scores_of(row) is not None:
            return
        self.run.give_way()
        self.beside.give_way()
        self._stream, self._first = row, frozenset(first)
        self._predicting = self._compute.predict(row, browser.checkpoint, first)

    def move_checkpoint(self, steps: int) -> bool:
        """To a neighbouring checkpoint; whether there are several."""
        browser, classifier = self.browser, self.project.classifier
        if browser is None or classifier is None or len(classifier.checkpoints) < 2:
            return False
        last = len(classifier.checkpoints) - 1
        self.go_to_checkpoint(min(max(browser.checkpoint + steps, 0), last))
        return True

    def go_to_checkpoint(self, checkpoint: int) -> None:
        """Be at the checkpoint of that number."""
        if self.browser is not None and checkpoint != self.browser.checkpoint:
            known, said = self.beside.move(self.browser, checkpoint)
            self.news = said or self.news
            self._see_run()  # of another network, maybe
            self._start_predictions(known)

    def beside_changed(self) -> None:
        """Another checkpoint is beside the current one, or none: see to it that its predictions come."""
        self.beside.see()
        self._go_on()

    def _start_predictions(self, known: Predictions | None = None) -> None:
        """Forget the predictions and begin again; known: those that are there already."""
        browser, dataset, classifier = self.browser, self.project.dataset, self.project.classifier
        if browser is None or dataset is None:
            return
        browser.renew(dataset.labels, classifier.classes if classifier is not None else dataset.classes)
        if self._predicting is not None:
            self._compute.cancel(self._predicting)
            self._predicting = None
        self.beside.see()
        if known is not None and (scores := known.all_scores) is not None:
            browser.predictions.add(0, scores)
            browser.update()
        self.predict()
        self._go_on()

    @property
    def has_run(self) -> bool:
        """Whether there are several checkpoints."""
        return len(self.run.names) > 1

    def gather(self) -> None:
        """See to it that the predictions under all checkpoints come, after those of the current one."""
        if self.browser is not None and self.browser.asks_of_the_pair:
            self.beside.gather()
        if self.browser is None or self.browser.asks_of_the_run or not self.browser.asks_of_the_pair:
            self.run.begin()
        self._go_on()

    def gather_under(self, checkpoints: Iterable[int]) -> None:
        """See to it that the predictions under these checkpoints come, too."""
        self.run.begin(checkpoints)
        self._go_on()

    def _go_on(self) -> None:
        row = self.browser.row or 0 if self.browser is not None else 0
        if self._predicting is None and not self.lost and not self.beside.go_on(row):
            self.run.go_on(row)

    def _predicted(self, message: Predicted) -> bool:
        """Take predictions; whether they are of what is open."""
        import numpy as np

        browser = self.browser
        if browser is None or message.checkpoint >= len(self.run.digests):
            return False
        scores = np.frombuffer(message.blob, "<f4").reshape(-1, len(browser.classes))
        self.run.add(message.checkpoint, message.start, scores)
        self.beside.add(message.checkpoint, message.start, scores)
        self._see_run()
        if message.checkpoint == browser.checkpoint:
            browser.predictions.add(message.start, scores)
            if message.start not in self._first:
                self._stream = message.start + len(scores)
        return True

    def _see_run(self) -> None:
        browser, classifier = self.browser, self.project.classifier
        if browser is not None and classifier is not None and self.has_run:
            own = classifier.series_of(browser.checkpoint)
            names, several = [self.run.names[n] for n in own], len(classifier.networks) > 1
            browser.see(self.run.course(browser.predictions.labels, own), names, several=several)
