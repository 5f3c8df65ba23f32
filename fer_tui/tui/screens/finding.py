"""The command palette's popup: a few letters, and what they may mean."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from fer_tui.terminal.pacing import Over
from fer_tui.tui.palette import Found, Offer, search
from fer_tui.tui.widgets.lines import Lines, cut
from fer_tui.tui.widgets.text_input import TextInput

_NAME = 24  # cells for a name, where there is room
_AROUND = 7  # lines that are not offers


class Palette(Over, ModalScreen[Found | None], inherit_bindings=False):
    """Type to find, arrows choose, Tab completes the name (for a number after it), Enter does it, Esc leaves."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        super().__init__()
        self._offers, self._found = offers, search("", offers)
        self._at = self._top = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup", id="palette"):
            yield TextInput(
                id="query", compact=True, placeholder="an action, image 412, a class, method, layer, colours"
            )
            yield Lines(id="offers")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    @property
    def _room(self) -> int:
        return max(1, min(16, self.app.size.height - _AROUND))

    def _draw(self) -> None:
        lines = self.query_one("#offers", Lines)
        inks, width, room = lines.inks, lines.size.width or 72, self._room
        self._top = min(max(self._top, self._at - room + 1), self._at)
        shown = []
        name = min(_NAME, width // 2)
        for number in range(self._top, min(len(self._found), self._top + room)):
            found = self._found[number]
            mark, ink = ("▸", inks.accent) if number == self._at else (" ", inks.plain)
            keys = found.offer.keys if found.count is None else f"{found.count} × {found.offer.keys.split(' ')[0]}"
            title = f"{found.offer.name} {found.count}" if found.count is not None else found.offer.name
            told = cut(found.offer.told, max(0, width - name - len(keys) - 4))
            shown.append(
                Text.assemble((f"{mark} ", ink), (f"{cut(title, name)} ", ink), (told, inks.muted), f" {keys}")
            )
        if not self._found:
            shown.append(Text("  nothing is called that", inks.wrong))
        lines.show(shown + [Text("")] * (room - len(shown)))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._found = search(event.value, self._offers)
        self._at = self._top = 0
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take(self._at)

    def _take(self, number: int) -> None:
        if number < len(self._found):
            self.dismiss(self._found[number])

    def _move(self, steps: int) -> None:
        self._at = min(max(0, self._at + steps), max(0, len(self._found) - 1))
        self._draw()

    def on_key(self, event: events.Key) -> None:
        page = self._room - 1
        steps = {"down": 1, "ctrl+n": 1, "up": -1, "ctrl+p": -1, "pagedown": page, "pageup": -page}.get(event.key)
        if event.key == "escape":
            self.dismiss(None)
        elif event.key == "tab":
            if self._found:
                box = self.query_one(Input)
                box.value = f"{self._found[self._at].offer.name} "
                box.cursor_position = len(box.value)
        elif steps is not None:
            self._move(steps)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_mouse_scroll_down(self) -> None:
        self._move(1)

    def on_mouse_scroll_up(self) -> None:
        self._move(-1)

    def on_click(self, event: events.Click) -> None:
        lines, box = self.query_one("#offers", Lines), self.query_one("#palette")
        if lines.region.contains(event.screen_x, event.screen_y):
            self._take(event.screen_y - lines.region.y + self._top)
        elif not box.region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)
