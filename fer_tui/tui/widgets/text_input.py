"""A line that is typed into, with a cursor that keeps still where nothing is to move."""

from __future__ import annotations

from textual import constants
from textual.widgets import Input


class TextInput(Input):
    """Textual's, whose cursor does not blink under TEXTUAL_ANIMATIONS=none."""

    def on_mount(self) -> None:
        self.cursor_blink = constants.TEXTUAL_ANIMATIONS != "none"
