"""The lines at the top and the bottom of every screen."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rich.text import Text
from textual import events
from textual.message import Message

from fer_tui.tui.bindings import HINTED_FIRST, SCREENS, Binding, key_name
from fer_tui.tui.first_steps import STEPS

from .lines import Lines


class Bar(Lines):
    """One line: parts from the left, separated by dots, and a part at the right end, which is never cut, but gives way
    where the first part has no room beside it.
    """

    DEFAULT_CSS = "Bar { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: list[Text] = []
        self._right = Text()

    def show_parts(self, left: Iterable[Text], right: Text | None = None) -> None:
        """Show these; where there is no room the last parts of the left are left out."""
        self._left, self._right = [part for part in left if part.plain], right or Text()
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if not width:
            return
        right = self._right
        if self._left and 1 + self._left[0].cell_len + 2 + right.cell_len > width:
            right = Text()
        room = width - right.cell_len - (2 if right.plain else 0)
        line = Text(" ")
        for n, part in enumerate(self._left):
            dot = Text(" · " if n else "", self.inks.muted)
            if n and line.cell_len + dot.cell_len + part.cell_len > room:
                break
            line.append_text(dot).append_text(part)
        if line.cell_len > room:
            line.truncate(max(0, room), overflow="ellipsis")
        line.append(" " * (width - line.cell_len - right.cell_len - 1))
        self.show([line.append_text(right)])


class Hints(Lines):
    """The keys that matter here, as many as there is room for; on the samples after the first steps that are left.

    steps: those of them that are left, by their actions' names. A click on one is the key.
    """

    DEFAULT_CSS = "Hints { height: 1; }"

    class Chosen(Message):
        """A hint was clicked."""

        def __init__(self, binding: Binding) -> None:
            self.binding = binding
            super().__init__()

    def __init__(self, bindings: Iterable[Binding], steps: Collection[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        bindings, self._steps = list(bindings), steps
        self._by_id = {binding.id: binding for binding in bindings}
        self._places: list[tuple[range, Binding]] = []  # the cells of each hint
        self._keys = {binding.id: key_name(binding.keys[0]) for binding in bindings if binding.keys}
        hinted = [binding for binding in bindings if binding.hint and binding.keys]
        self._hinted = sorted(hinted, key=_weight)  # where there is room for few, these are first

    def on_resize(self, event: events.Resize) -> None:
        self.draw()

    def draw(self) -> None:
        self._places = []
        inks, width = self.inks, self.size.width
        line = self._steps_line(width)
        last = [binding for binding in self._hinted if binding.id in ("help", "quit")]
        told = {name for name in self._steps if any(binding.id == name for _, binding in self._places)}
        hints = {
            binding.id: Text.assemble(
                (key_name(binding.keys[0]), inks.title), (f" {binding.hint}", inks.muted), ("  ", inks.muted)
            )
            for binding in self._hinted
            if binding.id not in told
        }
        room = width - 1 - sum(hints[binding.id].cell_len for binding in last)
        for binding in self._hinted:
            if binding.id in hints and binding not in last and line.cell_len + hints[binding.id].cell_len <= room:
                self._place(binding, line, hints[binding.id])
        for binding in last:
            self._place(binding, line, hints[binding.id])
        self.show([line])

    def _steps_line(self, width: int) -> Text:
        """The next of the first steps; the others, too, where at least half of the line is left for the hints."""
        inks, line = self.inks, Text(" ")
        steps = [name for name in self._steps if name in self._keys]
        if steps:
            line.append("first  ", inks.accent)
        for number, name in enumerate(steps):
            hint = Text.assemble((self._keys[name], inks.title), (f" {STEPS[name]}  ", inks.plain))
            if number and line.cell_len + hint.cell_len > width // 2:
                break
            self._place(self._by_id[name], line, hint)
        return line

    def _place(self, binding: Binding, line: Text, hint: Text) -> None:
        start = line.cell_len
        line.append_text(hint)
        self._places.append((range(start, line.cell_len), binding))

    def on_click(self, event: events.Click) -> None:
        for cells, binding in self._places:
            if event.x in cells:
                self.post_message(self.Chosen(binding))


def _weight(binding: Binding) -> int:
    """A screen's own keys come first, then those that are needed most."""
    return 0 if binding.group in SCREENS.values() else 1 if binding.id in HINTED_FIRST else 2
