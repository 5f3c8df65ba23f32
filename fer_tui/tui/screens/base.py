"""What all screens share: keys, the lines at top and bottom, the size classes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen

from fer_tui.contract import InputError, plain
from fer_tui.terminal import Picture
from fer_tui.terminal.pacing import Paced
from fer_tui.tui.asking import Answered, Asking
from fer_tui.tui.bindings import SCREENS, bindings_of
from fer_tui.tui.desk import Change, Desk
from fer_tui.tui.exporting import FOLDER, free, put
from fer_tui.tui.history import revisit, visit_of
from fer_tui.tui.keys import Command, Keys
from fer_tui.tui.palette import Found, offers
from fer_tui.tui.sides import checkpoints_of
from fer_tui.tui.widgets.bars import Bar, Hints
from fer_tui.tui.widgets.lines import Inks, Lines, inks_of
from fer_tui.tui.widgets.picture_pane import Ruler

from .batch_words import status_words
from .batching import batch
from .copying import copy
from .finding import Palette
from .popups import Details, Help
from .reporting import report
from .suspending import suspend

_SMALLEST = (30, 8)  # columns, lines
_MEDIUM, _WIDE, _BROAD = 80, 120, 160  # columns
_LOW = 16  # lines
PLACES = frozenset(name.lower() for name in SCREENS.values())  # the bindings that go to a screen, by its name
ONE_NETWORK = "there is one network: --model again names another one"
ONE_CHECKPOINT = "there is one checkpoint: --weights with several, or a folder, opens a run"


class Restart(Message):
    """The compute process shall be started again."""


class PickTheme(Message):
    """A theme shall be chosen."""


class Go(Message):
    """Another screen is wanted, by its name. narrowing: what Explore shall list, None leaves its list."""

    def __init__(self, screen: str, narrowing: str | None = None) -> None:
        self.screen, self.narrowing = screen, narrowing
        super().__init__()


class DeskScreen(Paced, Screen[None], inherit_bindings=False):
    """A screen of the explorer. Every binding is a method `do_...` that takes the command, or the name of a screen.

    Classes say how large the terminal is: -wide (and -broad), -medium, -narrow; -low; -tiny: nothing can be shown.
    """

    LETTER: ClassVar[str]
    AUTO_FOCUS = ""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.actions = bindings_of(self.LETTER, desk.bindings)
        self.keys = Keys(self.actions)
        self._said: tuple[str, bool] | None = None  # what, and whether it is a fault

    def compose(self) -> ComposeResult:
        yield Bar(id="top")
        with Vertical(id="body"):
            yield from self.compose_body()
        yield Lines(id="tiny")
        yield Bar(id="status")
        steps = self.desk.first_steps.left if self.LETTER == "x" else ()  # elsewhere j is another thing
        yield Hints(self.actions, steps, id="hints")

    def compose_body(self) -> ComposeResult:
        """What stands between the lines."""
        raise NotImplementedError

    @property
    def inks(self) -> Inks:
        return inks_of(self.app)

    @property
    def asking(self) -> Asking:
        """The explanation that this screen shows."""
        raise NotImplementedError

    @property
    def is_left(self) -> bool:
        """The app is being left: what is not composed by now will never be."""
        return self.app.return_code is not None

    def on_mount(self) -> None:
        if self.is_left:
            return
        tiny = self.query_one("#tiny", Lines)
        tiny.show([Text("too small: needs"), Text(f"{_SMALLEST[0]} x {_SMALLEST[1]} at least")])
        self.draw(Change.OPENED)

    def on_screen_resume(self) -> None:
        self.keys.clear()
        self.draw_again()

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        tiny = width < _SMALLEST[0] or height < _SMALLEST[1]
        self.set_class(tiny, "-tiny")
        self.set_class(height < _LOW, "-low")
        self.set_class(width >= _WIDE, "-wide")
        self.set_class(width >= _BROAD, "-broad")
        self.set_class(_MEDIUM <= width < _WIDE, "-medium")
        self.set_class(width < _MEDIUM, "-narrow")
        self.call_after_refresh(self.draw_again)

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def draw_again(self) -> None:
        """Draw everything."""
        if not self.is_left:
            self.query_one(Hints).draw()
            self.draw(Change.OPENED)

    def draw(self, change: Change) -> None:
        """Draw again what has changed."""
        if self.desk.mended:
            self.say(f"{self.desk.mended}; it was started again, and all goes on")
            self.desk.mended = ""
        if self.desk.news:
            self.say(self.desk.news)
            self.desk.news = ""
        self.draw_top()
        self.draw_status()

    def draw_top(self) -> None:
        project, browser, inks = self.desk.project, self.desk.browser, self.inks
        parts = [Text("fer-tui", inks.title), Text(project.name, inks.strong)]
        if browser is not None:
            total = len(browser.predictions)
            listed = f"{browser.count:,} of {total:,}" if browser.narrowing else f"{total:,}"
            parts.append(Text(f"{listed} image{'s' if total != 1 else ''}", inks.plain))
            if browser.marks is not None and browser.marks.count:
                parts.append(Text(f"{browser.marks.count:,} marked", inks.accent))
        right = Text()
        if project.classifier is not None:
            parts.append(Text(plain(project.classifier.name), inks.plain))
            if len(project.classifier.checkpoints) > 1 and browser is not None:
                name = project.classifier.checkpoints[browser.checkpoint]
                number = f"{browser.checkpoint + 1}/{len(project.classifier.checkpoints)}"
                parts.append(Text(f"checkpoint {number} {plain(name)}", inks.plain))
            right = Text(f"{plain(project.classifier.device)} ", inks.muted)
        if browser is not None and browser.predictions.accuracy[1]:
            rightly, counted = browser.predictions.accuracy
            so_far = "" if browser.predictions.complete else f" of {counted:,} so far"
            parts.append(Text(f"accuracy {rightly / counted:.1%}{so_far}", inks.strong))
        self.query_one("#top", Bar).show_parts(parts, right)

    def draw_status(self) -> None:
        inks, desk = self.inks, self.desk
        left: list[Text] = []
        if desk.lost:
            then = "it is given up: Ctrl+R starts it again" if desk.given_up else "it is started again"
            left.append(Text(f"{plain(desk.lost)}; {then}", inks.fault))
        if self._said is not None:
            left.append(Text(self._said[0], inks.fault if self._said[1] else inks.accent))
        doing, share = desk.doing
        if doing and not desk.given_up:
            percent = f" {share:.0%}{desk.pace.left(doing, share)}" if share is not None else " …"
            left.append(Text(f"{plain(doing)}{percent}", inks.accent))
        elif not desk.lost:
            left += self.facts()
        self.query_one("#status", Bar).show_parts(left, Text.assemble(*self._right(), style=inks.muted))

    def facts(self) -> Iterable[Text]:
        """What the status line tells when nothing else is to be told."""
        answered = self.asking.answered
        left = self.desk.pace.left("explanation", answered.progress if self.asking.is_working else None)
        return job_facts(answered, self.asking.is_working, self.inks, left)

    def _right(self) -> Iterable[tuple[str, Style]]:
        browser, inks = self.desk.browser, self.inks
        if browser is not None and not browser.predictions.complete and browser.predictions.count:
            share = browser.predictions.count / len(browser.predictions)
            yield f"predicted {share:.0%}{self.desk.pace.left('predictions', share)} ", inks.muted
        export = self.desk.exports.now
        if export is not None and not export.is_over:
            left = f", {export.left:.0f} s left" if export.left is not None else ""
            yield f"exporting {export.done}/{export.total}{left} ", inks.accent
        if (told := self.desk.reports.words(self.desk.pace)) is not None:
            yield f"report: {told} ", inks.accent
        if (told := status_words(self.desk.batches)) is not None:
            yield f"batch {told} ", inks.accent
        if self.keys.pending:
            yield f" {self.keys.pending} ", inks.accent
        driver = getattr(self.app, "pictures", None)
        if driver is not None:
            reduced = next((picture.words for picture in self.query(Picture) if picture.words), "")
            yield f" {reduced}{' · ' if reduced else ''}{driver.terminal.words} ", inks.muted

    def say(self, text: str, *, fault: bool = False) -> None:
        """Tell something in the status line, until the next key."""
        self._said = plain(text), fault
        self.draw_status()

    # ---- keys --------------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        if self.focused is not None and not isinstance(self.focused, Ruler):  # the narrowing box
            return
        event.stop()
        event.prevent_default()
        printable = event.is_printable and event.character is not None and event.character != " "
        pending, said = self.keys.pending, self._said
        self._said = None
        command = self.keys.press(event.character if printable and event.character else event.key)
        if command is not None:
            self.do(command)
        if self.keys.pending != pending or (said is not None and self._said is None):
            self.draw_status()

    def on_hints_chosen(self, message: Hints.Chosen) -> None:
        if self.focused is None:
            self.do(Command(message.binding))

    def do(self, command: Command) -> None:
        """Do what a key asks for."""
        if command.binding.id == "cancel" and self.desk.exports.stop():
            self.draw_status()
            return
        visit = visit_of(self.desk, self.name_in_history)
        if visit is not None:
            self.desk.history.see(visit, command.binding.id)
        if self.desk.first_steps.take(command.binding.id):
            self.query_one(Hints).draw()
        if command.binding.id in PLACES:
            self.go(command.binding.id)
        else:
            getattr(self, f"do_{command.binding.id.replace('-', '_')}")(command)

    @property
    def name_in_history(self) -> str:
        """The screen's name, as `go` takes it."""
        return SCREENS[self.LETTER].lower()

    def do_back(self, command: Command) -> None:
        self._go_in_history(-command.times)

    def do_forward(self, command: Command) -> None:
        self._go_in_history(command.times)

    def _go_in_history(self, steps: int) -> None:
        visit = self.desk.history.go(steps)
        if visit is None:
            self.say("there is nothing to go back to" if steps < 0 else "there is nothing further on")
            return
        revisit(self.desk, visit)
        if visit.screen != self.name_in_history:
            self.go(visit.screen)
        else:
            self.aim()
            self.draw(Change.OPENED)

    def do_palette(self, command: Command) -> None:
        self.app.push_screen(Palette(offers(self.desk, self.actions)), self._found)

    def _found(self, found: Found | None) -> None:
        if found is None:
            return
        command = found.offer.do(found.count)
        if command is not None:
            self.do(command)
        else:
            self.aim()
            self.draw(Change.OPENED)

    def do_help(self, command: Command) -> None:
        self.app.push_screen(Help(self.actions))

    def do_details(self, command: Command) -> None:
        fault = self.asking.answered.details or self.asking.answered.fault or self.desk.fault
        if fault:
            self.app.push_screen(Details("fault", fault))
        else:
            self.say("there is no fault to tell of")

    def do_redraw(self, command: Command) -> None:
        driver = getattr(self.app, "pictures", None)
        if driver is not None:
            driver.draw_again()
            driver.ask_again()
        self.app.refresh(repaint=True, layout=True)

    def do_screenshot(self, command: Command) -> None:
        """The screen as an SVG file."""
        path = free(Path(FOLDER, "screen.svg"))
        try:
            put(path, self.app.export_screenshot())
        except InputError as error:
            self.say(str(error), fault=True)
        else:
            self.say(f"the screen is written: {path}")

    def do_report(self, command: Command) -> None:
        report(self)

    def do_batch(self, command: Command) -> None:
        batch(self)

    def do_theme(self, command: Command) -> None:
        self.post_message(PickTheme())

    def do_quit(self, command: Command) -> None:
        self.go("explore")

    def do_leave(self, command: Command) -> None:
        self.app.exit(0)

    def do_suspend(self, command: Command) -> None:
        if not suspend(self):
            self.say("no shell waits here to come back from")

    def do_checkpoint_next(self, command: Command) -> None:
        self._move_checkpoint(command.times)

    def do_checkpoint_previous(self, command: Command) -> None:
        self._move_checkpoint(-command.times)

    def _move_checkpoint(self, steps: int) -> None:
        if self.desk.move_checkpoint(steps):
            self.aim()
            self.draw(Change.OPENED)
        else:
            self.say(ONE_CHECKPOINT)

    def aim(self) -> None:
        """Want what this screen shows."""
        raise NotImplementedError

    def do_again(self, command: Command) -> None:
        if self.desk.given_up:
            self.post_message(Restart())
        else:
            self.say("the compute process is at work")

    def go(self, screen: str, narrowing: str | None = None) -> None:
        """To another screen; to the timeline only where there is one."""
        if screen == "timeline" and len(checkpoints_of(self.desk)) < 2:
            self.say(ONE_CHECKPOINT)
        else:
            self.post_message(Go(screen, narrowing))

    def do_copy(self, command: Command) -> None:
        answered, project, browser = self.asking.answered, self.desk.project, self.desk.browser
        request = answered.made_by
        if request is None or browser is None or request.method not in project.methods:
            self.say("there is nothing to make again yet")
            return
        place = answered.place if answered.explanation is not None else request.place
        copy(self, self.desk.command(request, place))


def job_facts(answered: Answered, is_working: bool, inks: Inks, left: str = "") -> Iterable[Text]:
    """Work, time and notes of an explanation. left: how long it still takes."""
    if is_working:
        share = f" {answered.progress:.0%}" if answered.progress is not None else ""
        yield Text(f"computing{share}{left} …  Esc stops", inks.accent)
    elif answered.cancelled:
        yield Text("stopped", inks.muted)
    elif answered.explanation is not None:
        device = answered.explanation.meta.get("device")
        if answered.seconds is None:
            yield Text("stored", inks.muted)
        else:
            yield Text(f"{answered.seconds * 1000:.0f} ms{f' on {plain(device)}' if device else ''}", inks.muted)
