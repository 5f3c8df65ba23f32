"""What was understood of data and network: on the first screen until all is open, and later by a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from fer_tui.tui.keys import Command
from fer_tui.tui.understood import facts
from fer_tui.tui.widgets.lines import Inks, Page

from .base import DeskScreen
from .popups import Reading

if TYPE_CHECKING:
    from fer_tui.tui.project import Project

_NAME = 10  # columns
_INDENT = 1 + _NAME + 1  # of what a line goes on with


def understood_lines(project: Project, inks: Inks) -> list[Text]:
    """The facts, each with the flag that mends it."""
    return [
        Text.assemble(
            (f" {name:{_NAME}} ", inks.muted), (told, inks.plain), (f"  ({mend})" if mend else "", inks.accent)
        )
        for name, told, mend in facts(project)
    ]


class Understood(Reading):
    """All of it, to be read."""

    indent = _INDENT

    def __init__(self, project: Project) -> None:
        super().__init__("what was understood")
        self._project = project

    def lines(self, inks: Inks) -> Sequence[Text]:
        mended = Text("In parentheses: the flags that say otherwise.", inks.muted)
        return [*understood_lines(self._project, inks), Text(""), mended]


class Understanding(DeskScreen):
    """A screen that begins with what was understood of the user's own data and network."""

    def begin_understanding(self) -> None:
        """Show it, where data or network are the user's own."""
        settings = self.desk.project.settings
        self.set_class(settings is not None and bool(settings.data or settings.model), "-understanding")

    def draw_understanding(self) -> None:
        """Tell what is known by now; once there is an explanation to see, that is shown instead."""
        if not self.has_class("-understanding"):
            return
        if self.desk.image.answered.explanation is not None:
            self.end_understanding()
            return
        page, inks = self.query_one("#summary", Page), self.inks
        page.indent = _INDENT
        page.read([Text("what was understood", inks.title), Text(""), *understood_lines(self.desk.project, inks)])

    def end_understanding(self) -> None:
        self.remove_class("-understanding")

    def do(self, command: Command) -> None:
        self.end_understanding()
        super().do(command)

    def do_understood(self, command: Command) -> None:
        self.app.push_screen(Understood(self.desk.project))
