"""The form of a method's parameters, beside the explanation that changes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rich.style import Style
from rich.text import Text
from textual import events
from textual.timer import Timer

from fer_tui.contract import ParameterInfo, Value, plain
from fer_tui.tui.choice import Choice
from fer_tui.tui.form import PRESET, Form, bounds, stepped

from .lines import Inks, Lines, cut
from .picture_pane import wrapped
from .side import shown

_SOON = 0.3  # seconds without another character, after which what is typed is used
_HEAD = 2  # lines above the rows
_STEPS = {"l": 1, "right": 1, "+": 1, "=": 1, "h": -1, "left": -1, "-": -1}
_MOVES = {"j": 1, "down": 1, "tab": 1, "k": -1, "up": -1, "shift+tab": -1}


class ParameterForm(Lines, can_focus=True):
    """Takes the keys while it is open. changed: is called when another value is to be used; closed: when it is left."""

    DEFAULT_CSS = "ParameterForm { padding: 0 1; }"

    def __init__(self, choice: Choice, form: Form, changed: Callable[[], None], closed: Callable[[], None]) -> None:
        super().__init__(id="form")
        self._choice, self._form, self._then, self._leave = choice, form, changed, closed
        self._waiting: Timer | None = None
        self._rows: list[int] = []  # of the form, by line of the widget

    @property
    def values(self) -> Mapping[str, Value]:
        return self._choice.parameters(self._form.method)

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    # ---- keys --------------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        key = event.character if event.is_printable and event.character else event.key
        form = self._form
        if form.typed is not None and self._type(key):
            pass
        elif key in ("escape", "q", "p"):
            self._leave()
            return
        elif key in _MOVES:
            self._use_typed()
            form.move(_MOVES[key])
        elif key in ("home", "g", "end", "G"):
            form.move((0 if key in ("home", "g") else -1) - form.at)
        elif key in _STEPS:
            self._step(_STEPS[key])
        elif key in ("r", "R"):
            self._reset(everything=key == "R")
        elif key in ("enter", " ", "space"):
            self._enter(begin=key == "enter")
        elif form.info is not None and not form.info.choices and (key.isdecimal() or key == "."):
            self._type(key)
        self.draw()

    def _type(self, key: str) -> bool:
        """Whether the key was about what is being typed."""
        form = self._form
        if key == "enter":
            self._use_typed()
            form.typed = form.typed if form.fault else None
        elif key == "escape":
            form.typed, form.fault = None, ""
            self._wait(None)
        elif key == "backspace":
            form.erase()
            self._wait(self._use_typed)
        elif len(key) == 1:
            form.type(key)
            self._wait(self._use_typed)
        else:
            return False
        return True

    def _wait(self, then: Callable[[], None] | None) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_SOON, then) if then is not None else None

    def _use_typed(self) -> None:
        """Use what is typed, if it is a value; else say why not."""
        self._wait(None)
        value = self._form.read()
        if value is not None:
            self._set(value)
        self.draw()

    def _set(self, value: Value) -> None:
        info = self._form.info
        if info is not None and self.values[info.name] != value:
            self._choice.set_parameter(self._form.method, info, value)
            self._then()

    def _step(self, steps: int) -> None:
        form = self._form
        if form.info is not None:
            self._set(stepped(form.info, self.values[form.info.name], steps))
        else:
            preset = form.next_preset(self.values, steps)
            self._choice.reset(form.method)
            self._choice.choose_alias(form.method, preset)
            self._then()

    def _enter(self, *, begin: bool) -> None:
        info = self._form.info
        if info is None or info.choices or info.type == "bool":
            self._step(1)
        elif begin:
            self._form.typed = str(self.values[info.name])

    def _reset(self, *, everything: bool) -> None:
        form = self._form
        form.typed, form.fault = None, ""
        if everything or form.info is None:
            self._choice.reset(form.method)
            self._then()
        else:
            self._set(self._choice.usual(form.method)[form.info.name])

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y < len(self._rows) and (row := self._rows[event.y]) >= 0:
            if row == self._form.at:
                self._enter(begin=True)
            else:
                self._use_typed()
                self._form.move(row - self._form.at)
            self.draw()

    # ---- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw the form as its values are now."""
        width, height = self.content_size
        if not width or not height:
            return
        form, inks, values = self._form, self.inks, self.values
        lines = [Text(f"parameters of {plain(form.method.title)}", inks.title)]
        lines.append(Text("h l change · r R reset · Esc leaves", inks.muted))
        rows = [list(self._row(n, info, values, width, inks)) for n, info in enumerate(form.rows)]
        about = [list(self._about(info, width, inks)) for info in form.rows]
        spare = height - _HEAD - sum(map(len, rows))
        most = next(
            (n for n in (4, 3, 2, 1) if sum(len(more[:n]) for more in about) + 3 <= spare), 0
        )  # lines about each
        told = [more if n == form.at else _first(more, most) for n, more in enumerate(about)]
        blocks = [[*row, *more] for row, more in zip(rows, told, strict=True)]
        first = 0
        while first < form.at and sum(map(len, blocks[first : form.at + 1])) > height - _HEAD:
            first += 1
        self._rows = [-1] * _HEAD
        for number, block in enumerate(blocks[first:], first):
            lines += block
            self._rows += [number] * len(block)
        self.show(lines[:height])

    def _row(
        self, number: int, info: ParameterInfo | None, values: Mapping[str, Value], width: int, inks: Inks
    ) -> Iterator[Text]:
        """Name and value; below it what is wrong with what is typed."""
        form = self._form
        is_here = number == form.at
        room = max(len(each.name) if each is not None else len(PRESET) for each in form.rows)
        ink, unit = inks.plain, ""
        if info is None:
            name, value = PRESET, form.preset(values) or "–"
        else:
            name, value, unit = plain(info.name), shown(values[info.name]), plain(info.unit)
            ink = inks.plain if values[info.name] == self._choice.usual(form.method)[info.name] else inks.accent
            if not info.applies(values):
                ink = inks.muted + Style(dim=True)
        if is_here and form.typed is not None:
            value, ink = f"{plain(form.typed)}▏", inks.wrong if form.fault else inks.strong
        yield Text.assemble(
            ("▸ " if is_here else "  ", inks.accent),
            (f"{cut(name, room)}  ", inks.strong if is_here else inks.muted),
            (f"‹ {value} ›" if is_here and (info is None or info.choices) else value, ink),
            (f" {unit}" if unit else "", inks.muted),
        )
        if is_here and form.fault:
            yield from (
                Text(f"    ✗ {line.plain}", inks.wrong) for line in wrapped(form.fault, width - 6, 2, inks.wrong)
            )

    def _about(self, info: ParameterInfo | None, width: int, inks: Inks) -> Iterator[Text]:
        """Help, default and range."""
        if info is None:
            told = f"names from the literature: {', '.join(map(plain, self._form.presets))}"
        else:
            only = "" if info.applies(self.values) else " (without effect here)"
            told = f"{plain(info.help)}{only} · {self._default(info)} · {plain(bounds(info))}"
        for line in wrapped(told, width - 4, 4, inks.muted):
            yield Text(f"    {line.plain}", inks.muted)

    def _default(self, info: ParameterInfo) -> str:
        """What `r` gives back, and where the configuration says so."""
        own = self._choice.defaults(self._form.method).get(info.name)
        if own is None:
            return f"default {shown(info.default)}"
        return f"default {shown(own.value)} ({plain(Path(own.origin).name)}; built in {shown(info.default)})"


def _first(lines: list[Text], count: int) -> list[Text]:
    """So many lines; an ellipsis says that there are more."""
    if count and len(lines) > count:
        return [*lines[: count - 1], Text(f"{lines[count - 1].plain.rstrip(' ·')} …", lines[count - 1].style)]
    return lines[:count]
