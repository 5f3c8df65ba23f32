"""The list of images: as quick with a million rows as with seven, for only what is seen is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fer_tui.contract import plain

from .lines import Paper, cursor_of, cut, inks_of

if TYPE_CHECKING:
    from fer_tui.tui.browser import Browser

_MARGIN = 2  # lines that stay in sight above and below the cursor
_NARROWEST_WITH_SHARE = 18


class SampleList(Paper, ScrollView, can_focus=False):
    """One line for each listed row: mark, number, true class, prediction, its probability."""

    DEFAULT_CSS = "SampleList { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; }"

    class Chosen(Message):
        """A line was clicked."""

        def __init__(self, position: int) -> None:
            self.position = position
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._browser: Browser | None = None
        self._names: list[str] = []
        self._cursor = 0
        self._drawn: dict[int, object] = {}  # what the lines in sight told when the list was shown last

    def show(self, browser: Browser) -> None:
        """Show this list, as it is now; only lines that have changed are drawn again."""
        size, names = Size(self.size.width, browser.count), [plain(name) for name in browser.classes]
        is_other = browser is not self._browser or names != self._names or size != self.virtual_size
        self._browser, self._names = browser, names
        if size != self.virtual_size:
            self.virtual_size = size
        cursors = {self._cursor, browser.position}
        self._cursor = browser.position
        is_other = self._keep_in_sight() or is_other
        drawn, self._drawn = self._drawn, {each: _facts(browser, each) for each in self.sight if each < browser.count}
        if is_other:
            self.refresh()
            return
        for position, facts in self._drawn.items():
            if drawn.get(position) != facts or position in cursors:
                self.refresh(Region(0, position - self.scroll_offset.y, self.size.width, 1))

    def follow(self) -> None:
        """Show where the cursor is now; only the lines that it left and reached are drawn again."""
        if self._browser is None:
            return
        before, self._cursor = self._cursor, self._browser.position
        if not self._keep_in_sight():
            for position in {before, self._cursor}:
                self.refresh(Region(0, position - self.scroll_offset.y, self.size.width, 1))

    @property
    def page(self) -> int:
        """Lines that a page has."""
        return max(1, self.size.height - 1)

    @property
    def sight(self) -> range:
        """The positions in the list that are in sight."""
        return range(self.scroll_offset.y, self.scroll_offset.y + self.size.height)

    def _keep_in_sight(self) -> bool:
        """Scroll to the cursor where it is not in sight; whether that was so."""
        height, top = self.size.height, self.scroll_offset.y
        margin = min(_MARGIN, max(0, (height - 1) // 2))
        wanted = min(top, self._cursor - margin)
        wanted = max(wanted, self._cursor + margin - height + 1)
        if abs(wanted - top) > height:
            wanted = self._cursor - height // 2  # a jump: the cursor in the middle
        count = self._browser.count if self._browser is not None else 0
        wanted = min(max(0, wanted), max(0, count - height))
        if wanted == top:
            return False
        self.scroll_to(y=wanted, animate=False, immediate=True, force=True)
        return True

    def on_resize(self, event: events.Resize) -> None:
        if self._browser is not None:
            self.virtual_size = Size(self.size.width, self._browser.count)
            self._keep_in_sight()

    def on_click(self, event: events.Click) -> None:
        position = event.y + self.scroll_offset.y
        if self._browser is not None and position < self._browser.count:
            self.post_message(self.Chosen(position))

    def render_line(self, y: int) -> Strip:
        width, style = self.scrollable_content_region.width, self.paper
        position = y + self.scroll_offset.y
        if self._browser is None or position >= self._browser.count:
            return Strip.blank(width, style)
        text = self._line(self._browser, self._browser.row_at(position), width)
        if position == self._cursor:
            style += cursor_of(self.app)
            text = Text(text.plain) if style.reverse else text  # swapped, each ink would have a paper of its own
        line = Strip(text.render(self.app.console), text.cell_len)
        return line.apply_style(style).adjust_cell_length(width, style)

    def _line(self, browser: Browser, row: int, width: int) -> Text:
        inks = inks_of(self.app)
        known = browser.predictions
        label, predicted = int(known.labels[row]), int(known.predicted[row])
        if predicted < 0 or label < 0:
            mark, ink = "·", inks.muted
        elif predicted == label:
            mark, ink = "✓", inks.right
        else:
            mark, ink = "✗", inks.wrong
        marked = browser.marks is not None and browser.marks.marked[row]
        digits = len(str(max(0, len(known) - 1)))
        share = _share(float(known.confidence[row])) if width >= _NARROWEST_WITH_SHARE else ""
        room = max(0, width - digits - 5 - len(share))
        names = self._names[label] if label >= 0 else ""
        if predicted >= 0 and predicted != label:
            names = f"{names} → {self._names[predicted]}".lstrip()
        return Text.assemble(
            ("●" if marked else " ", inks.accent),
            (f"{mark} ", ink),
            (f"{row:{digits}} ", inks.muted),
            (f"{cut(names, room)} ", inks.plain),
            (share, inks.muted),
        )


def _facts(browser: Browser, position: int) -> object:
    """All that the line of a position tells."""
    row, known = browser.row_at(position), browser.predictions
    marked = browser.marks is not None and bool(browser.marks.marked[row])
    return row, int(known.labels[row]), int(known.predicted[row]), str(known.confidence[row]), marked


def _share(confidence: float) -> str:
    """A probability in four cells."""
    if confidence != confidence:
        return "    "
    return "1.00" if confidence >= 0.995 else f" .{round(confidence * 100):02d}"
