"""Where the user was at the last start, on the same dataset: kept while they move, and gone back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fer_tui.contract import FerTuiError

from .narrowing import NarrowingError
from .order import NAMES, Order

if TYPE_CHECKING:
    from .browser import Browser
    from .desk import Desk
    from .state import Record, State


class Session:
    """Keeps and restores the place, the narrowing, the method and its parameters, the look, the Grid, the screen.

    What is not there any more (a class, a layer, a checkpoint, a method) is left as it is at a first start. fresh:
    nothing is restored. screen: the one to go to, once, '' before that is known.
    """

    def __init__(self, state: State, *, fresh: bool = False) -> None:
        self._state, self._fresh = state, fresh
        self._record: Record | None = None
        self._found: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._parameters: dict[str, Any] = {}
        self._to_do = {"place", "network", "methods"}
        self.screen = ""

    def open(self, record: Record) -> None:
        """The dataset of this record is open."""
        if self._record is None and not self._fresh:
            found = record.values.get("session")
            self._found = found if isinstance(found, dict) else {}
        self._record = record

    def restore(self, desk: Desk) -> None:
        """Go back to as much as can be gone back to by now; nothing is done twice."""
        browser, project = desk.browser, desk.project
        if self._record is None or browser is None:
            return
        if self._next("place"):
            row = self._found.get("row")
            if browser.marks is not None and isinstance(row, int):
                browser.go(browser.marks.row_of(row))
            self._look(desk)
        if project.classifier is not None and self._next("network"):
            self._network(desk)
        if project.methods and desk.described and self._next("methods"):
            self._methods(desk)
            self.screen = str(self._found.get("screen", ""))

    def _next(self, what: str) -> bool:
        """Whether this is still to be done; from now on it is not."""
        if what not in self._to_do:
            return False
        self._to_do.remove(what)
        return bool(self._found) or (what == "methods" and not self._fresh)

    def _look(self, desk: Desk) -> None:
        found = self._found.get("look")
        if isinstance(found, dict):
            desk.look.restore(found)
        found = self._found.get("grid")
        if isinstance(found, dict):
            desk.grid.restore(found)

    def _network(self, desk: Desk) -> None:
        browser, classifier, found = desk.browser, desk.project.classifier, self._found
        assert browser is not None and classifier is not None
        if found.get("checkpoint") in classifier.digests:
            desk.go_to_checkpoint(classifier.digests.index(found["checkpoint"]))
        target = found.get("target")
        if target in ("predicted", "true"):
            browser.target = target
        elif isinstance(target, list) and target and target[0] in browser.classes:
            browser.target = browser.classes.index(target[0])
        layers = {each.name: each for each in classifier.layers}
        if found.get("layer") in layers:
            browser.layer = found["layer"]
            if isinstance(found.get("filter"), int) and found["filter"] < layers[found["layer"]].filters:
                browser.filter = found["filter"]
        row = browser.row
        if browser.narrowing:  # the user was quicker
            return
        try:
            browser.narrow(str(found.get("narrowing", "")))
            self._sort(browser)
        except NarrowingError:
            return
        if row is not None:
            browser.go(row)

    def _sort(self, browser: Browser) -> None:
        by, down = found if isinstance(found := self._found.get("order"), list) and len(found) == 2 else ("", False)
        if by in NAMES and isinstance(down, bool):
            browser.sort(Order(by, down))

    def _methods(self, desk: Desk) -> None:
        given = self._state.user.values.get("parameters")
        for name, values in (given if isinstance(given, dict) else {}).items():
            description = desk.project.methods.get(name)
            infos = {info.name: info for info in description.parameters} if description is not None else {}
            for key, value in (values if isinstance(values, dict) else {}).items():
                if description is not None and key in infos:
                    try:
                        desk.choice.set_parameter(description, infos[key], value)
                    except FerTuiError:  # another version of the explainer has other values
                        continue
        desk.choice.choose_named(str(self._found.get("method", "")))

    def keep(self, desk: Desk, screen: str) -> None:
        """Keep all that is another than before."""
        browser, classifier = desk.browser, desk.project.classifier
        if self._record is None or browser is None or classifier is None or browser.marks is None or self._to_do:
            return
        target: object = browser.target
        if isinstance(browser.target, int):
            target = [browser.classes[browser.target]]
        method = desk.choice.method
        now = {
            "screen": screen,
            "row": browser.marks.source_of(browser.row) if browser.row is not None else None,
            "target": target,
            "layer": browser.layer,
            "filter": browser.filter,
            "checkpoint": classifier.digests[browser.checkpoint],
            "narrowing": browser.narrowing,
            "order": [browser.order.by, browser.order.down],
            "method": method.name if method is not None else "",
            "look": desk.look.to_dict(),
            "grid": desk.grid.to_dict(),
        }
        if now != self._kept:
            self._kept = now
            self._record.change(lambda values: values.update(session=now))
        parameters = desk.choice.given
        if parameters != self._parameters:
            self._parameters = parameters
            self._state.user.change(lambda values: values.update(parameters=parameters))
