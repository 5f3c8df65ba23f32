"""Explanations of neighbouring places, made while nothing else is to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_tui.contract import Axis, Explanation, Place
from fer_tui.engine.messages import Done, Failed, Message

if TYPE_CHECKING:
    from .asking import Answered, Computes, Request
    from .browser import Browser
    from .choice import Choice
    from .project import Project

_AXES = (Axis.TARGET, Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT)
_CHEAP = 0.05  # seconds that an explanation may take, for that is how long the visible one may have to wait


class Ahead:
    """Asks for the neighbours on the list and on the axis that was moved along last, with the lowest priority.

    Only where the method, with its parameters, was measured to be cheap. What is made goes to the shelf.
    """

    def __init__(
        self,
        compute: Computes,
        project: Project,
        choice: Choice,
        look_up: Callable[[Request], tuple[Place, Explanation] | None],
    ) -> None:
        self._compute, self._project, self._choice, self._look_up = compute, project, choice, look_up
        self._jobs: set[int] = set()
        self._seconds: dict[tuple[str, tuple[tuple[str, object], ...]], float] = {}
        self._place: Place | None = None
        self._position, self._way, self._axis = 0, 1, Axis.TARGET

    def see(self, browser: Browser) -> None:
        """The user is here now: what was asked for from elsewhere is not wanted any more."""
        before, place = self._place, browser.place
        if before == place:
            return
        self.stop()
        if browser.position != self._position:
            self._way = 1 if browser.position > self._position else -1
        elif before is not None:
            self._axis = next((axis for axis in _AXES if _at(before, axis) != _at(place, axis)), self._axis)
        self._place, self._position = place, browser.position

    def measured(self, answered: Answered) -> None:
        """An explanation was made: so long it took."""
        if answered.request is not None and answered.final and answered.seconds is not None:
            self._seconds[_kind(answered.request)] = answered.seconds

    def ask(self, browser: Browser) -> None:
        """Ask for the neighbours that are not there yet, where they are cheap."""
        method = self._choice.method
        if method is None or self._jobs or browser.row is None:
            return
        parameters = self._choice.parameters(method)
        for place in self._neighbours(browser):
            request = self._project.request(method, parameters, place)
            if self._seconds.get(_kind(request), 1.0) > _CHEAP:
                return
            if Axis.TARGET in method.axes_for(parameters) and place.target is None:
                continue
            if self._look_up(request) is None:
                self._jobs.add(self._compute.explain(request.method, request.parameters, request.place, urgent=False))

    def _neighbours(self, browser: Browser) -> Iterator[Place]:
        here, classifier = browser.place, self._project.classifier
        for steps in (self._way, -self._way, 2 * self._way):
            if 0 <= browser.position + steps < browser.count:
                row = browser.row_at(browser.position + steps)
                yield replace(here, image=row, target=browser.target_of(row))
        for step in (1, -1):
            match self._axis:
                case Axis.TARGET if here.target is not None:
                    yield replace(here, target=(here.target + step) % len(browser.classes))
                case Axis.LAYER:
                    names = [each.name for each in self._choice.layers]
                    at = names.index(here.layer) + step if here.layer in names else -1
                    if 0 <= at < len(names):
                        yield replace(here, layer=names[at], filter=None)
                case Axis.FILTER if here.filter is not None:
                    layer = next((each for each in self._choice.layers if each.name == here.layer), None)
                    if layer is not None and 0 <= here.filter + step < layer.filters:
                        yield replace(here, filter=here.filter + step)
                case Axis.CHECKPOINT if classifier is not None and isinstance(browser.target, int):
                    at = browser.checkpoint + step
                    if 0 <= at < len(classifier.checkpoints):
                        yield replace(here, checkpoint=at)

    def stop(self) -> None:
        """Cancel what was asked for."""
        jobs, self._jobs = self._jobs, set()
        for job in jobs:
            self._compute.cancel(job)

    def take(self, message: Message) -> bool:
        """Take the end of a job; whether it was one of these."""
        if isinstance(message, Done | Failed) and message.job in self._jobs:
            self._jobs.remove(message.job)
            return True
        return False


def _at(place: Place, axis: Axis) -> object:
    return place.to_dict().get(axis.value)


def _kind(request: Request) -> tuple[str, tuple[tuple[str, object], ...]]:
    """What hangs together in its cost."""
    return request.method, tuple(sorted(request.parameters.items()))
