"""The popup that starts, shows and stops a batch, and the keys that lead there."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from fer_tui.contract import InputError, plain
from fer_tui.terminal.pacing import Over
from fer_tui.tui.batch_form import BatchForm
from fer_tui.tui.batching import Estimate, words_for
from fer_tui.tui.desk import Desk
from fer_tui.tui.widgets.lines import Lines

from .batch_words import estimate_lines, form_lines, progress_lines, store_lines, stored_lines
from .copying import copy
from .popups import Choice

if TYPE_CHECKING:
    from fer_tui.engine.entries import Usage

    from .base import DeskScreen

_EVERY = 0.1  # seconds between two looks at what has come
_COUNT_EVERY = 2.0  # seconds between two counts of what is stored, while a batch is at work
_WIDTH = 84
_STEPS = {"l": 1, "right": 1, "h": -1, "left": -1}
_MOVES = {"j": 1, "down": 1, "tab": 1, "k": -1, "up": -1, "shift+tab": -1}


def batch(screen: DeskScreen) -> None:
    """Open the popup, where there is something to make a batch of."""
    desk = screen.desk
    if desk.project.settings is None:
        screen.say("live objects are known to this process alone, and others make a batch: open files", fault=True)
    elif desk.browser is None or desk.project.classifier is None or desk.choice.method is None:
        screen.say("there is nothing to make a batch of yet")
    else:
        form = BatchForm(desk.project, desk.choice, desk.browser)
        screen.app.push_screen(BatchPopup(desk, form), lambda _: screen.draw_again())


def leave(screen: DeskScreen) -> None:
    """Leave the explorer; where a batch of its own is at work, ask what is to become of it."""
    if not screen.desk.batches.is_own:
        screen.app.exit(0)
        return

    def chosen(number: int | None) -> None:
        if number == 1:
            screen.desk.batches.let_go()
        if number:
            screen.app.exit(0)

    offers = ("stay", "leave, and let it go on", "leave, and stop it: what is made stays")
    screen.app.push_screen(Choice("a batch is at work", offers, 0), chosen)


class BatchPopup(Over, ModalScreen[None], inherit_bindings=False):
    """A form with what it would cost; while a batch is at work how far that is. Esc leaves, and the batch goes on."""

    def __init__(self, desk: Desk, form: BatchForm) -> None:
        super().__init__()
        self._desk, self._form = desk, form
        self._usages: list[tuple[Usage, str]] = []
        self._ended = desk.batches.ended
        self._counted, self._known = 0.0, 0
        self._estimate: Estimate | None = None  # that was told last
        self._said, self._height = "", 0
        self._fields: dict[int, int] = {}  # by the line that tells of them

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup", id="batch"):
            yield Lines(id="batch-lines")

    def on_mount(self) -> None:
        self._desk.estimates.forget()  # what was stored meanwhile is not known
        self._ask()
        self._look_at_stores()
        self.set_interval(_EVERY, self._look)
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self._height = 0
        self._draw()

    def on_unmount(self) -> None:
        self._desk.estimates.stop()
        self._desk.stored.stop()

    # ---- asking ------------------------------------------------------------------------------------------------------

    @property
    def _words(self) -> list[str]:
        """Of the command that makes what is chosen."""
        asked, method, browser = self._form.asked, self._form.method, self._desk.browser
        settings = self._desk.project.settings
        if asked is None or method is None or browser is None or settings is None:
            return []
        return words_for(asked, method, browser.classes, settings, out=self._form.out)

    def _ask(self, *, again: bool = False) -> None:
        """Have it told what the choice would cost, and counted what is stored of it."""
        self._counted, self._known = time.monotonic(), self._predicted
        self._desk.stored.want(self._form.counting, again=again)
        if again:
            self._look_at_stores()
        if not self._desk.batches.is_working:
            self._desk.estimates.want(self._words)

    def _look(self) -> None:
        """Draw what has come; count again as a batch goes on, and when it has ended."""
        batches = self._desk.batches
        if batches.ended != self._ended:
            self._ended = batches.ended
            self._desk.estimates.forget()
            self._ask(again=True)
        elif self._desk.estimates.estimate not in (None, self._estimate):
            self._estimate = self._desk.estimates.estimate
            self._ask(again=True)  # what was made to measure it is kept
        elif (
            self._is_time
            and not self._desk.stored.is_working
            and (batches.is_working or self._predicted != self._known)
        ):
            self._ask(again=batches.is_working)
        self._draw()

    @property
    def _predicted(self) -> int:
        """The images that are predicted: their classes are known."""
        return self._desk.browser.predictions.count if self._desk.browser is not None else 0

    @property
    def _is_time(self) -> bool:
        """Whether what was counted is old by now."""
        return time.monotonic() - self._counted > _COUNT_EVERY and not self._desk.stored.is_working

    def _look_at_stores(self) -> None:
        def look() -> None:
            self._usages = [(each.usage(), each.note) for each in self._desk.project.stores]

        self.run_worker(look, thread=True, group="stores", exclusive=True)

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        lines = self.query_one(Lines)
        width = min(_WIDTH, self.app.size.width * 9 // 10 - 4)
        height = self.app.size.height * 9 // 10 - 2
        lines.styles.width = width
        upper, lower = self._lines(lines, width, height)
        self._height = max(self._height, len(upper) + len(lower))  # it does not jump while figures come and go
        lines.show([*upper, *[Text("")] * (self._height - len(upper) - len(lower)), *lower])

    def _lines(self, lines: Lines, width: int, height: int) -> tuple[list[Text], list[Text]]:
        """Those at the top and those at the bottom."""
        inks, desk = lines.inks, self._desk
        working = desk.batches.is_working
        upper = [Text("batch: explanations made ahead of time", inks.title), Text(self._hint, inks.muted), Text("")]
        self._fields = {}
        if working:
            upper += progress_lines(desk.batches, width, inks)
        else:
            form = list(form_lines(self._form, desk.choice, width, inks))
            self._fields = {len(upper) + y: number for y, (number, _) in enumerate(form)}
            upper += [*(line for _, line in form), Text(""), *estimate_lines(desk.estimates, width, inks)]
        if self._said:
            upper.append(Text(self._said, inks.wrong))
        lower = list(store_lines(self._usages, width, inks))
        spare = height - len(upper) - len(lower) - 3
        titles = [plain(each.title) for each in self._form.methods]
        if spare > 0:
            how = f", {desk.stored.told}" if desk.stored.told else ""
            upper += [Text(""), Text(f"stored of these images{how}", inks.muted)]
            now = self._form.methods.index(self._form.method) if self._form.method is not None else 0
            upper += stored_lines(titles, desk.stored.shares, now, width, spare, inks)
        return [*upper, Text("")], lower

    @property
    def _hint(self) -> str:
        if not self._desk.batches.is_working:
            return "h l change · Enter starts it · y copies the command · Esc leaves"
        stopping = self._desk.batches.now is not None and self._desk.batches.now.stopped
        if stopping:
            return "it is stopping …  x again ends it at once"
        return "x stops it, what is made stays · Esc leaves it at work"

    # ---- keys --------------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        key = event.character if event.is_printable and event.character else event.key
        working, self._said = self._desk.batches.is_working, ""
        if key in ("escape", "q", "B"):
            self.dismiss(None)
            return
        if key == "y":
            copy(self, shlex.join(["fer-tui", *self._words]))
        elif key == "x" and working:
            self._desk.batches.stop()
        elif key == "enter" and not working:
            self._begin()
        elif key in _MOVES and not working:
            self._form.move(_MOVES[key])
        elif (key in _STEPS or key == " ") and not working:
            self._form.turn(_STEPS.get(key, 1))
            self._ask()
        self._draw()

    def _begin(self) -> None:
        estimates, dataset = self._desk.estimates, self._desk.project.dataset
        found = estimates.estimate
        if dataset is None or not self._words or estimates.fault:
            return
        if found is not None and not found.missing:
            self._said = "there is nothing left to be made"
            return
        estimates.stop()
        try:
            self._desk.batches.begin(self._words, self._form.title, dataset.digest)
        except InputError as error:
            self._said = plain(error)

    def on_click(self, event: events.Click) -> None:
        """On a field: go there, and there to the next option; beside the popup: leave."""
        if not self.query_one("#batch").region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)
            return
        number = self._fields.get(event.screen_y - self.query_one(Lines).region.y)
        if number is not None and number == self._form.at:
            self._form.turn(1)
            self._ask()
        elif number is not None:
            self._form.at = number
        self._draw()
