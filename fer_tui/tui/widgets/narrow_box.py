"""The box in which the list is narrowed: live, with what is not understood under the text."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from fer_tui.tui.narrowing import NarrowingError

from .lines import Lines, inks_of

_HELP = "true:fear,sad  pred:happy  wrong  right  conf<.5  ptrue<.2  row<100  hardest   - turns a term round"


class NarrowBox(Vertical):
    """Hidden until `open` is called. Says what is typed; the answer is `tell`."""

    DEFAULT_CSS = """
    NarrowBox { height: 2; display: none; }
    NarrowBox Input { height: 1; border: none; padding: 0 1; background: $panel; }
    NarrowBox Input:focus { border: none; }
    """

    class Typed(Message):
        """The text is this now."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Closed(Message):
        """Enter (kept), or Escape."""

        def __init__(self, kept: bool) -> None:
            self.kept = kept
            super().__init__()

    def compose(self) -> ComposeResult:
        yield Input(select_on_focus=False, compact=True)
        yield Lines()

    def open(self, text: str) -> None:
        """Show the box with this text in it."""
        self.display = True
        box = self.query_one(Input)
        with box.prevent(Input.Changed):
            box.value = text
        box.cursor_position = len(text)
        box.focus()
        self.tell(None, 0)

    def close(self) -> None:
        """Hide the box."""
        self.screen.set_focus(None)
        self.display = False

    def tell(self, error: NarrowingError | None, count: int) -> None:
        """How the text was understood."""
        inks = inks_of(self.app)
        if error is None:
            known = f"{count:,} images" if self.query_one(Input).value.strip() else _HELP
            line = Text(f" {known}", inks.muted)
        else:
            caret = " " * (1 + error.start) + "^" * max(1, error.stop - error.start)
            line = Text.assemble((caret, inks.fault), (f" {error}", inks.wrong))
        self.query_one(Lines).show([line])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Closed(kept=True))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.post_message(self.Closed(kept=False))
