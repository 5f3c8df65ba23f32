"""Classes: what the network takes for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from rich.text import Text
from textual.app import ComposeResult

from fer_tui.contract import Axis, Matrix, Place, Table, plain
from fer_tui.naming import file_name
from fer_tui.regions.table import FocusTable, RegionFocus
from fer_tui.tui.asking import Asking, Request
from fer_tui.tui.desk import Change
from fer_tui.tui.exporting import put
from fer_tui.tui.keys import Command
from fer_tui.tui.narrowing import classes_term
from fer_tui.tui.tables import counts
from fer_tui.tui.widgets.cell_table import CellTable
from fer_tui.tui.widgets.change_table import ChangeTable
from fer_tui.tui.widgets.confusion_table import ConfusionTable
from fer_tui.tui.widgets.lines import Lines
from fer_tui.tui.widgets.picture_pane import wrapped

from .changing import Changing
from .contrast import CellContrast
from .exports import Offer
from .popups import Choice
from .tabling import Tabling

_WORDS = 3  # lines below the table
_FOCUS = 4  # more of them where the focus is shown
_OF_CELL = 50  # images of a cell whose contrast is averaged, where no count is given
_PER_CLASS = 20  # images of each class, where no count is given


class ClassesScreen(Tabling, Changing):
    """The confusion matrix, or what another network changes; Enter opens a cell's images in Explore."""

    LETTER = "c"

    def compose_body(self) -> ComposeResult:
        yield Lines(id="table-title")
        yield ConfusionTable(id="table")
        yield ChangeTable(id="changes")
        yield Lines(id="table-words")

    @property
    def confusion(self) -> ConfusionTable:
        return self.query_one(ConfusionTable)

    @property
    def table(self) -> CellTable:
        """The one that is shown."""
        return self.change_table if self.pair_shown else self.confusion

    @property
    def asking(self) -> Asking:
        return self.desk.matrix

    def aim(self) -> None:
        self.desk.aim_matrix()

    def on_screen_resume(self) -> None:
        self.aim()
        super().on_screen_resume()

    def offers(self) -> Iterator[Offer]:
        yield from self.offers_of_changes()
        matrix = self.desk.matrix.answered.explanation
        if isinstance(matrix, Matrix):
            yield "the confusion matrix as a picture", lambda: self._ask_picture(matrix)
            told = "the counts are written"
            yield (
                "its counts as a table",
                lambda: self.ask_file(self.home / "confusion.csv", lambda path: put(path, counts(matrix)), told),
            )
            for name, table in matrix.tables.items():
                yield f"its table of {plain(name)}", partial(self._ask_its_table, name, table, matrix)
        yield from super().offers()

    def _ask_its_table(self, name: str, table: Table, matrix: Matrix) -> None:
        from fer_tui.picture import as_csv

        text = as_csv(table, matrix.classes)
        self.ask_file(self.home / f"{file_name(name)}.csv", lambda path: put(path, text), "the table is written")

    def _ask_picture(self, matrix: Matrix) -> None:
        from fer_tui.picture import save

        colours = self.desk.look.colours_of(matrix)
        self.ask_file(self.home / "confusion.png", lambda path: save(matrix, path, colours=colours))

    def on_screen_suspend(self) -> None:
        if not self.is_current:  # else a popup is over it
            self.desk.matrix.stop()
            self.desk.focus.stop()

    def draw(self, change: Change) -> None:
        super().draw(change)
        if Change.PREDICTIONS in change and self.is_current:
            self.draw_changes_soon()
        if change & (Change.OPENED | Change.MATRIX):
            if Change.OPENED in change and self.is_current:
                self.aim()
            self.draw_tables()
            if isinstance(self.app.screen, CellContrast):
                self.app.screen.draw()

    def draw_tables(self) -> None:
        if self.pair_shown and self.desk.beside.partner is not None:
            self.draw_changes()
            self._tell(self.changes_title(), list(self.changes_words()), _WORDS)
        else:
            self._draw_confusion()

    def _tell(self, title: Text, words: list[Text], lines: int) -> None:
        self.query_one("#table-title", Lines).show([title])
        self.query_one("#table-words", Lines).show(words[:lines])

    def _draw_confusion(self) -> None:
        answered, inks = self.desk.matrix.answered, self.inks
        what = "share of each true class" if self.confusion.rates else "counts"
        title = Text.assemble(("true class ↓  predicted →", inks.muted), ("   ", ""), (what, inks.muted))
        matrix = self.desk.choice.matrix
        if matrix is not None and len(self.desk.project.methods_for(dataset=True)) > 1:
            title.append(f"   {plain(matrix.title)}", inks.strong)
        if self.desk.beside.partner is not None:
            title.append("   b: fixed and broken", inks.muted)
        if isinstance(answered.explanation, Matrix):
            self.confusion.show(answered.explanation, self.desk.look.unsigned, self._inside(answered.explanation))
        self.set_class(self._focus is not None, "-focus")
        told = list(self._words())
        told[1:1] = self._focus_words()
        self._tell(title, told, _WORDS + (_FOCUS if self._focus is not None else 0))

    @property
    def _focus(self) -> FocusTable | None:
        """The focus of the current method, as far as it is measured."""
        return self.desk.focus.table_for(self.desk.focus_request(_PER_CLASS))

    def _inside(self, matrix: Matrix) -> list[str]:
        """The share inside the face by class, none where it was not measured."""
        table = self._focus
        if table is None or len(table.classes) != len(matrix.classes):
            return []
        return [f"{each.every.inside.absolute.value:.0%}" if each.every is not None else "–" for each in table.classes]

    def _focus_words(self) -> Iterable[Text]:
        """The class at the cursor, and what the table says of recall and focus."""
        table, method, inks, width = self._focus, self.desk.choice.method, self.inks, self.size.width - 2
        if table is None or method is None:
            return
        row = self.confusion.cursor[0]
        if row < len(table.classes) and (every := table.classes[row].every) is not None:
            parts = [f"{region.name} {region.absolute.value:.0%}{_lift(region)}" for region in every.regions]
            head = f"{plain(table.classes[row].name)}, inside the face {every.inside.absolute.told()} %"
            text = f"{head} of {every.images} images: {' · '.join(parts)}"
            yield from wrapped(text, width, 2, inks.plain)
        for line in table.words():
            if "over" in line and "recall" in line:
                yield from wrapped(f"{plain(method.title)}: {plain(line)}", width, 2, inks.accent)

    def facts(self) -> Iterable[Text]:
        focus = self.desk.focus
        left = self.desk.pace.left("focus", focus.progress if focus.is_working else None)
        if focus.is_working:
            yield Text(f"measuring the focus {focus.progress:.0%}{left} …  Esc stops", self.inks.accent)
        elif focus.fault:
            yield Text(f"focus: {plain(focus.fault)}", self.inks.fault)
        elif not self.pair_shown:
            yield from super().facts()

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
        row, column = self.confusion.cursor
        count, total = int(matrix.counts[row, column]), int(matrix.counts[row].sum())
        true, other = plain(matrix.classes[row]), plain(matrix.classes[column])
        share = f" ({count / total:.1%})" if total else ""
        verb = "predicted rightly" if row == column else f"taken for {other}"
        return Text.assemble((f"{count} of {total} {true} {verb}{share}", self.inks.strong))

    # ---- keys --------------------------------------------------------------------------------------------------------

    def _move(self, down: int, right: int) -> None:
        self.table.move(down, right)
        self.draw_tables()

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
        self.draw_tables()

    def do_last(self, command: Command) -> None:
        last = len(self.table.rows) - 1
        self.table.move_to(command.count if command.count is not None else last, self.table.cursor[1])
        self.draw_tables()

    def do_rates(self, command: Command) -> None:
        self.table.toggle_rates()
        self.draw_tables()

    def do_open(self, command: Command) -> None:
        self.open_cell()

    def on_cell_table_opened(self) -> None:
        self.open_cell()

    def open_cell(self) -> None:
        """List the images of the cell at the cursor in Explore."""
        if self.pair_shown:
            self.open_changes()
            return
        matrix = self.desk.matrix.answered.explanation
        if not isinstance(matrix, Matrix):
            self.say("there is no matrix yet")
            return
        row, column = self.confusion.cursor
        if not matrix.counts[row, column]:
            self.say("no image is in this cell")
            return
        true, other = (classes_term(f, matrix.classes, n) for f, n in (("true", row), ("pred", column)))
        self.go("explore", f"{true} {other} hardest")

    def go_to_place(self, place: Place) -> None:
        """The images of the class that a row of a table names."""
        browser = self.desk.browser
        if browser is not None and place.target is not None and place.target < len(browser.classes):
            self.go("explore", classes_term("true", browser.classes, place.target))

    def do_pick_method(self, command: Command) -> None:
        """Choose among the explainers of the whole dataset."""
        known, now = self.desk.project.methods_for(dataset=True), self.desk.choice.matrix

        def chosen(number: int | None) -> None:
            if number is not None:
                self.desk.choice.choose_matrix(number)
                self.aim()
                self.draw(Change.MATRIX)

        if now is not None:
            titles = [each.title for each in known]
            self.app.push_screen(Choice("method", titles, known.index(now)), chosen)

    def do_difference(self, command: Command) -> None:
        matrix, method, browser = self.desk.matrix.answered.explanation, self.desk.choice.method, self.desk.browser
        row, column = self.confusion.cursor
        if self.pair_shown:
            self.say("differences are those of the confusion: b leads back to it")
        elif not isinstance(matrix, Matrix) or browser is None or method is None:
            self.say("there is no matrix yet")
        elif row == column or not matrix.counts[row, column]:
            self.say("no image is in this cell" if row != column else "these are right: go to a cell of mistakes")
        else:
            parameters = self.desk.choice.parameters(method)
            place = Place(target=column, layer=browser.layer, checkpoint=browser.checkpoint)
            place = place.on(method.axes_for(parameters) - {Axis.IMAGE})
            count = command.count if command.count is not None else _OF_CELL
            regions = self.desk.project.regions
            request = Request(method.name, parameters, place, against=row, cell=count, regions=regions)
            self.desk.contrast.want(request, again=True)
            true, other = plain(matrix.classes[row]), plain(matrix.classes[column])
            title = f"{plain(method.title)}: {other} − {true}, where {true} is taken for {other}"
            self.app.push_screen(CellContrast(self.desk, title), self._contrasted)

    def _contrasted(self, opened: bool | None) -> None:
        """The popup is closed; where its images are wanted, they are shown with their own differences."""
        if opened:
            self.desk.choice.contrast = True
            self.open_cell()

    def do_focus(self, command: Command) -> None:
        wanted = self.desk.focus_request(max(1, command.count if command.count is not None else _PER_CLASS))
        if wanted is None:
            method = self.desk.choice.method
            if method is None or method.kind != "heatmap":
                self.say("the method makes no heat maps: choose another one in Explore")
            else:
                self.say("no regions are known of these pictures: fer-tui focus --regions takes masks")
            return
        self.desk.focus.want(wanted)
        if self.pair_shown:  # the focus stands beside the confusion
            self.show_pair(False)
        self.draw(Change.MATRIX)

    def do_cancel(self, command: Command) -> None:
        if self.desk.focus.stop() or self.desk.matrix.stop() or self.desk.beside.stop():
            self.draw(Change.MATRIX)
        else:
            self.go("explore")


def _lift(region: RegionFocus) -> str:
    return f" ×{region.lift.value:.1f}" if region.lift is not None else ""
