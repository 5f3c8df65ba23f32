"""Filters: what the filters of a layer look for, one sheet of them, one chosen."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from fer_tui.contract import plain
from fer_tui.terminal import Picture
from fer_tui.tui.asking import Asking
from fer_tui.tui.desk import Change
from fer_tui.tui.filters import METHOD, gallery_of
from fer_tui.tui.keys import Command
from fer_tui.tui.widgets.filter_sheet import FilterSheet, Grid, sheet_of
from fer_tui.tui.widgets.lines import Lines
from fer_tui.tui.widgets.picture_pane import wrapped

from .filter_exports import FilterExports
from .filter_tables import FilterTables
from .layers import LayerPicker

_REST = 0.3  # seconds at one filter before a pass over the dataset is asked for it
_WORDS = 2  # lines below the sheet
_TITLES = {
    "ascent": "what excites them (ascent)",
    "outputs": "outputs on this image",
    "images": "the image that excites each most",
    "class": "what raises each class's score (ascent)",
}
_SHORT = {"ascent": "ascent", "outputs": "outputs here", "images": "best images", "class": "ascent"}


class FiltersScreen(FilterTables, FilterExports):
    """A sheet of filters, the chosen one enlarged beside it with its numbers and its images."""

    LETTER = "f"

    def compose_body(self) -> ComposeResult:
        yield Lines(id="filters-title")
        with Horizontal(id="filters"):
            yield FilterSheet(id="filter-sheet")
            with Vertical(id="filter-side"):
                yield Lines(id="filter-title")
                yield Picture(id="filter-picture")
                yield Lines(id="filter-facts")
                yield Lines(id="filter-top-title")
                yield Picture(id="filter-top")
        yield Lines(id="filters-words")

    def on_mount(self) -> None:
        self._rest: Timer | None = None
        self._shown: tuple[object, ...] | None = None  # what the enlarged picture is of
        self._top: object = None  # what the images of the chosen filter are drawn from
        super().on_mount()

    @property
    def sheet(self) -> FilterSheet:
        return self.query_one(FilterSheet)

    @property
    def asking(self) -> Asking:
        return self.filters.top if self.filters.top.is_working else self.filters.asking

    def on_screen_suspend(self) -> None:
        if not self.is_current:  # else a popup is over it
            self.filters.stop()

    # ---- what is wanted ----------------------------------------------------------------------------------------------

    def aim(self) -> None:
        self.filters.want(again=True)

    def aimed(self) -> None:
        """Something else is to be shown: ask for it and draw."""
        self.aim()
        self._draw()
        self.draw_top()
        self.draw_status()

    def chose(self) -> None:
        """Another filter is chosen: what is at hand is shown at once, the rest when the cursor rests."""
        if self.filters.view == "class":
            self.filters.want()
        self.filters.look_at_top()
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST, self._rested)
        self._draw()
        self.draw_status()

    def _rested(self) -> None:
        self._rest = None
        if self.is_current and not self.is_left:
            self.filters.want_top()
            self.draw_status()

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, change: Change) -> None:
        super().draw(change)
        if Change.OPENED in change and self.is_current:
            self.filters.want()
        if change & (Change.OPENED | Change.FILTERS):
            if Change.FILTERS in change and self.filters.images.answered.final:
                self.filters.look_at_top()
                if self._rest is None and self.filters.top.answered.explanation is None:
                    self.filters.want_top()
            self._draw()

    def on_filter_sheet_resized(self) -> None:
        if not self.is_left:
            self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self.is_left or not self.is_mounted:
            return
        filters = self.filters
        order = filters.sorted()
        position = order.index(filters.chosen) if order else 0
        self.sheet.show(order, position, filters.framed, filters.source, filters.pictures)
        self.query_one("#filters-title", Lines).show([self._title()])
        self._draw_side()
        self.query_one("#filters-words", Lines).show(list(self._words())[:_WORDS])

    def _title(self) -> Text:
        filters, inks, layer = self.filters, self.inks, self.filters.layer
        if layer is None:
            return Text("")
        title, is_wide = Text(" "), self.has_class("-wide")
        if filters.view == "class":
            title.append(f"{filters.count} classes", inks.strong)
        else:
            shape = "×".join(map(str, layer.shape[1:]))
            title.append(plain(layer.name), inks.accent)
            kind = f"{plain(layer.kind)} · " if is_wide else ""
            title.append(f"  {kind}{layer.filters} filters of {shape}", inks.strong)
        title.append(f"  {(_TITLES if is_wide else _SHORT)[filters.view]}", inks.plain)
        order = ""
        if filters.view != "class":
            known = "" if filters.is_sorted else " (not known yet)"
            order = f" · by {filters.order}{known}"
        page, pages = self.sheet.pages
        place = f" · page {page + 1} of {pages}" if pages > 1 else ""
        has_room = title.cell_len + len(order) + len(place) <= self.size.width
        return title.append(order if has_room or filters.order != "number" else "", inks.muted).append(
            place, inks.muted
        )

    def _draw_side(self) -> None:
        filters, inks, number = self.filters, self.inks, self.filters.chosen
        name = f"filter {number}"
        if filters.view == "class" and self.desk.browser is not None:
            name = plain(self.desk.browser.classes[number]) if filters.count else ""
        self.query_one("#filter-title", Lines).show([Text(name, inks.title)])
        key = (filters.view, number, filters.source)
        if key != self._shown:
            self._shown = key
            self.query_one("#filter-picture", Picture).show(sheet_of([number], filters.pictures, frozenset(), Grid()))
        self.query_one("#filter-facts", Lines).show(list(self._facts(number)))
        self._draw_top()

    def _facts(self, number: int) -> Iterator[Text]:
        facts, inks, count = self.filters.facts(number), self.inks, self.filters.count
        if facts.start is not None and facts.final is not None:
            yield Text.assemble(("ascent ", inks.muted), (f"{facts.start:.3g} → {facts.final:.3g}", inks.plain))
            gain = Text.assemble(("gain ", inks.muted), (f"{facts.final - facts.start:+.3g}", inks.plain))
            yield gain.append("  dead: no step moved it", inks.wrong) if facts.dead else gain
        elif self.filters.view != "ascent":
            yield Text("ascent: not climbed yet", inks.muted)
        if self.filters.view == "class":
            return
        if facts.mean is not None and facts.maximum is not None:
            told = f"{facts.mean:.3g}, max {facts.maximum:.3g}"
            yield Text.assemble(("here ", inks.muted), (told, inks.plain))
            yield Text(f"{_ordinal(facts.rank or 0)} strongest of {count}", inks.muted)
        if facts.best is not None:
            yield Text.assemble(("best image ", inks.muted), (f"{facts.best:.3g}", inks.plain))

    def _draw_top(self) -> None:
        title, picture = self.query_one("#filter-top-title", Lines), self.query_one("#filter-top", Picture)
        gallery = gallery_of(self.filters.top.answered)
        if gallery is not None and gallery is not self._top and len(gallery.images):
            from fer_tui.picture import sheet

            picture.show(sheet(gallery, columns=min(5, len(gallery.images))))
        elif gallery is None:
            picture.show(None)
        self._top = gallery
        told = ""
        if self.filters.top.is_working:
            told = "its images …"
        elif gallery is not None:
            rows = list(map(str, gallery.extras["rows"].tolist()))
            told = f"its images: rows {', '.join(rows)}"
            while title.size.width and len(told) > title.size.width and len(rows) > 1:
                rows.pop()
                told = f"its images: rows {', '.join(rows)}, …"
        elif self.filters.view == "ascent":
            told = "its images: o twice"
        title.show([Text(told, self.inks.muted)])

    def _words(self) -> Iterator[Text]:
        filters, inks, width = self.filters, self.inks, self.size.width - 2
        answered, browser = filters.asking.answered, self.desk.browser
        if filters.description is None and self.desk.described:
            yield Text(f" the explainer {METHOD} is not installed", inks.wrong)
        elif self.desk.project.classifier is not None and filters.layer is None:
            yield Text(" the network has no layer whose output is (filters, height, width)", inks.wrong)
        elif answered.fault:
            yield from wrapped(f" {plain(answered.fault)}  (! shows all of it)", width, _WORDS, inks.fault)
        else:
            if self.has_class("-narrow") or self.has_class("-low"):
                yield Text(" ").append_text(Text(" · ").join(self._facts(filters.chosen)))
            elif browser is not None and browser.row is not None:
                yield self._image(browser.row)
            explanation = answered.explanation
            for note in explanation.notes if explanation is not None else ():
                yield from wrapped(f" ! {plain(note)}", width, 1, inks.accent)

    def _image(self, row: int) -> Text:
        browser, inks = self.desk.browser, self.inks
        assert browser is not None
        line = Text.assemble((" image ", inks.muted), (f"{row}", inks.strong))
        if browser.label >= 0:
            line.append("  true ", inks.muted).append(plain(browser.classes[browser.label]), inks.strong)
        if browser.predicted >= 0:
            ink = inks.strong if browser.label < 0 else inks.right if browser.label == browser.predicted else inks.wrong
            line.append("  predicted ", inks.muted).append(plain(browser.classes[browser.predicted]), ink)
        return line

    def facts(self) -> Iterator[Text]:
        filters = self.filters
        progress = self.asking.answered.progress
        if filters.view in ("ascent", "class") and filters.is_working and filters.description is not None:
            steps = int(filters.parameters(filters.view)["steps"])
            left = self.desk.pace.left("climb", progress)
            told = f" {progress:.0%}, about step {round(progress * steps)} of {steps}" if progress is not None else ""
            told += f",{left}" if left else ""
            yield Text(f"climbing{told} …  Esc stops", self.inks.accent)
        else:
            yield from super().facts()

    # ---- keys --------------------------------------------------------------------------------------------------------

    def _move(self, steps: int) -> None:
        self.filters.move(steps)
        self.chose()

    def do_left(self, command: Command) -> None:
        self._move(-command.times)

    def do_right(self, command: Command) -> None:
        self._move(command.times)

    def do_down(self, command: Command) -> None:
        self._move(command.times * self.sheet.grid.columns)

    def do_up(self, command: Command) -> None:
        self._move(-command.times * self.sheet.grid.columns)

    def do_page_down(self, command: Command) -> None:
        self._move(command.times * self.sheet.grid.page)

    def do_page_up(self, command: Command) -> None:
        self._move(-command.times * self.sheet.grid.page)

    def do_first(self, command: Command) -> None:
        self._go_to(command.count, 0)

    def do_last(self, command: Command) -> None:
        self._go_to(command.count, self.filters.count - 1)

    def _go_to(self, number: int | None, position: int) -> None:
        """To a filter by its number, or to a place on the sheet."""
        filters = self.filters
        if number is not None and number >= filters.count:
            self.say(f"there is no {number}: they are 0 to {filters.count - 1}")
            return
        order = filters.sorted()
        if order:
            filters.choose(number if number is not None else order[position])
            self.chose()

    def on_filter_sheet_chosen(self, message: FilterSheet.Chosen) -> None:
        self._go_to(self.filters.sorted()[message.position], 0)
        if message.again:
            self.open_filter()

    def on_filter_sheet_turned(self, message: FilterSheet.Turned) -> None:
        self._move(message.pages * self.sheet.grid.page)

    def do_layer_next(self, command: Command) -> None:
        self._move_layer(command.times)

    def do_layer_previous(self, command: Command) -> None:
        self._move_layer(-command.times)

    def _move_layer(self, steps: int) -> None:
        if self.filters.move_layer(steps):
            self.aimed()

    def do_pick_layer(self, command: Command) -> None:
        classifier, layer = self.desk.project.classifier, self.filters.layer
        if classifier is not None and layer is not None:
            names = [each.name for each in self.filters.layers]
            self.app.push_screen(LayerPicker(classifier.modules, names, layer.name, ""), self._choose_layer)

    def _choose_layer(self, name: str | None) -> None:
        if name is not None:
            self.filters.choose_layer(name)
            self.aimed()

    def do_view(self, command: Command) -> None:
        self._turn(command.times)

    def do_view_back(self, command: Command) -> None:
        self._turn(-command.times)

    def _turn(self, steps: int) -> None:
        self.filters.turn(steps)
        self.aimed()

    def do_order(self, command: Command) -> None:
        self.filters.turn_order(command.times)
        self._draw()
        if not self.filters.is_sorted:
            self.say(f"{self.filters.order} is not known yet: the ascent of this layer tells it")

    def do_more(self, command: Command) -> None:
        self._enlarge(command.times)

    def do_less(self, command: Command) -> None:
        self._enlarge(-command.times)

    def _enlarge(self, steps: int) -> None:
        self.sheet.enlarge(steps)
        self._draw()

    def do_image_next(self, command: Command) -> None:
        self._move_image(command.times)

    def do_image_previous(self, command: Command) -> None:
        self._move_image(-command.times)

    def _move_image(self, steps: int) -> None:
        if self.desk.browser is not None:
            self.desk.browser.move(steps)
            self.aimed()

    def do_open_filter(self, command: Command) -> None:
        self.open_filter()

    def open_filter(self) -> None:
        """Explore, at this filter (or class)."""
        filters, description = self.filters, self.filters.description
        if description is None or not filters.count:
            self.say("there is no filter to open")
            return
        filters.choose(filters.chosen)
        infos = {info.name: info for info in description.parameters}
        view = filters.view if filters.view != "outputs" else "ascent"  # the outputs are those of all filters
        self.desk.choice.set_parameter(description, infos["view"], view)
        self.desk.choice.choose_named(METHOD)
        self.go("explore")

    def do_cancel(self, command: Command) -> None:
        if self.filters.stop():
            self._draw()
            self.draw_status()
        else:
            self.go("explore")


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
