"""Explore: the list of images, one of them explained, its class scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from fer_tui.contract import plain
from fer_tui.tui.asking import Asking
from fer_tui.tui.completion import Completion, complete
from fer_tui.tui.desk import Change
from fer_tui.tui.keys import Command
from fer_tui.tui.narrowing import NarrowingError
from fer_tui.tui.widgets.lines import Lines, Page
from fer_tui.tui.widgets.narrow_box import NarrowBox
from fer_tui.tui.widgets.picture_pane import OtherPane, PicturePane
from fer_tui.tui.widgets.sample_list import SampleList
from fer_tui.tui.widgets.side import Methods, ScoreBars

from .abreast import Abreast, pair_lines
from .batching import leave
from .explained import draw_beside, draw_picture, draw_side, draw_title, twin
from .exports import Exports
from .pointing import Pointing
from .popups import Details
from .resembling import Resembling
from .sorting import Sorting
from .tabling import Acts
from .understanding import Understanding

_GRACE = 0.04  # seconds that an explanation may take before the bare image is shown
_AHEAD = 0.05  # seconds at one place before its neighbours are made
_REST = 0.3  # seconds at one place before predictions are asked for from there
_EVERY = 0.1  # seconds between two looks at new predictions
PANES = ("list", "picture", "side")


class Explore(Understanding, Abreast, Pointing, Resembling, Sorting, Acts, Exports):
    """Three panes; under 120 columns the right one folds away, under 80 one pane is shown: Tab goes on."""

    LETTER = "x"
    PANES: ClassVar[tuple[str, ...]] = PANES

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            with Vertical(id="list-pane", classes="pane"):
                yield Lines(id="list-title")
                yield SampleList(id="list")
            with Vertical(id="picture-pane", classes="pane"):
                yield Page(id="summary")
                yield Lines(id="pair-title")
                with Horizontal(id="pair"):
                    yield PicturePane(id="explained")
                    with OtherPane(id="other"):
                        yield PicturePane(id="beside")
            with Vertical(id="side-pane", classes="pane"):
                yield Lines(id="scores-title")
                yield ScoreBars(id="scores")
                yield Lines(id="methods-title")
                yield Methods(id="methods")
                yield Lines(id="parameters")
        yield NarrowBox(id="narrow")

    def on_mount(self) -> None:
        self.pane = "list"
        self._waits: dict[str, Timer] = {}
        self._told: object = None  # of the predictions at the cursor, when they were drawn last
        self._show_pane()
        self.begin_understanding()
        super().on_mount()

    @property
    def asking(self) -> Asking:
        return self.desk.image

    @property
    def list(self) -> SampleList:
        return self.query_one(SampleList)

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, change: Change) -> None:
        self.draw_understanding()
        if Change.OPENED in change:
            if self.desk.browser is not None and self.desk.browser.update():  # predictions came, unseen
                self.desk.aim()
            self._draw_list()
            self.draw_place()
        elif Change.EXPLANATION in change:
            self._cancel("grace")
            self.draw_place()
            self.show_reply()
            self._look_ahead()
        if Change.PREDICTIONS in change:
            if "predictions" not in self._waits:
                self._later("predictions", _EVERY, self._draw_predictions)
            return
        super().draw(change)

    def draw_place(self) -> None:
        """Draw all that belongs to the place: title, picture, scores."""
        if self.is_left:
            return
        self._draw_pictures()
        draw_side(self, self.desk)
        self._draw_titles()

    def _draw_pictures(self) -> None:
        shown = self.desk.beside.shown
        self.set_class(shown, "-abreast")
        draw_picture(self.query_one("#explained", PicturePane), self.desk)
        if shown:
            title = self.query_one("#pair-title", Lines)
            title.show(pair_lines(self.desk, title.content_region.width or title.size.width, self.inks))
            draw_beside(self.query_one("#beside", PicturePane), self.desk)

    def on_picture_pane_resized(self) -> None:
        self.draw_place()

    def _draw_list(self) -> None:
        if self.desk.browser is not None:
            self.list.show(self.desk.browser)

    def _draw_titles(self) -> None:
        browser, inks = self.desk.browser, self.inks
        ink = inks.title if self.pane == "list" else inks.muted
        title = Text(" ")
        if browser is not None and browser.narrowing:  # it needs the room
            title.append("/", ink).append(plain(browser.narrowing), inks.accent)
            title.append("" if browser.count else "  none", inks.wrong).append(" ")
        else:
            title.append("images ", ink)
        if browser is not None and browser.order.words:
            title.append(f"by {browser.order.words}", inks.accent)
        self.query_one("#list-title", Lines).show([title])

    def _draw_predictions(self) -> None:
        """Draw what new predictions change: the list, the bars of this row, the accuracy."""
        browser = self.desk.browser
        if browser is None or not self.is_current or self.is_left:
            return
        row = browser.row
        browser.update()
        self._draw_list()
        if browser.row != row:
            self.desk.aim()
            self._draw_soon()
        here = (row, browser.predicted, browser.predictions.complete)
        if self._told != here or browser.row != row or self.desk.beside.shown:
            self._told = here
            draw_side(self, self.desk)
            self._draw_pictures()
        self._draw_titles()
        self.draw_top()
        self.draw_status()

    def _later(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        """Do something after a while; what was to be done under the same name is forgotten."""
        self._cancel(name)

        def run() -> None:
            self._waits.pop(name, None)
            then()

        self._waits[name] = self.set_timer(seconds, run)

    def _cancel(self, name: str) -> None:
        timer = self._waits.pop(name, None)
        if timer is not None:
            timer.stop()

    # ---- moving ------------------------------------------------------------------------------------------------------

    def aim(self) -> None:
        self.desk.aim()

    def moved(self) -> None:
        """The cursor is at another row: list and place move at once, the rest follows."""
        self.list.follow()
        self.desk.aim()
        self._draw_soon()
        self._later("rest", _REST, self._predict_what_is_in_sight)
        self._look_ahead()

    def _predict_what_is_in_sight(self) -> None:
        self.desk.predict(self.list.sight)

    def _look_ahead(self) -> None:
        if not self.desk.image.is_working:
            self._later("ahead", _AHEAD, self.desk.look_ahead)

    def _draw_soon(self) -> None:
        """Draw the place; where its explanation is being made, after a moment, so that it is drawn once."""
        self._cancel("grace")
        answered = self.desk.image.answered
        if self.desk.image.is_working and answered.explanation is None:
            draw_title(self.query_one("#explained", PicturePane), self.desk)
            self._later("grace", _GRACE, self.draw_place)
        else:
            self.draw_place()
        self.draw_status()

    def listed_anew(self) -> None:
        self._draw_list()
        self._later("rest", _REST, self._predict_what_is_in_sight)
        self._draw_titles()

    def marked(self) -> None:
        self._draw_list()
        self.draw_place()
        self.draw_top()

    @property
    def page(self) -> int:
        return self.list.page

    def on_picture_pane_turned(self, message: PicturePane.Turned) -> None:
        super().move(message.steps)

    def move(self, steps: int) -> None:
        if self.pane == "side":
            self.aim_at_class(steps)
        else:
            super().move(steps)

    def do_next_mistake(self, command: Command) -> None:
        self._mistake(command.times)

    def do_previous_mistake(self, command: Command) -> None:
        self._mistake(-command.times)

    def _mistake(self, steps: int) -> None:
        browser = self.desk.browser
        if browser is None:
            return
        if browser.next_mistake(steps):
            self.moved()
        else:
            where = "after" if steps > 0 else "before"
            more = "" if browser.predictions.complete else " among those that are predicted so far"
            self.say(f"no mistake is listed {where} this image{more}")

    def on_sample_list_chosen(self, message: SampleList.Chosen) -> None:
        if self.desk.browser is not None:
            self.desk.browser.move_to(message.position)
            self.moved()

    def aimed(self) -> None:
        if self.desk.browser is not None and self.desk.browser.order.by == "score":  # of another class, maybe
            self.sort(self.desk.browser.order)
        self.desk.aim(again=True)
        self._draw_soon()
        self._look_ahead()
        self.call_after_refresh(self.show_reply)  # where it is at hand, nothing else will come

    def do_difference(self, command: Command) -> None:
        choice, browser = self.desk.choice, self.desk.browser
        if browser is None or choice.method is None:
            return
        choice.contrast = not choice.contrast
        self.aimed()
        request = self.desk.image.answered.request
        if choice.contrast and (request is None or request.against is None):
            choice.contrast = False
            self.say(f"{plain(choice.method.title)} makes no heat maps that hang on a class")

    def do_trust(self, command: Command) -> None:
        if not self.desk.judge():
            self.say("there is no heat map to be judged")
        self.draw_place()
        self.draw_status()

    # ---- how it is looked at -----------------------------------------------------------------------------------------

    def looked(self) -> None:
        self.draw_place()

    def do_zoom(self, command: Command) -> None:
        self.toggle_class("-zoomed")
        self._draw_titles()

    def do_words(self, command: Command) -> None:
        self.desk.look.in_words = not self.desk.look.in_words
        self.looked()

    def do_read(self, command: Command) -> None:
        explanation = self.desk.image.answered.explanation
        notes = [f"! {note}" for note in explanation.notes] if explanation is not None else []
        lines = [*notes, "", *twin(self.desk)] if notes else list(twin(self.desk))
        self.app.push_screen(Details("the picture in words", "\n".join(lines)))

    def do_rule(self, command: Command) -> None:
        self.desk.look.turn_rule(command.times)
        self.draw_place()

    def do_more(self, command: Command) -> None:
        self.desk.look.fade(command.times)
        self.draw_place()

    def do_less(self, command: Command) -> None:
        self.desk.look.fade(-command.times)
        self.draw_place()

    # ---- narrowing ---------------------------------------------------------------------------------------------------

    def do_narrow(self, command: Command) -> None:
        if self.desk.browser is not None:
            self._narrowed_before = self.desk.browser.narrowing
            self.query_one(NarrowBox).open(self._narrowed_before, self._complete)

    def _complete(self, text: str, cursor: int) -> Completion:
        browser = self.desk.browser
        if browser is None:
            return complete(text, cursor, ())
        return complete(text, cursor, browser.classes, browser.checkpoints, several=browser.several)

    def narrow(self, text: str) -> NarrowingError | None:
        """List only these images; what is wrong with the text, if anything."""
        browser = self.desk.browser
        if browser is None:
            return None
        try:
            browser.narrow(text)
        except NarrowingError as error:
            return error
        if browser.asks_of_the_run or browser.asks_of_the_pair:
            self.desk.gather()
        self._draw_list()
        self.moved()
        self.draw_top()
        return None

    def on_narrow_box_typed(self, message: NarrowBox.Typed) -> None:
        error = self.narrow(message.text)
        count = self.desk.browser.count if self.desk.browser is not None else 0
        self.query_one(NarrowBox).tell(error, count)

    def on_narrow_box_closed(self, message: NarrowBox.Closed) -> None:
        self.query_one(NarrowBox).close()
        if not message.kept:
            self.narrow(self._narrowed_before)

    def open_cell(self, text: str) -> None:
        """List the images of a cell of the confusion matrix, the first of them explained."""
        self.narrow(text)
        self.go_to(None, 0)

    # ---- panes and leaving -------------------------------------------------------------------------------------------

    def do_next_pane(self, command: Command) -> None:
        self._turn_pane(1)

    def do_previous_pane(self, command: Command) -> None:
        self._turn_pane(-1)

    def _turn_pane(self, steps: int) -> None:
        self.pane = PANES[(PANES.index(self.pane) + steps) % len(PANES)]
        self._show_pane()
        self._draw_titles()
        self.call_after_refresh(draw_side, self, self.desk)

    def _show_pane(self) -> None:
        for pane in PANES:
            self.set_class(pane == self.pane, f"-at-{pane}")

    def do_marked_grid(self, command: Command) -> None:
        if self.desk.browser is not None and self.desk.browser.has_marked:
            self.desk.grid.show("marked")
            self.go("grid")
        else:
            self.say("nothing is marked: Space marks images")

    def do_quit(self, command: Command) -> None:
        leave(self)

    def do_cancel(self, command: Command) -> None:
        if self.desk.stop():
            self.draw_place()
            self.draw_status()
        elif self.desk.acting.end():
            self.aimed()
        elif self.desk.browser is not None and self.desk.browser.narrowing:
            self.narrow("")
        elif self.desk.reports.is_working:
            self.do_report(command)
