"""The popup that shows the network's structure, and chooses a layer from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from fer_tui.contract import Layer, plain
from fer_tui.terminal.pacing import Over
from fer_tui.tui.structure import Branch, branches, shape_of
from fer_tui.tui.widgets.lines import Inks, Lines, cut

_OTHERS = 5  # lines of the popup that are no modules: its margins, two heads, a foot
_KIND, _SHAPE, _COUNT = 16, 12, 11  # columns


class LayerPicker(Over, ModalScreen[str | None], inherit_bindings=False):
    """A tree of all modules: what is typed narrows it, arrows move, Enter chooses, Esc leaves. Gives a layer's name.

    open: the names of those that can be chosen; why: said where another one is.
    """

    def __init__(self, modules: Sequence[Layer], open: Collection[str], current: str | None, why: str) -> None:
        super().__init__()
        self._modules, self._open, self._current, self._why = modules, open, current, why
        self._typed, self._said = "", ""
        self._branches: list[Branch] = []
        self._at = self._top = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup"):
            yield Lines(id="tree")

    def on_mount(self) -> None:
        self._narrow()

    def on_resize(self) -> None:
        self._draw()

    def _narrow(self) -> None:
        self._branches = branches(self._modules, self._typed)
        names = [branch.module.name for branch in self._branches]
        first = next((n for n, each in enumerate(self._branches) if each.found and names[n] in self._open), 0)
        is_there = self._current in names and self._branches[names.index(self._current)].found
        self._at = names.index(self._current) if self._current is not None and is_there else first
        self._draw()

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        lines = self.query_one(Lines)
        inks, width, room = lines.inks, min(96, self.app.size.width * 9 // 10 - 4), self._room
        self._top = min(max(self._top, self._at - room + 1, 0), self._at)
        count = len(self._modules)
        head = Text.assemble(("layers", inks.title), (f"  {count} modules", inks.muted))
        head.append(f"  /{plain(self._typed)}" if self._typed else "  type to narrow", inks.accent)
        shown = [head, Text(self._columns("", "class", "output", "parameters", width), inks.muted)]
        for n, branch in list(enumerate(self._branches))[self._top : self._top + room]:
            shown.append(self._line(branch, n == self._at, width, inks))
        if not self._branches:
            shown.append(Text("no module is called so", inks.wrong))
        choose = "● can be chosen · ↑ ↓ Enter" if self._open else self._why or "none can be chosen"
        foot = self._said or f"{choose} · Esc leaves"
        lines.styles.width = width
        lines.show([*shown, Text(foot, inks.wrong if self._said else inks.muted)])

    @property
    def _room(self) -> int:
        """Modules that there is room for: the popup takes nine tenths of the screen at most."""
        return max(1, self.app.size.height * 9 // 10 - _OTHERS)

    def _line(self, branch: Branch, is_here: bool, width: int, inks: Inks) -> Text:
        module = branch.module
        can = module.name in self._open
        mark = "▸" if is_here else " "
        now = "◆" if module.name == self._current else "●" if can else " "
        name = f"{mark}{now} {'  ' * branch.depth}{plain(branch.leaf)}"
        ink = inks.accent if is_here else inks.plain if branch.found and can else inks.muted
        text = self._columns(name, plain(module.kind), shape_of(module), f"{module.parameters:,}", width)
        return Text(text, ink)

    @staticmethod
    def _columns(name: str, kind: str, shape: str, count: str, width: int) -> str:
        room = max(12, width - _KIND - _SHAPE - _COUNT - 3)
        kind, shape = cut(kind, _KIND), cut(shape, _SHAPE)
        return f"{cut(name, room)} {kind} {shape} {count:>{_COUNT}}"

    # ---- keys --------------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        event.stop()
        key, last = event.key, len(self._branches) - 1
        page = self._room
        moves = {"down": 1, "ctrl+n": 1, "up": -1, "ctrl+p": -1, "pagedown": page, "pageup": -page}
        moves |= {"home": -len(self._branches), "end": len(self._branches)}
        self._said = ""
        if key == "escape":
            self.dismiss(None)
        elif key == "enter":
            self._choose()
        elif key in moves:
            self._at = min(max(0, self._at + moves[key]), max(0, last))
            self._draw()
        elif key in ("backspace", "ctrl+h", "ctrl+u"):
            self._typed = "" if key == "ctrl+u" else self._typed[:-1]
            self._narrow()
        elif event.is_printable and event.character:
            self._typed += event.character
            self._narrow()

    def _choose(self) -> None:
        if not self._branches:
            return
        name = self._branches[self._at].module.name
        if name in self._open:
            self.dismiss(name)
        else:
            self._said = self._why or f"{plain(name)} has no filters: its output is not (filters, height, width)"
            self._draw()

    def on_click(self, event: events.Click) -> None:
        lines = self.query_one(Lines)
        number = event.screen_y - lines.region.y - 2 + self._top
        if not lines.region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)
        elif 0 <= number < len(self._branches) and number >= self._top:
            self._at = number
            self._choose()

    def on_mouse_scroll_down(self) -> None:
        self._at = min(self._at + 3, max(0, len(self._branches) - 1))
        self._draw()

    def on_mouse_scroll_up(self) -> None:
        self._at = max(self._at - 3, 0)
        self._draw()
