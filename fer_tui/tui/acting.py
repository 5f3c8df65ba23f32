"""Actions of explainers: the one whose result is shown in place of the explanation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_tui.contract import Action, Reply

from .asking import Answered, Request

if TYPE_CHECKING:
    from .browser import Browser
    from .choice import Choice
    from .project import Project


class Acting:
    """An action is asked for like an explanation, and shown until the user turns elsewhere."""

    def __init__(self, project: Project, choice: Choice, where: Callable[[], Browser | None]) -> None:
        self._project, self._choice, self._where = project, choice, where
        self._at: Request | None = None  # the explanation that would be shown where the action was begun
        self._request: Request | None = None
        self._unread = False

    @property
    def actions(self) -> tuple[Action, ...]:
        """Those of the current method."""
        return self._choice.method.actions if self._choice.method is not None else ()

    def begin(self, name: str) -> None:
        """Have an action done at the place where the user is: what is wanted from now on."""
        method, browser = self._choice.method, self._where()
        if method is None or browser is None:
            return
        request = self._project.request(method.for_action(name), self._choice.parameters(method), browser.place)
        self._at, self._request = self._choice.request(method, browser), replace(request, action=name)
        self._unread = True

    def end(self) -> bool:
        """Back to the explanation; whether there was an action."""
        was, self._at, self._request = self._request, None, None
        return was is not None

    def instead_of(self, request: Request) -> Request:
        """What to show where this explanation is wanted: the action that was begun there, if one was."""
        if self._request is not None and request == self._at:
            return self._request
        self.end()
        return request

    def told(self, answered: Answered) -> Reply | None:
        """A reply that has come to its end and was not given out yet."""
        explanation = answered.explanation
        if not (self._unread and answered.final and answered.request == self._request):
            return None
        self._unread = False
        return explanation if isinstance(explanation, Reply) else None


def title_of(answered: Answered, actions: tuple[Action, ...]) -> str:
    """The title of the action that was asked for, '' for none."""
    name = answered.request.action if answered.request is not None else ""
    return next((each.title for each in actions if each.name == name), name)
