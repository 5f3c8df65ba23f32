"""Popups: a list to choose from, and a text to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input

from fer_tui.contract import InputError, ParameterInfo, Value, plain
from fer_tui.terminal.pacing import Over
from fer_tui.tui.bindings import Binding, key_name
from fer_tui.tui.widgets.lines import Inks, Lines, Page
from fer_tui.tui.widgets.text_input import TextInput


class Choice(Over, ModalScreen[int | None], inherit_bindings=False):
    """A list of names: j and k move, a number or Enter chooses, Esc leaves. Gives the chosen index.

    preview: is told where the cursor goes.
    """

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        current: int | None,
        *,
        first: int = 1,
        preview: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self._preview = preview
        self._title, self._names, self._first = title, [plain(name) for name in names], first
        self._at = current or 0
        self._top = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup narrow-popup"):
            yield Lines(id="choices")

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        lines = self.query_one(Lines)
        inks = lines.inks
        room = max(1, self.app.size.height - 6)
        self._top = min(max(self._top, self._at - room + 1), self._at)
        shown = [self.heading(inks)]
        for number in range(self._top, min(len(self._names), self._top + room)):
            mark, ink = ("▸", inks.accent) if number == self._at else (" ", inks.plain)
            head = Text.assemble((f"{mark} ", ink), (f"{number + self._first:>2} ", inks.muted))
            shown.append(head.append_text(self.told(number, ink, inks)))
        lines.show(shown)

    def heading(self, inks: Inks) -> Text:
        """What stands above them."""
        return Text(self._title, inks.title)

    def told(self, number: int, ink: Style, inks: Inks) -> Text:
        """What is told of the choice of that number behind it."""
        return Text(self._names[number], ink)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        key = event.character if event.is_printable and event.character else event.key
        last = len(self._names) - 1
        if key in ("escape", "q"):
            self.dismiss(None)
        elif key == "enter":
            self.dismiss(self._at)
        elif key.isdecimal() and self._first <= int(key) <= last + self._first <= 9 + self._first:
            self.dismiss(int(key) - self._first)
        else:
            steps = {"j": 1, "down": 1, "k": -1, "up": -1, "pagedown": 10, "pageup": -10}.get(key, 0)
            edge = {"g": 0, "home": 0, "G": last, "end": last}.get(key)
            before, self._at = self._at, edge if edge is not None else min(max(0, self._at + steps), last)
            if self._preview is not None and self._at != before:
                self._preview(self._at)  # it may be another theme that the names are drawn in
            self._draw()

    def on_click(self, event: events.Click) -> None:
        lines = self.query_one(Lines)
        number = event.screen_y - lines.region.y - 1 + self._top
        if not lines.region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)
        elif 0 <= number < len(self._names) and event.screen_y > lines.region.y:
            self.dismiss(number)


class Entry(Over, ModalScreen[Value | None], inherit_bindings=False):
    """A parameter's new value, typed: Enter takes it where it is one, Esc leaves. Gives the value."""

    def __init__(self, info: ParameterInfo, value: Value) -> None:
        super().__init__()
        self._info, self._value = info, value

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup"):
            yield Page(id="about")
            yield TextInput(str(self._value), id="entry", compact=True)
            yield Page(id="fault")

    def on_mount(self) -> None:
        about, info = self.query_one("#about", Page), self._info
        inks = about.inks
        bounds = [f"{sign} {bound:g}" for sign, bound in (("from", info.low), ("to", info.high)) if bound is not None]
        told = " ".join([*bounds, plain(info.unit)]).strip()
        about.read([Text(info.name, inks.title), Text(plain(info.help), inks.plain), Text(told, inks.muted)])
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        fault = self.query_one("#fault", Page)
        try:
            self.dismiss(self._info.parse(event.value))
        except InputError as error:
            fault.read([Text(str(error), fault.inks.wrong)])

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.dismiss(None)


class Question(Over, ModalScreen[str | None], inherit_bindings=False):
    """A line of text, typed: Enter takes it, Esc leaves. Gives the text."""

    def __init__(self, title: str, text: str, told: str = "") -> None:
        super().__init__()
        self._title, self._text, self._told = title, text, told

    def compose(self) -> ComposeResult:
        with Vertical(classes="popup"):
            yield Page(id="about")
            yield TextInput(self._text, id="entry", compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        about = self.query_one("#about", Page)
        about.read([Text(self._title, about.inks.title), Text(self._told, about.inks.muted)])
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.dismiss(None)


class Reading(Over, ModalScreen[None], inherit_bindings=False):
    """A text that can be scrolled; any key that does not scroll leaves."""

    indent = 0  # columns before what a wrapped line goes on with

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="popup", can_focus=False):
            yield Page(id="reading")

    def lines(self, inks: Inks) -> Sequence[Text]:
        """What there is to read."""
        raise NotImplementedError

    def on_mount(self) -> None:
        page = self.query_one(Page)
        page.indent = self.indent
        page.read([Text(self._title, page.inks.title), Text(""), *self.lines(page.inks)])

    def on_key(self, event: events.Key) -> None:
        event.stop()
        box = self.query_one(VerticalScroll)
        page = max(1, box.size.height - 1)
        steps = {"j": 1, "down": 1, "k": -1, "up": -1, "pagedown": page, "space": page, "pageup": -page}.get(event.key)
        if steps is None:
            self.dismiss(None)
        else:
            box.scroll_to(y=box.scroll_offset.y + steps, animate=False)

    def on_click(self) -> None:
        self.dismiss(None)


class Help(Reading):
    """What the keys of a screen do."""

    def __init__(self, bindings: Sequence[Binding]) -> None:
        super().__init__("keys")
        self._listed = [binding for binding in bindings if binding.keys]
        self._room = max(len(self._keys(binding.keys)) for binding in self._listed)
        self.indent = 2 + self._room + 2

    def lines(self, inks: Inks) -> Sequence[Text]:
        bindings = self._listed
        lines: list[Text] = []
        for group in dict.fromkeys(binding.group for binding in bindings):
            lines += [Text("")] if lines else []
            lines.append(Text(group, inks.title))
            for binding in bindings:
                if binding.group == group:
                    keys = self._keys(binding.keys)
                    lines.append(Text.assemble((f"  {keys:{self._room}}  ", inks.accent), (binding.help, inks.plain)))
        lines += [Text(""), Text("Any key leaves this help; j and k scroll.", inks.muted)]
        return lines

    @staticmethod
    def _keys(keys: Sequence[str]) -> str:
        return " ".join(map(key_name, keys))


class Details(Reading):
    """A long text as it is, such as a traceback."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title)
        self._text = text

    def lines(self, inks: Inks) -> Sequence[Text]:
        return [Text(plain(line), inks.plain) for line in self._text.splitlines()]
