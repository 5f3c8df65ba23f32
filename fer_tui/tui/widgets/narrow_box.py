"""The box in which the list is narrowed: live, with what is not understood under the text."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from fer_tui.contract import plain
from fer_tui.tui.completion import Completion
from fer_tui.tui.narrowing import NarrowingError

from .lines import Lines, inks_of
from .text_input import TextInput

_HELP = "true:fear,sad  pred:happy  wrong  conf<.5  loss>2  margin<.1  hardest   - turns a term round   Tab completes"


class NarrowBox(Vertical):
    """Hidden until `open` is called. Says what is typed; the answer is `tell`. Tab, Up and Down complete."""

    DEFAULT_CSS = """
    NarrowBox { height: 3; display: none; }
    NarrowBox Input { height: 1; border: none; padding: 0 1 !important; background: $panel; }
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
        yield TextInput(select_on_focus=False, compact=True)
        yield Lines(id="understood")
        yield Lines(id="completion")

    def open(self, text: str, complete: Callable[[str, int], Completion]) -> None:
        """Show the box with this text in it. complete: what may be typed in a text at a cursor."""
        self._complete, self._chosen = complete, 0
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
            known = f"{count:,} image{'' if count == 1 else 's'}" if self.query_one(Input).value.strip() else _HELP
            line = Text(f" {known}", inks.muted)
        else:
            caret = " " * (1 + error.start) + "^" * max(1, error.stop - error.start)
            line = Text.assemble((caret, inks.fault), (f" {error}", inks.wrong))
        self.query_one("#understood", Lines).show([line])
        self._chosen = 0
        self._draw_completion()

    @property
    def _completion(self) -> Completion:
        box = self.query_one(Input)
        return self._complete(box.value, box.cursor_position)

    def _draw_completion(self) -> None:
        """What may be typed next, the chosen one marked; as much as there is room for after it."""
        inks, words = inks_of(self.app), self._completion.words
        line = Text(" ")
        for number in range(max(0, self._chosen - 2), len(words)):
            line.append(plain(words[number]), inks.accent if number == self._chosen else inks.muted).append("  ")
        self.query_one("#completion", Lines).show([line])

    def _take_completion(self) -> None:
        completion, box = self._completion, self.query_one(Input)
        if completion.words:
            text, cursor = completion.take(box.value, box.cursor_position, min(self._chosen, len(completion.words) - 1))
            box.value = text
            box.cursor_position = cursor

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
        elif event.key in ("tab", "down", "up"):
            event.stop()
            event.prevent_default()
            if event.key == "tab":
                self._take_completion()
            elif count := len(self._completion.words):
                self._chosen = (self._chosen + (1 if event.key == "down" else -1)) % count
                self._draw_completion()
