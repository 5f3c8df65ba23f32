"""The popup that chooses a method, with a bar for what is stored of each."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from fer_tui.engine.messages import Variant
from fer_tui.tui.desk import Desk
from fer_tui.tui.stored import counting
from fer_tui.tui.widgets.lines import Inks, Lines, cut

from .batch_words import share_bar
from .popups import Choice

_EVERY = 0.1  # seconds between two looks at what was counted
_WIDTH, _BAR, _BESIDE = 60, 12, 24  # cells of a line, of its bar, of all beside the name


class MethodPicker(Choice):
    """The methods, then the names that the literature has for some of them under certain parameters.

    The bar is the share of the listed images whose explanation, of the class that is explained, is stored.
    """

    def __init__(self, desk: Desk) -> None:
        methods, aliases = desk.project.methods_for(dataset=False), desk.project.aliases
        room = max((len(alias) for _, alias in aliases), default=0)
        titles = [method.title for method in methods]
        titles += [f"{alias:{room}}  {method.title}" for method, alias in aliases]
        now = desk.choice.method
        super().__init__("method", titles, methods.index(now) if now in methods else None)
        self._desk = desk
        self._variants = [Variant(each.name, desk.choice.parameters(each)) for each in methods]
        for each, alias in aliases:
            self._variants.append(Variant(each.name, {**desk.choice.parameters(each), **each.aliases[alias]}))

    def on_mount(self) -> None:
        self.query_one(Lines).styles.width = _WIDTH + 2
        browser = self._desk.browser
        if browser is not None and self._desk.project.classifier is not None:
            self._desk.stored.want(counting(self._variants, browser, browser.listed, browser.target), again=True)
            self.set_interval(_EVERY, self._draw)

    def on_unmount(self) -> None:
        self._desk.stored.stop()

    def heading(self, inks: Inks) -> Text:
        head = Text.assemble((self._title, inks.title))
        if self._desk.stored.shares:
            head.append(" " * max(2, 5 + self._room + 2 - head.cell_len)).append("stored", inks.muted)
        return head

    @property
    def _room(self) -> int:
        """Columns for a name."""
        return min(max(map(len, self._names)), _WIDTH - _BESIDE)

    def told(self, number: int, ink: Style, inks: Inks) -> Text:
        """The name, and the bar behind it."""
        name = cut(self._names[number], self._room)
        return Text(f"{name}  ", ink).append_text(share_bar(self._desk.stored.shares.get(number), _BAR, inks))
