"""Timeline: the curves of a run, and one image through its checkpoints."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from fer_tui.contract import Heatmap, Place, plain
from fer_tui.terminal.plot import Curve
from fer_tui.tui.asking import Asking, Request
from fer_tui.tui.curving import Rival, classes_shown, curves_of, ink_of, rivals_of
from fer_tui.tui.desk import Change
from fer_tui.tui.exporting import put
from fer_tui.tui.keys import Command
from fer_tui.tui.sides import checkpoints_of
from fer_tui.tui.tables import curves
from fer_tui.tui.widgets.curves import CurvePlot, Curves, Film, Frame, Shot
from fer_tui.tui.widgets.lines import Lines, cut
from fer_tui.tui.widgets.picture_pane import wrapped

from .exports import Exporting, Offer
from .looking import Looking
from .moving import Moving

if TYPE_CHECKING:
    from fer_tui.timeline import Course
    from fer_tui.tui.browser import Browser

_EVERY = 0.15  # seconds between two looks at new predictions
_WORDS = 3  # lines below the curves


class TimelineScreen(Exporting, Moving, Looking):
    """Curves above, the current image under neighbouring checkpoints below; h and l move along the checkpoints."""

    LETTER = "t"

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="run"):
            yield CurvePlot(id="curves")
            yield Lines(id="legend")
        yield Lines(id="run-words")
        yield Lines(id="film-title")
        yield Film(id="film")

    def on_mount(self) -> None:
        self._wait: Timer | None = None
        super().on_mount()

    @property
    def asking(self) -> Asking:
        browser = self.desk.browser
        return self.desk.frames.asking(browser.checkpoint if browser is not None else 0)

    def offers(self) -> Iterator[Offer]:
        course = self.course
        if course is not None:
            yield (
                "the curves as a table",
                lambda: self.ask_file(self.home / "curves.csv", lambda path: put(path, curves(course))),
            )
        yield from super().offers()

    def on_screen_resume(self) -> None:
        self.desk.gather()
        super().on_screen_resume()

    def on_screen_suspend(self) -> None:
        if not self.is_current:  # else a popup is over it
            self.desk.frames.stop()

    # ---- what is wanted ----------------------------------------------------------------------------------------------

    @property
    def series(self) -> Sequence[int]:
        """The checkpoints of the axis: those of the network where the user is."""
        return checkpoints_of(self.desk)

    @property
    def names(self) -> list[str]:
        return [self.desk.run.names[number] for number in self.series]

    @property
    def here(self) -> int:
        """Where the user is on the axis."""
        browser = self.desk.browser
        return self.series.index(browser.checkpoint) if browser is not None and self.series else 0

    @property
    def course(self) -> Course | None:
        browser = self.desk.browser
        return self.desk.run.course(browser.predictions.labels, self.series) if browser is not None else None

    @property
    def target(self) -> int | None:
        """The class that is explained under all checkpoints; the predicted one is that of the last checkpoint."""
        browser = self.desk.browser
        if browser is None or browser.row is None:
            return None
        if browser.target != "predicted":
            return browser.target_class
        for checkpoint in reversed(self.series):
            known = self.desk.run.prediction(checkpoint, browser.row)
            if known is not None and known[0] >= 0:
                return known[0]
        return None

    @property
    def window(self) -> Sequence[int]:
        """The checkpoints that there is room to show, around the current one."""
        count, room = len(self.series), self.query_one(Film).room
        first = min(max(0, self.here - room // 2), max(0, count - room))
        return self.series[first : first + room]

    def aim(self) -> None:
        self.aimed()

    def aimed(self) -> None:
        self._draw_curves()
        self._want(again=True)

    def _want(self, *, again: bool = False) -> None:
        """Want the image's explanation under the checkpoints in sight, the current one first."""
        browser, method, target = self.desk.browser, self.desk.choice.method, self.target
        if browser is None or method is None or browser.row is None or target is None:
            self.desk.frames.want({})
        else:
            parameters = self.desk.choice.parameters(method)
            place = Place(browser.row, target, browser.layer, browser.filter)
            wanted: dict[int, Request] = {}
            for number in sorted(self.window, key=lambda number: abs(number - browser.checkpoint)):
                there = dataclasses.replace(place, checkpoint=number)
                wanted[number] = self.desk.project.request(method, parameters, there)
            self.desk.frames.want(wanted, again=again)
        self._draw_film()
        self.draw_status()

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def draw(self, change: Change) -> None:
        if Change.PREDICTIONS in change:
            if self._wait is None and self.is_current:
                self._wait = self.set_timer(_EVERY, self._draw_predictions)
            return
        super().draw(change)
        if Change.OPENED in change and self.is_current:
            self._draw_curves()
            self._want()
        elif Change.EXPLANATION in change:
            self._draw_film()

    def _draw_predictions(self) -> None:
        self._wait = None
        if self.is_left or not self.is_current:
            return
        self._want()  # the class to explain may be another one, now that more is known
        self._draw_curves()
        self.draw_top()

    def on_film_resized(self) -> None:
        if not self.is_left:
            self._want()

    def facts(self) -> Iterable[Text]:
        run = self.desk.run
        if run.fault:
            yield Text(plain(run.fault), self.inks.fault)
        elif run.known < len(run.names):
            working = "  Esc stops" if run.is_working else ""
            yield Text(f"{run.known} of {len(run.names)} checkpoints predicted{working}", self.inks.accent)
        yield from super().facts()

    def _draw_curves(self) -> None:
        browser, course, inks = self.desk.browser, self.course, self.inks
        plot, legend, below = self.query_one(CurvePlot), self.query_one("#legend", Lines), self.query_one("#run-words")
        assert isinstance(below, Lines)
        if browser is None or course is None or not course.labelled.any():
            told = "no image has a label: there are no curves" if course is not None else "predicting …"
            plot.show_curves(Curves())
            legend.show([])
            below.show([Text(f" {told}", inks.muted)] if browser is not None else [])
            return
        shown = classes_shown(course, self.target)
        names, rivals = self.names, rivals_of(self.desk)
        below_all = [Curve(each.values, inks.muted) for each in rivals]
        plot.show_curves(curves_of(course, names, self.target, self.here, inks.strong, below_all))
        at = course.checkpoints
        here = at.index(names[self.here]) if names[self.here] in at else None
        legend.show(list(self._legend(course, shown, here, rivals)))
        below.show(list(self._run_words(course, here))[:_WORDS])

    def _legend(
        self, course: Course, shown: Sequence[int], here: int | None, rivals: Sequence[Rival]
    ) -> Iterator[Text]:
        """The numbers at the cursor, and how far they are from the checkpoint before; other networks' accuracy."""
        inks = self.inks
        yield Text("            here  change", inks.muted)
        rows = [("accuracy", course.accuracy.tolist(), inks.strong, False)]
        rows += [(plain(course.classes[n]), course.recall[:, n].tolist(), ink_of(n), n == self.target) for n in shown]
        for name, values, style, chosen in rows:
            mark = "▸" if chosen else "●"
            line = Text.assemble((f"{mark} ", style), (f"{name[:9]:9} ", inks.accent if chosen else inks.plain))
            if here is not None and values[here] == values[here]:
                line.append(f"{values[here]:5.3f}", inks.strong if chosen else inks.plain)
                if here:
                    change = values[here] - values[here - 1]
                    line.append(
                        f"  {change:+.3f}", inks.right if change > 0 else inks.wrong if change < 0 else inks.muted
                    )
            yield line
            if name == "accuracy":
                yield from self._rivals(rivals, values[here] if here is not None else math.nan)

    def _rivals(self, rivals: Sequence[Rival], own: float) -> Iterator[Text]:
        """Of each other network the accuracy at the same epoch, and how far it is from `own`."""
        for rival in rivals:
            there = rival.values[self.here]
            line = Text.assemble((f"○ {cut(plain(rival.name), 9)} ", self.inks.muted))
            if there == there:
                line.append(f"{there:5.3f}", self.inks.muted)
                line.append(f"  {there - own:+.3f}" if own == own else "", self.inks.muted)
            yield line

    def _run_words(self, course: Course, here: int | None) -> Iterator[Text]:
        """What was learned and lost here, and what happened to the chosen class."""
        if here is None:
            yield Text(" the predictions of this checkpoint are on their way", self.inks.muted)
            return
        from fer_tui.timeline import moved

        learned, lost, end = len(course.learned_at(here)), len(course.lost_at(here)), course.forgotten.sum()
        first = f"right from here on: {learned}" if here else f"right all through: {learned}"
        since = f" · wrong since before: {lost}" if here else ""
        listed = "  (Enter, w, f list them)" if self.has_class("-wide") else ""
        yield Text(f" {first}{since} · forgotten at the end: {end}{listed}", self.inks.muted)
        if self.target is not None and here:
            told = moved(course, self.target, here - 1, here)
            for line in wrapped(told, self.size.width - 2, _WORDS - 1, self.inks.plain):
                yield Text(" ").append_text(line)

    def _draw_film(self) -> None:
        if self.is_left:
            return
        browser, method, title = self.desk.browser, self.desk.choice.method, self.query_one("#film-title", Lines)
        if browser is None or browser.row is None or method is None:
            title.show([Text(" no image is listed", self.inks.muted)] if browser is not None else [])
            self.query_one(Film).show([])
            return
        inks, line = self.inks, Text.assemble((f" {browser.row}", self.inks.strong))
        if browser.label >= 0:
            line.append("  true ", inks.muted).append(plain(browser.classes[browser.label]), inks.strong)
        of = f" of {plain(browser.classes[self.target])}" if self.target is not None else ""
        view = self.desk.look.words(self.asking.answered.explanation)
        line.append(f"  {plain(method.title)}{of}", inks.accent).append(f" · {view}" if view else "", inks.muted)
        title.show([line])
        self.query_one(Film).show([self._shot(browser, number) for number in self.window])

    def _shot(self, browser: Browser, number: int) -> Shot:
        from fer_tui.timeline import short_names

        desk, inks, row = self.desk, self.inks, browser.row or 0
        assert desk.project.dataset is not None
        is_current = number == browser.checkpoint
        name = plain(short_names(self.names)[self.series.index(number)])
        answered = desk.frames.answered(number)
        lines: list[Text] = []
        known = desk.run.prediction(number, row)
        if known is not None and known[0] >= 0:
            ink = inks.plain if browser.label < 0 else inks.right if known[0] == browser.label else inks.wrong
            lines.append(Text(f"{plain(browser.classes[known[0]])} {known[1]:.0%}", ink))
        if answered.fault:
            lines.append(Text(plain(answered.fault), inks.fault))
        elif answered.explanation is None and answered.request is not None:
            lines.append(Text("stopped" if answered.cancelled else "…", inks.muted))
        if isinstance(answered.explanation, Heatmap) and answered.final:
            desk.look.scales.seen.see(answered.explanation)
        picture = desk.look.picture(answered.explanation, desk.project.dataset.shown(row))
        return Shot(
            Text(f"▸ {name}" if is_current else name, inks.accent if is_current else inks.muted), picture, lines
        )

    # ---- keys --------------------------------------------------------------------------------------------------------

    def moved(self) -> None:
        """The user is at another image or checkpoint."""
        self.aimed()
        self.draw_top()

    def do_left(self, command: Command) -> None:
        self._move_checkpoint(-command.times)

    def do_right(self, command: Command) -> None:
        self._move_checkpoint(command.times)

    def _move_checkpoint(self, steps: int) -> None:
        self.desk.move_checkpoint(steps)
        self.moved()

    def on_curve_plot_chosen(self, message: CurvePlot.Chosen) -> None:
        if self.desk.browser is not None:
            self._move_checkpoint(self.series[message.step] - self.desk.browser.checkpoint)

    def on_frame_chosen(self, message: Frame.Chosen) -> None:
        if self.desk.browser is not None and message.number < len(self.window):
            self._move_checkpoint(self.window[message.number] - self.desk.browser.checkpoint)

    def looked(self) -> None:
        self._draw_film()

    def do_list_learned(self, command: Command) -> None:
        self._list("learned:{}")

    def do_list_lost(self, command: Command) -> None:
        self._list("lost:{}")

    def do_list_forgotten(self, command: Command) -> None:
        self._list("forgotten")

    def _list(self, term: str) -> None:
        """List images in Explore."""
        if self.desk.browser is None or self.desk.run.known_of(self.series) < len(self.series):
            self.say("the predictions of all checkpoints are not known yet")
            return
        self.go("explore", term.format(_named(self.names, self.here)))

    def do_cancel(self, command: Command) -> None:
        if self.desk.frames.stop() | self.desk.run.stop():
            self._draw_film()
            self.draw_status()
        else:
            self.go("explore")


def _named(names: Sequence[str], number: int) -> str:
    """A checkpoint's name as a narrowing takes it."""
    from fer_tui.timeline import short_names

    short = short_names(names)[number]
    return short if " " not in short and '"' not in short else str(number)
