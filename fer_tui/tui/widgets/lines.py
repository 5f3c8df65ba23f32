"""Lines of styled text, of which only those that changed are sent; and the inks that all widgets write with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_PAGE = 84  # columns of a text to read, where there is room


@dataclass(frozen=True, slots=True)
class Inks:
    """Styles of text, from the theme."""

    plain: Style
    muted: Style
    strong: Style
    title: Style
    accent: Style
    right: Style
    wrong: Style
    fault: Style
    bar: Style


def inks_of(app: App[object]) -> Inks:
    """The inks of the theme in use."""
    theme = app.current_theme
    return _inks(theme.primary, theme.secondary, theme.foreground, theme.accent, theme.success, theme.error)


def cursor_of(app: App[object]) -> Style:
    """What a line at the cursor has: the theme's panel, or, in the terminal's own colours, ink and paper swapped."""
    theme = app.current_theme
    return Style(reverse=True, bold=True) if theme.ansi or app.no_color else Style(bgcolor=theme.panel, bold=True)


def _rich(colour: str | None) -> str | None:
    """Rich's name for a colour of Textual."""
    return colour.removeprefix("ansi_") if colour is not None else None


@lru_cache(16)
def _inks(*colours: str | None) -> Inks:
    primary, secondary, foreground, accent, good, bad = map(_rich, colours)
    return Inks(
        plain=Style(color=foreground),
        muted=Style(color=secondary),
        strong=Style(color=foreground, bold=True),
        title=Style(color=primary, bold=True),
        accent=Style(color=accent, bold=True),
        right=Style(color=good),
        wrong=Style(color=bad),
        fault=Style(color=bad, bold=True),
        bar=Style(color=primary),
    )


def cut(text: str, width: int) -> str:
    """`text` in exactly `width` cells, an ellipsis where it is cut."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return set_cell_size(text, max(0, width))
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width) if width > 0 else ""


def end_of(text: str, width: int) -> str:
    """`text` in at most `width` cells: its end, behind an ellipsis, where it is longer."""
    from rich.cells import cell_len

    start = 0
    while cell_len(text[start:]) + (1 if start else 0) > width and start < len(text):
        start += 1
    return f"…{text[start:]}" if start else text


@lru_cache(16)
def apart(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Each name in at most `width` cells: its beginning, or its end where the beginnings of two would be the same."""
    kept = [cut(name, width).strip() for name in names]
    count = Counter(kept)
    return tuple(end_of(name, width) if count[each] > 1 else each for name, each in zip(names, kept, strict=True))


def filled(share: float, width: int) -> str:
    """A bar of exactly `width` cells, of which this share (0 to 1) is filled, to the eighth of a cell."""
    eighths = round(share * width * 8) if share == share else 0
    return f"{'█' * (eighths // 8)}{_EIGHTHS[eighths % 8] if eighths % 8 else ''}".ljust(width)


def centred(text: str, width: int) -> str:
    """`text` in the middle of exactly `width` cells, cut where it is longer."""
    from rich.cells import cell_len

    kept = cut(text, width).strip() if cell_len(text) > width else text
    return cut(" " * ((width - cell_len(kept)) // 2) + kept, width)


class Paper:
    """Remembers a widget's own style, which takes long to find, until its styles change."""

    _paper: Style | None = None

    @property
    def paper(self) -> Style:
        if self._paper is None:
            self._paper = self.rich_style  # type: ignore[attr-defined]
        return self._paper

    def notify_style_update(self) -> None:
        self._paper = None
        super().notify_style_update()  # type: ignore[misc]


class Lines(Paper, Widget):
    """Shows lines of text, cut at its width. Texts are never read as markup."""

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._texts: list[Text] = []

    @property
    def inks(self) -> Inks:
        return inks_of(self.app)

    @property
    def text(self) -> str:
        """What is shown, without style."""
        return "\n".join(text.plain for text in self._texts)

    def show(self, lines: Sequence[Text]) -> None:
        """Show these lines; those that are as before are not sent again."""
        old, self._texts = self._texts, list(lines)
        if len(old) != len(self._texts) and self.styles.height is not None and self.styles.height.is_auto:
            self.refresh(layout=True)
            return
        for y in range(max(len(old), len(self._texts))):
            before = old[y] if y < len(old) else None
            now = self._texts[y] if y < len(self._texts) else None
            if before is None or now is None or before != now or before.style != now.style:
                self.refresh(Region(0, y, self.size.width, 1))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return max(1, len(self._texts))

    def render_line(self, y: int) -> Strip:
        width, style = self.size.width, self.paper
        if y >= len(self._texts):
            return Strip.blank(width, style)
        text = self._texts[y]
        line = Strip(text.render(self.app.console), text.cell_len)
        if text.cell_len > width:
            line = line.crop(0, max(0, width - 1)).adjust_cell_length(width - 1) if width else line
            line = Strip([*line, *Text("…").render(self.app.console)], width)
        return line.apply_style(style + self.app.console.get_style(text.style)).adjust_cell_length(width, style)


class Page(Lines):
    """Lines of text, wrapped at its width. indent: where a line that begins with a space goes on."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.indent = 0
        self._read: list[Text] = []

    def read(self, lines: Iterable[Text]) -> None:
        """Show these lines, however long they are."""
        self._read = list(lines)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.size.width or _PAGE
        self.show([part for line in self._read for part in self._wrapped(line, width)])

    def _wrapped(self, line: Text, width: int) -> Iterable[Text]:
        indent = self.indent if line.plain.startswith(" ") and self.indent < min(width, len(line)) else 0
        head, tail = line.divide([indent]) if indent else (Text(), line)
        for n, part in enumerate(tail.wrap(self.app.console, width - indent, overflow="fold")):
            yield (Text(" " * indent) if n else head).append_text(part)
