"""What the checkpoint beside the current one fixes and breaks, by true class: in place of the confusion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text
from textual.timer import Timer

from fer_tui.contract import plain
from fer_tui.tui.changes import Changes, changes_of
from fer_tui.tui.exporting import put
from fer_tui.tui.tables import changes as changes_in_lines
from fer_tui.tui.widgets.change_table import ChangeTable
from fer_tui.tui.widgets.picture_pane import wrapped

from .exports import Exporting, Offer
from .pairing import Pairing

_EVERY = 0.2  # seconds between two looks at new predictions


class Changing(Pairing, Exporting):
    """A screen with a table of changes."""

    _wait: Timer | None = None
    _with_pair = False

    @property
    def change_table(self) -> ChangeTable:
        return self.query_one(ChangeTable)

    @property
    def pair_shown(self) -> bool:
        return self._with_pair

    def show_pair(self, shown: bool) -> None:
        self._with_pair = shown
        self.set_class(shown, "-changes")
        if shown:
            self.desk.beside.gather()
        self.desk.beside_changed()
        self.draw_tables()
        self.draw_top()
        self.draw_status()

    def draw_tables(self) -> None:
        """Draw what is shown of the classes."""
        raise NotImplementedError

    def draw_changes_soon(self) -> None:
        """New predictions have come."""
        if self._with_pair and self._wait is None:
            self._wait = self.set_timer(_EVERY, self._draw_now)

    def _draw_now(self) -> None:
        self._wait = None
        if not self.is_left and self.is_attached:
            self.draw_tables()
            self.draw_status()

    def draw_changes(self) -> None:
        """Count again."""
        browser, beside = self.desk.browser, self.desk.beside
        pair, order = beside.pair(), beside.order
        known = None
        if browser is not None and pair is not None and order is not None and pair.counted.any():
            first, second = map(beside.name_of, order)
            known = changes_of(pair, (first, second), browser.classes)
        self.change_table.show(known, self.desk.look.unsigned)

    def changes_title(self) -> Text:
        """What rows and cells are."""
        changes, inks = self.change_table.changes, self.inks
        names = f"{changes.first} → {changes.second}" if changes is not None else self.desk.beside.name
        what = "shares of each true class" if self.change_table.rates else "counts"
        return Text.assemble(("true class ↓", inks.muted), "   ", (names, inks.strong), "   ", (what, inks.muted))

    def changes_words(self) -> Iterable[Text]:
        """The cell at the cursor, and the test of all."""
        changes, inks, width = self.change_table.changes, self.inks, self.size.width - 2
        if changes is None:
            beside = self.desk.beside
            is_coming = beside.predictions is None or not beside.predictions.complete
            yield Text("predicting …" if is_coming else "no image has a true class", inks.muted)
            return
        yield from wrapped(plain(changes.told(*self.change_table.cursor)), width, 2, inks.strong)
        fixed, broken = changes.counts[-1, :2].tolist()
        told = f"McNemar's exact test: p = {changes.p_value:.3g} ({fixed} fixed against {broken} broken)"
        if changes.images < changes.total:
            told += f"; {changes.images:,} of {changes.total:,} images so far"
        yield from wrapped(told, width, 2, inks.muted)

    def open_changes(self) -> None:
        """List the images of the cell at the cursor in Explore."""
        changes, (row, column) = self.change_table.changes, self.change_table.cursor
        if changes is None:
            self.say("nothing is counted yet")
        elif not changes.listed(row, column):
            self.say("no image is in this cell")
        else:
            self.go("explore", changes.narrowing(row, column))

    def offers_of_changes(self) -> Iterator[Offer]:
        """The table as a file, where it is shown."""
        changes: Changes | None = self.change_table.changes
        if self._with_pair and changes is not None:
            told = "the changes are written"
            yield (
                "what is fixed and broken, as a table",
                lambda: self.ask_file(
                    self.home / "changes.csv", lambda path: put(path, changes_in_lines(changes)), told
                ),
            )
