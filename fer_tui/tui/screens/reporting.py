"""The key that makes the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import FerTuiError
from fer_tui.naming import file_name
from fer_tui.tui.exporting import FOLDER, free

from .popups import Choice

if TYPE_CHECKING:
    from .base import DeskScreen


def report(screen: DeskScreen) -> None:
    """Begin the report of the marked images (none: of the best of each class); offer to stop it where one is made."""
    desk = screen.desk
    if desk.reports.is_working:
        asks = Choice("a report is being made", ("go on with it", "stop it"), 0)
        screen.app.push_screen(asks, lambda number: desk.reports.stop() if number == 1 else None)
        return
    if desk.browser is None or desk.project.classifier is None:
        screen.say("there is nothing to report on yet")
        return
    marked = desk.browser.marks.marked.nonzero()[0].tolist() if desk.browser.marks is not None else []
    folder = free(Path(FOLDER, file_name(desk.project.name), "report"))
    try:
        desk.reports.begin(folder, marked, desk.browser.checkpoint)
    except FerTuiError as error:
        screen.say(str(error), fault=True)
        return
    what = f"the {len(marked):,} marked images" if len(marked) > 1 else "the marked image"
    chosen = what if marked else "the best classified image of each class, for none is marked"
    screen.say(f"a report is made of {chosen}: {folder}")
