"""Classes: what the network takes for what."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from textual.app import ComposeResult

from fer_tui.contract import Matrix, plain
from fer_tui.tui.asking import Asking
from fer_tui.tui.desk import Change
from fer_tui.tui.keys import Command
from fer_tui.tui.narrowing import classes_term
from fer_tui.tui.widgets.confusion_table import ConfusionTable
from fer_tui.tui.widgets.lines import Lines
from fer_tui.tui.widgets.picture_pane import wrapped

from .base import DeskScreen

_WORDS = 3  # lines below the table


class ClassesScreen(DeskScreen):
    """The confusion matrix; Enter opens a cell's images in Explore."""

    LETTER = "c"

    def compose_body(self) -> ComposeResult:
        yield Lines(id="table-title")
        yield ConfusionTable(id="table")
        yield Lines(id="table-words")

    @property
    def table(self) -> ConfusionTable:
        return self.query_one(ConfusionTable)

    @property
    def asking(self) -> Asking:
        return self.desk.matrix

    def aim(self) -> None:
        self.desk.aim_matrix()

    def on_screen_resume(self) -> None:
        self.aim()
        super().on_screen_resume()

    def on_screen_suspend(self) -> None:
        if not self.is_current:  # else a popup is over it
            self.desk.matrix.stop()

    def draw(self, change: Change) -> None:
        super().draw(change)
        if change & (Change.OPENED | Change.MATRIX):
            if Change.OPENED in change and self.is_current:
                self.aim()
            self._draw_table()

    def _draw_table(self) -> None:
        answered, inks = self.desk.matrix.answered, self.inks
        what = "share of each true class" if self.table.rates else "counts"
        title = Text.assemble(("true class ↓  predicted →", inks.muted), ("   ", ""), (what, inks.muted))
        self.query_one("#table-title", Lines).show([title])
        if isinstance(answered.explanation, Matrix):
            self.table.show(answered.explanation, self.desk.look.unsigned)
        self.query_one("#table-words", Lines).show(list(self._words())[:_WORDS])

    def _words(self) -> Iterable[Text]:
        answered, inks, width = self.desk.matrix.answered, self.inks, self.size.width - 2
        if answered.fault:
            yield from wrapped(f"{plain(answered.fault)}  (! shows all of it)", width, _WORDS, inks.fault)
        elif isinstance(answered.explanation, Matrix):
            from fer_tui.picture import words

            yield self._cell(answered.explanation)
            for note in answered.explanation.notes:
                yield from wrapped(plain(note), width, 1, inks.accent)
            yield from wrapped(words(answered.explanation), width, 2, inks.muted)
        elif not self.desk.project.methods_for(dataset=True):
            yield Text("no explainer of the whole dataset is installed", inks.muted)

    def _cell(self, matrix: Matrix) -> Text:
        """The cell at the cursor in words."""
        row, column = self.table.cursor
        count, total = int(matrix.counts[row, column]), int(matrix.counts[row].sum())
        true, other = plain(matrix.classes[row]), plain(matrix.classes[column])
        share = f" ({count / total:.1%})" if total else ""
        verb = "predicted rightly" if row == column else f"taken for {other}"
        return Text.assemble((f"{count} of {total} {true} {verb}{share}", self.inks.strong))

    # ---- keys --------------------------------------------------------------------------------------------------------

    def _move(self, down: int, right: int) -> None:
        self.table.move(down, right)
        self._draw_table()

    def do_down(self, command: Command) -> None:
        self._move(command.times, 0)

    def do_up(self, command: Command) -> None:
        self._move(-command.times, 0)

    def do_left(self, command: Command) -> None:
        self._move(0, -command.times)

    def do_right(self, command: Command) -> None:
        self._move(0, command.times)

    def do_page_down(self, command: Command) -> None:
        self._move(10 * command.times, 0)

    def do_page_up(self, command: Command) -> None:
        self._move(-10 * command.times, 0)

    def do_first(self, command: Command) -> None:
        self.table.move_to(command.count or 0, 0)
        self._draw_table()

    def do_last(self, command: Command) -> None:
        last = len(self.desk.browser.classes) - 1 if self.desk.browser is not None else 0
        self.table.move_to(command.count if command.count is not None else last, self.table.cursor[1])
        self._draw_table()

    def do_rates(self, command: Command) -> None:
        self.table.toggle_rates()
        self._draw_table()

    def do_open(self, command: Command) -> None:
        self.open_cell()

    def on_confusion_table_opened(self) -> None:
        self.open_cell()

    def open_cell(self) -> None:
        """List the images of the cell at the cursor in Explore."""
        matrix = self.desk.matrix.answered.explanation
        if not isinstance(matrix, Matrix):
            self.say("there is no matrix yet")
            return
        row, column = self.table.cursor
        if not matrix.counts[row, column]:
            self.say("no image is in this cell")
            return
        true, other = (classes_term(f, matrix.classes, n) for f, n in (("true", row), ("pred", column)))
        self.go("explore", f"{true} {other} hardest")

    def do_explore(self, command: Command) -> None:
        self.go("explore")

    do_quit = do_explore

    def do_timeline(self, command: Command) -> None:
        self.go("timeline")

    def do_cancel(self, command: Command) -> None:
        if self.desk.matrix.stop():
            self.draw(Change.MATRIX)
        else:
            self.go("explore")
