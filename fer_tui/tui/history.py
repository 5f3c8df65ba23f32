"""Where the user has been: back and forward, as in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .narrowing import NarrowingError
from .order import Order

if TYPE_CHECKING:
    from .browser import Target
    from .desk import Desk
    from .grid import Laid

_MOST = 200
_STEPS = {  # what goes on in small steps: many of them in a row are one visit
    "down": "image",
    "up": "image",
    "page-down": "image",
    "page-up": "image",
    "mark": "image",
    "next-mistake": "mistake",
    "previous-mistake": "mistake",
    "left": "class",
    "right": "class",
    "layer-next": "layer",
    "layer-previous": "layer",
    "filter-next": "filter",
    "filter-previous": "filter",
    "checkpoint-next": "checkpoint",
    "checkpoint-previous": "checkpoint",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """What there was to see: a screen, and all that names what it showed."""

    screen: str
    row: int | None
    narrowing: str
    order: Order
    method: str
    target: Target
    layer: str | None
    filter: int | None
    checkpoint: int
    grid: Laid | None = None  # where the Grid is on the screen


class History:
    """The visits so far and where among them the user is. What was gone back from is lost when they turn elsewhere."""

    def __init__(self) -> None:
        self._visits: list[Visit] = []
        self._at = -1
        self._doing = ""  # the small steps that led to where the user is now, '' where it was a leap
        self._newest = ""  # and those that led to the newest visit

    def see(self, visit: Visit, then: str) -> None:
        """The user is here, and is about to do `then` (the id of a binding)."""
        before, self._doing = self._doing, _STEPS.get(then, "")
        if self._visits and visit == self._visits[self._at]:
            return
        last = self._at == len(self._visits) - 1
        if before and last and self._at > 0 and self._newest == before:
            self._visits[self._at] = visit
            return
        self._newest = before
        self._visits = [*self._visits[: self._at + 1], visit][-_MOST:]
        self._at = len(self._visits) - 1

    def go(self, steps: int) -> Visit | None:
        """The visit so many steps on (back, where negative), not beyond the ends; None where there is none."""
        at = min(max(self._at + steps, 0), len(self._visits) - 1)
        if at == self._at or at < 0:
            return None
        self._at, self._doing, self._newest = at, "", ""
        return self._visits[at]


def visit_of(desk: Desk, screen: str) -> Visit | None:
    """What there is to see now; None before anything is open."""
    browser, method = desk.browser, desk.choice.method
    if browser is None or desk.project.classifier is None or method is None:
        return None
    return Visit(
        screen,
        browser.row,
        browser.narrowing,
        browser.order,
        method.name,
        browser.target,
        browser.layer,
        browser.filter,
        browser.checkpoint,
        desk.grid.layout if screen == "grid" else None,
    )


def revisit(desk: Desk, visit: Visit) -> None:
    """Be there again, as far as it is still there."""
    browser = desk.browser
    if browser is None:
        return
    desk.go_to_checkpoint(min(visit.checkpoint, len(desk.run.names) - 1))
    desk.choice.choose_named(visit.method)
    browser.target, browser.layer, browser.filter = visit.target, visit.layer, visit.filter
    browser.sort(visit.order)
    try:
        browser.narrow(visit.narrowing)
    except NarrowingError:  # it asks for a class that has another name now
        browser.narrow("")
    if visit.row is not None:
        browser.go(visit.row)
    if visit.grid is not None:
        desk.grid.lay(visit.grid)
