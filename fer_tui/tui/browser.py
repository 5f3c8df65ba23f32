"""Where the user is: which rows are listed, at which of them they are, which class is explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from fer_tui.contract import Place

from . import narrowing
from .order import Order
from .predictions import Predictions
from .ranking import by_rank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.comparison import Comparison
    from fer_tui.engine.messages import ClassifierOpened
    from fer_tui.timeline import Course

    from .marks import Marks

Target = int | Literal["predicted", "true"]


class Browser:
    """The list of rows, narrowed, and a place in it. Knows nothing of screens and of the compute process.

    target: a class, or which of the two: the choice stays while the user moves through images.
    """

    def __init__(self, labels: NDArray[np.int64], classes: Sequence[str], marks: Marks | None = None) -> None:
        self.classes, self.marks = tuple(classes), marks
        self.predictions = Predictions(np.asarray(labels), len(self.classes))
        self.predictions.marks = marks
        self.pair: Callable[[], Comparison | None] | None = None  # how two checkpoints compare
        self.target: Target = "predicted"
        self.checkpoint = 0
        self.checkpoints: tuple[str, ...] = ()  # names of those of the current network, as far as they were told
        self.several = False  # networks are open
        self.layer: str | None = None  # None: the method's own choice
        self.filter: int | None = None  # None: all
        self.position = 0
        self.order = Order()
        self._ranks: NDArray[np.floating] | None = None  # of all rows, as they were when the list was last sorted
        self._settled = True  # the ranks are those of complete predictions
        self._narrowing: narrowing.Narrowing | None = None
        self._view: NDArray[np.int64] | None = None  # None: all rows
        self._row = 0  # kept where the view does not hold it for a while

    @property
    def has_marked(self) -> bool:
        """Whether images are marked."""
        return self.marks is not None and self.marks.count > 0

    # ---- the list ----------------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Rows listed."""
        return len(self.predictions) if self._view is None else len(self._view)

    @property
    def narrowing(self) -> str:
        """What the list is narrowed to, '' where it is not."""
        return self._narrowing.text if self._narrowing is not None else ""

    @property
    def row(self) -> int | None:
        """The dataset's row at the cursor, None where the list is empty."""
        return self.row_at(self.position) if self.count else None

    @property
    def listed(self) -> NDArray[np.int64]:
        """The rows that are listed, in their order."""
        return self.predictions.rows if self._view is None else self._view

    def row_at(self, position: int) -> int:
        return position if self._view is None else int(self._view[position])

    def narrow(self, text: str) -> None:
        """List only the rows that `text` describes; NarrowingError leaves everything as it is."""
        self._narrowing = narrowing.parse(text, self.classes, self.checkpoints, several=self.several)
        self._rank()
        self._list()

    def sort(self, order: Order) -> bool:
        """List in another order, or in the same by what is known now; whether that can be told of these images."""
        before, self.order = self.order, order
        if not self._rank():
            self.order = before
            return False
        self._list()
        return True

    def update(self) -> bool:
        """Look again which rows are listed, after predictions have come; whether the list hangs on them.

        A sorted list keeps its order while they come; it is sorted again when they all are there.
        """
        sorts = not self._settled and self.predictions.complete
        if sorts:
            self._rank()
        if not sorts and (self._narrowing is None or not self._narrowing.live):
            return False
        self._list()
        return True

    def _rank(self) -> bool:
        """See where in the order each row is by now; whether that can be told."""
        self._ranks, self._settled = None, True
        if self.order != Order():
            self._ranks = self.order.ranks(self.predictions, self.target)
            self._settled = self.order.by == "dataset" or self.predictions.complete
        return self._ranks is not None or self.order == Order()

    @property
    def asks_of_the_pair(self) -> bool:
        """Whether the list hangs on the predictions under the checkpoint beside the current one."""
        return self._narrowing is not None and self._narrowing.on_pair

    @property
    def asks_of_the_run(self) -> bool:
        """Whether the list hangs on the predictions under all checkpoints."""
        return self._narrowing is not None and self._narrowing.on_course

    def see(self, course: Course | None, checkpoints: Sequence[str], *, several: bool) -> None:
        """Take what is known of the current network's run. several: other networks are open, too."""
        self.predictions.course, self.checkpoints, self.several = course, tuple(checkpoints), several

    def renumber(self, before: Sequence[str], now: ClassifierOpened) -> None:
        """Stay at the same weights, by their digests, though the run may be numbered otherwise now; or begin."""
        known = before[self.checkpoint] if before else ""
        self.checkpoint = now.digests.index(known) if known in now.digests else now.default

    def renew(self, labels: NDArray[np.int64], classes: Sequence[str]) -> None:
        """Other labels, class names or weights for the same rows: predictions are forgotten, the place is kept."""
        self.classes, course = tuple(classes), self.predictions.course
        self.predictions = Predictions(np.asarray(labels), len(self.classes))
        self.predictions.marks, self.predictions.pair = self.marks, self.pair
        if course is not None and course.classes == self.classes:
            self.predictions.course = course
        if isinstance(self.target, int) and self.target >= len(self.classes):
            self.target = "predicted"
        if self._narrowing is not None:
            try:
                self._narrowing = narrowing.parse(
                    self._narrowing.text, self.classes, self.checkpoints, several=self.several
                )
            except narrowing.NarrowingError:  # its classes have other names now
                self._narrowing = None
        self._settled = self.order.by == "dataset"
        self._list()

    def _list(self) -> None:
        self._view = None if self._narrowing is None else self._narrowing.rows(self.predictions)
        if self._ranks is not None:
            self._view = by_rank(self.listed, self._ranks)
        self._seek(self._row)

    def _seek(self, row: int) -> None:
        """The position of `row`, or of the listed row that is nearest to it."""
        if self._view is None:
            self.position = min(max(row, 0), max(0, self.count - 1))
        elif len(self._view):
            self.position = int(np.abs(self._view - row).argmin())
        else:
            self.position = 0

    # ---- moving ------------------------------------------------------------------------------------------------------

    def move(self, steps: int) -> None:
        """Move by listed rows, not beyond the ends."""
        self.move_to(self.position + steps)

    def move_to(self, position: int) -> None:
        if self.count:
            self.position = min(max(position, 0), self.count - 1)
            self._row = self.row_at(self.position)

    def go(self, row: int) -> bool:
        """Go to a row of the dataset, or to the listed one that is nearest to it; whether it is that very row."""
        if self.count:
            self._seek(row)
            self._row = self.row_at(self.position)
        return self.row == row

    def next_mistake(self, steps: int) -> bool:
        """Go to the `steps`-th listed mistake after (or before, where negative) this place; whether there is one."""
        wrong = self.predictions.wrong
        listed = np.flatnonzero(wrong if self._view is None else wrong[self._view])
        if steps >= 0:
            found = listed[listed > self.position][:steps]
            last = found[-1] if len(found) else None
        else:
            found = listed[listed < self.position][steps:]
            last = found[0] if len(found) else None
        if last is not None:
            self.move_to(int(last))
        return last is not None or steps == 0

    # ---- the place ---------------------------------------------------------------------------------------------------

    @property
    def label(self) -> int:
        """The true class at the cursor, -1 where there is none."""
        return -1 if self.row is None else int(self.predictions.labels[self.row])

    @property
    def predicted(self) -> int:
        """The predicted class at the cursor, -1 while it is unknown."""
        return -1 if self.row is None else int(self.predictions.predicted[self.row])

    @property
    def target_class(self) -> int | None:
        """The class that is explained here; None: the predicted one, which is not known yet."""
        return self.target_of(self.row)

    def target_of(self, row: int | None) -> int | None:
        """The class that is explained at a row."""
        if isinstance(self.target, int) or row is None:
            return self.target if isinstance(self.target, int) else None
        label, predicted = int(self.predictions.labels[row]), int(self.predictions.predicted[row])
        if self.target == "true" and label >= 0:
            return label
        return predicted if predicted >= 0 else None

    @property
    def other_class(self) -> int | None:
        """What the explained class is set against: the true one, else the predicted one, else the next by its score."""
        target, others = self.target_class, [self.label, self.predicted]
        scores = self.predictions.scores_of(self.row) if self.row is not None else None
        if scores is not None:
            others += np.argsort(-scores, kind="stable").tolist()
        return next((each for each in others if each >= 0 and each != target), None)

    def swap_target(self) -> None:
        """From the predicted class to the true one and back; from any other class to the predicted one."""
        self.target = "true" if self.target == "predicted" else "predicted"

    def step_target(self, steps: int) -> None:
        """To a neighbouring class, round the list of classes."""
        self.target = ((self.target_class or 0) + steps) % len(self.classes)

    def place_of(self, row: int) -> Place:
        """This place, at another row."""
        return Place(row, self.target_of(row), self.layer, self.filter, self.checkpoint)

    @property
    def place(self) -> Place:
        return Place(self.row, self.target_class, self.layer, self.filter, self.checkpoint)
