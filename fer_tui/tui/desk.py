"""The explorer without its screens: what is open, where the user is, what is asked of the compute process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Flag, auto
from typing import TYPE_CHECKING

from fer_tui.contract import FerTuiError, Heatmap, Place
from fer_tui.engine.messages import (
    Answer,
    ClassifierOpened,
    DatasetOpened,
    Described,
    Done,
    Failed,
    Followed,
    Lost,
    Message,
    Narration,
    Predictions,
    Told,
)

from .acting import Acting
from .ahead import Ahead
from .asking import Asking, Computes, Request
from .batches import Batches
from .beside import Beside
from .bindings import BINDINGS, remapped
from .choice import Choice
from .command import command_for
from .estimating import Estimating
from .exporting import Exporter
from .filters import Filters
from .first_steps import FirstSteps
from .focusing import Focusing, FocusRequest
from .frames import Frames
from .grid import Grid
from .history import History
from .look import Look
from .pace import Pace
from .predicting import Predicting
from .project import Project
from .reporting import Reporter
from .session import Session
from .similar import SimilarImages
from .state import State
from .stored import Stored

if TYPE_CHECKING:
    from fer_tui.contract import Explanation
    from fer_tui.engine import Settings

    from .browser import Browser
    from .run import Run

_AT_ONCE = 3  # cells of the grid that are asked for at a time


class Change(Flag):
    """What a screen must draw again."""

    OPENED = auto()
    PREDICTIONS = auto()
    EXPLANATION = auto()
    MATRIX = auto()
    FILTERS = auto()
    ACTIVITY = auto()
    REFUSED = auto()  # nothing could be opened: `refusal` says why


class Desk(Predicting):
    """Takes the compute process's messages, keeps the state they make, and says what changed.

    `connect` must be called before anything else. image, matrix, focus, frames, cells: what Explore, Classes,
    Timeline and Grid show. run: the predictions under all checkpoints.
    """

    image: Asking
    matrix: Asking
    contrast: Asking
    focus: Focusing
    frames: Frames[int]
    cells: Frames[tuple[int, int]]
    filters: Filters
    run: Run
    beside: Beside
    ahead: Ahead
    similar: SimilarImages
    stored: Stored

    def __init__(
        self,
        settings: Settings | None,
        changed: Callable[[Change], None],
        state: State | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        super().__init__()
        self.project = Project(settings)
        self.bindings = remapped(settings.keys) if settings is not None else BINDINGS
        self.state = state or State(None)
        self.session = Session(self.state, fresh=fresh)
        on_samples = settings is not None and settings.data is None
        self.first_steps = FirstSteps(self.state.user, wanted=on_samples)
        self.described = False  # the explainers are known by themselves, not only as they were at the last start
        self.browser: Browser | None = None
        self.choice = Choice(self.project, lambda: self.browser, lambda: self.image.answered.explanation)
        self.acting = Acting(self.project, self.choice, lambda: self.browser)
        self.reports = Reporter(settings, self._reported)
        self.batches, self.estimates = Batches(self.state.batches, self._reported), Estimating()
        colours = settings.colours if settings is not None else {}
        self.look = Look(of_method={method: str(each.value) for method, each in colours.items()})
        self.history = History()
        self.pace = Pace()
        self.doing: tuple[str, float | None] = ("starting", None)  # what the compute process does, and its share
        self.lost = ""  # why there is no compute process, '' while there is one
        self.mended = ""  # why it was lost, when it has been started again and nobody was told yet
        self.news = ""  # of the run, that nobody was told yet
        self.given_up = False
        self.refusal = ""
        self.fault = ""  # the last fault in full, for those who ask
        self._changed = changed

    def connect(self, compute: Computes) -> None:
        """Use this compute process."""
        from .run import Run

        self._compute = compute

        def asking() -> Asking:
            return Asking(compute, self.project.look_up, _unpacked)

        self.image, self.matrix, self.contrast = asking(), asking(), asking()
        self.focus = Focusing(compute)
        self.frames = Frames(asking)
        self.cells = Frames(asking, at_once=_AT_ONCE)
        self.grid = Grid()
        self.filters = Filters(self.project, self.choice, lambda: self.browser, asking)
        self.run = Run(compute, self.project)
        self.beside = Beside(self.project, self.choice, lambda: self.browser, compute, asking)
        self.similar = SimilarImages(compute, self.project)
        self.stored = Stored(compute)
        self.exports = Exporter(asking, self._told)
        self.ahead = Ahead(compute, self.project, self.choice, self.project.look_up)

    # ---- what is wanted ----------------------------------------------------------------------------------------------

    def aim(self, *, again: bool = False) -> None:
        """Want the explanation of the place where the user is."""
        browser, method = self.browser, self.choice.method
        if browser is None or method is None or self.project.classifier is None or browser.row is None:
            self.image.want(None)
            self.beside.aim()
            return
        self.ahead.see(browser)
        self.image.want(self.acting.instead_of(self.choice.request(method, browser)), again=again)
        self.beside.aim(again=again)

    def look_ahead(self) -> None:
        """Have the neighbours of this place made, unless there is something better to do."""
        is_working = self.image.is_working or self.beside.asking.is_working
        if self.browser is not None and not is_working and not self.lost:
            self.ahead.ask(self.browser)

    def judge(self) -> bool:
        """Want to know how far the map that is shown can be trusted; whether there is a map with a class."""
        answered = self.image.answered
        if answered.request is None or answered.request.action or not isinstance(answered.explanation, Heatmap):
            return False
        self.image.want(replace(answered.request, judged=True), again=True)
        return True

    def aim_matrix(self) -> None:
        """Want the matrix of the whole dataset."""
        method = self.choice.matrix
        if method is None or self.browser is None or self.project.classifier is None:
            return
        place = Place(checkpoint=self.browser.checkpoint)
        self.matrix.want(self.project.request(method, self.choice.parameters(method), place), again=True)

    def focus_request(self, per_class: int) -> FocusRequest | None:
        """What the focus of the current method would be asked by; None where it has none."""
        method, browser, regions = self.choice.method, self.browser, self.project.regions
        if method is None or browser is None or self.project.classifier is None or regions is None:
            return None
        if method.kind != "heatmap":
            return None
        parameters = self.choice.parameters(method)
        place = Place(layer=browser.layer, checkpoint=browser.checkpoint).on(method.axes_for(parameters))
        return FocusRequest(Request(method.name, parameters, place), regions, per_class)

    def command(self, request: Request, place: Place) -> str:
        """The line for a shell that makes an explanation again."""
        description, browser = self.project.methods[request.method], self.browser
        classes = browser.classes if browser is not None else ()
        return command_for(request, place, description, classes, self.project.settings)

    def _reported(self, news: str, fault: str) -> None:
        self.fault = fault or self.fault
        self._told(news or self.news)

    def _told(self, news: str) -> None:
        self.news = news
        self._changed(Change.ACTIVITY)

    def stop(self) -> bool:
        """Cancel what the user waits for, by force where it does not stop; whether there was anything."""
        asked = (
            self.exports,
            self.image,
            self.matrix,
            self.contrast,
            self.focus,
            self.frames,
            self.cells,
            self.filters,
            self.run,
            self.beside,
        )
        stopped = [each.stop() for each in asked]
        self.ahead.stop()
        self._compute.stop()
        return any(stopped)

    # ---- what comes --------------------------------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """Take a message of the compute process."""
        try:
            change = self._take(message)
        except FerTuiError as error:  # the dataset cannot be mapped
            self.refusal = str(error)
            change = Change.REFUSED
        if change:
            self._changed(change)

    def _take(self, message: Message) -> Change:
        match message:
            case Narration():
                self.doing = (message.text, message.share)
                return Change.ACTIVITY
            case DatasetOpened() if self.project.open_dataset(message):
                self._browse()
                return Change.OPENED
            case ClassifierOpened():
                before = self.project.classifier
                if self.project.open_classifier(message):
                    if self.browser is not None:
                        self.browser.renumber(before.digests if before is not None else (), message)
                        self.project.look_from(self.browser.checkpoint)
                    self.image.want(None)
                    self.matrix.want(None)
                    self.focus.want(None)
                    self.filters.forget()
                    self._start_predictions()
                self.session.restore(self)
                self._see_run()
                self.doing = ("loading the explainers", None)
                return Change.OPENED
            case Followed():
                return self._followed(message)
            case Described(remembered=True):
                self.project.describe(message)
                return Change.OPENED
            case Described():
                self.project.describe(message)
                self.described = True
                self._tell_faults(self.project.faults_of_defaults())
                self.session.restore(self)
                self.mended, self.lost = self.lost, ""
                self.doing, self.given_up = ("", None), False
                self.aim()
                self.predict()
                self._go_on()
                return Change.OPENED | Change.EXPLANATION
            case Predictions():
                return Change.PREDICTIONS if self._predicted(message) else Change(0)
            case Lost():
                self.lost, self.fault = message.reason, message.reason
                return Change.ACTIVITY
            case Failed(job=None):
                return self._refused(message)
            case Told():
                self.news = self.fault = f"explainer {message.explainer}: {message.fault}"
                return Change.ACTIVITY
        return self._answered(message)

    def _tell_faults(self, faults: Sequence[str]) -> None:
        """Say what is wrong with the configuration; `!` shows all of it."""
        if faults:
            self.fault = "\n".join(faults)
            self.news = faults[0] + (f" (! tells {len(faults) - 1} more)" if len(faults) > 1 else "")

    def _browse(self) -> None:
        from .browser import Browser
        from .marks import Marks

        dataset, before = self.project.dataset, self.browser
        assert dataset is not None
        record = self.state.of(dataset.digest)
        self.browser = Browser(dataset.labels, dataset.classes, Marks(record, dataset.source_range))
        self.run.open(len(dataset))
        if before is not None and before.row is not None:
            self.browser.go(before.row)
        self.session.open(record)
        self.batches.find(dataset.digest)
        self.session.restore(self)

    def _followed(self, message: Followed) -> Change:
        """The run has grown, or what is at the cursor is another checkpoint than before."""
        browser, more = self.browser, len(message.checkpoints) - len(self.run.names)
        if more > 0:
            self.news = f"{more} new checkpoint{'s' if more > 1 else ''}: {message.checkpoints[-1]}"
        if browser is None or not self.project.follow(message, browser.checkpoint):
            self.image.want(None)
            self.matrix.want(None)
            self.filters.forget()
            self._start_predictions()
            self.aim()
        self._see_run()
        self.beside_changed()
        return Change.OPENED

    def _answered(self, message: Message) -> Change:
        """Answers, Done and Failed: about the image, the matrix, or the predictions."""
        if isinstance(message, Answer) and message.final:
            self.project.keep(message.key, message.blob)
        if self.ahead.take(message) or self.similar.take(message) or self.stored.take(message):
            return Change(0)
        if isinstance(message, Failed) and (message.details or message.fault):
            self.fault = f"{message.fault}\n{message.details}".strip()
        if isinstance(message, Done | Failed) and message.job == self._predicting:
            self._predicting = None
            if isinstance(message, Failed):
                self.doing = (message.fault, None)
            self._go_on()
            return Change.PREDICTIONS | Change.ACTIVITY
        if self.run.take(message):
            self._go_on()
            return Change.PREDICTIONS | Change.ACTIVITY
        if self.beside.take(message):
            self._go_on()
            return Change.EXPLANATION
        if self.exports.take(message):
            return Change.ACTIVITY
        if self.frames.take(message) or self.cells.take(message):
            return Change.EXPLANATION
        if self.filters.take(message):
            return Change.FILTERS
        if self.image.take(message):
            self.ahead.measured(self.image.answered)
            return Change.EXPLANATION
        return (
            Change.MATRIX
            if self.matrix.take(message) or self.contrast.take(message) or self.focus.take(message)
            else Change(0)
        )

    def _refused(self, message: Failed) -> Change:
        """Opening failed: the end, unless something is open already."""
        self.fault = f"{message.fault}\n{message.details}".strip()
        if self.project.classifier is None:
            self.refusal = message.fault
            return Change.REFUSED
        self.lost, self.given_up = message.fault, True
        self._predicting = None
        return Change.ACTIVITY

    def close(self) -> None:
        self.project.close()


def _unpacked(blob: bytes) -> Explanation:
    from fer_tui.engine import codec

    return codec.unpack(blob)
