"""The middle pane: what is explained, the picture, its colours, and its twin in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.message import Message

from fer_tui.terminal import Picture

from .colour_bar import HEIGHT, WIDTH, Bar, ColourBar
from .lines import Lines, Page

if TYPE_CHECKING:
    from PIL.Image import Image

    from fer_tui.tui.pointing import Pointer

_HIGH = 30  # lines of a pane with room for a longer caption


class Ruler(Lines, can_focus=True):
    """The line above the picture where the pointer's column is marked; keys are the screen's while it has the focus."""


class PicturePane(Vertical):
    """Shows a title, a picture, and lines below it."""

    DEFAULT_CSS = """
    PicturePane { padding: 0 1; }
    PicturePane > Lines { height: auto; }
    PicturePane > #caption { height: 4; }
    PicturePane.-high > #caption { height: 5; }
    PicturePane > #shown { height: 1fr; layout: horizontal; align-horizontal: center; }
    PicturePane > #across, PicturePane #down, PicturePane > #twin { display: none; }
    PicturePane.-words > #shown { display: none; }
    PicturePane.-pointing > #across { display: block; height: 1; }
    PicturePane.-pointing #down { display: block; dock: left; width: 1; height: 1fr; }
    PicturePane.-pointing.-words > #across { display: none; }
    PicturePane.-words > #twin { display: block; height: 1fr; scrollbar-size-vertical: 1; scrollbar-color: $panel;
        scrollbar-background: $background; }
    PicturePane #words { width: 100%; }
    PicturePane ColourBar { display: none; }
    PicturePane.-beside ColourBar { display: block; width: 13; }
    PicturePane.-under > #shown { layout: vertical; }
    PicturePane.-under ColourBar { display: block; height: 2; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pointer: Pointer | None = None
        self._has_bar = False
        self._width: int | str = "1fr"

    class Resized(Message):
        """There is more or less room for the caption."""

    class Pointed(Message):
        """The mouse is over the picture, at these shares of its height and width. chosen: it was clicked."""

        def __init__(self, down: float, right: float, chosen: bool) -> None:
            self.down, self.right, self.chosen = down, right, chosen
            super().__init__()

    class Turned(Message):
        """The wheel was turned over the picture. steps: images on, or back where negative."""

        def __init__(self, steps: int) -> None:
            self.steps = steps
            super().__init__()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Turned(1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Turned(-1))

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height >= _HIGH, "-high")
        self._place_bar()
        self.post_message(self.Resized())

    def compose(self) -> ComposeResult:
        yield Lines(id="title")
        yield Ruler(id="across")
        with Container(id="shown"):
            yield Lines(id="down")
            yield Picture(id="picture")
            yield ColourBar(id="bar")
        with VerticalScroll(id="twin", can_focus=False):
            yield Page(id="words")
        yield Lines(id="caption")

    @property
    def caption_lines(self) -> int:
        """How many lines the caption has."""
        return 5 if self.has_class("-high") else 4

    @property
    def picture(self) -> Picture:
        return self.query_one(Picture)

    def show(self, picture: Image | None, *, has_bar: bool = False, bar: Bar | None = None) -> None:
        """Show a picture. has_bar: there is room kept for a colour bar, so that views of one map lie at one place."""
        if picture is None or not same(picture, self.picture.picture):
            self.picture.show(picture)
        self._has_bar = has_bar
        self._place_bar()
        self.query_one(ColourBar).show_bar(bar)

    def _place_bar(self) -> None:
        """Beside the picture or under it, whichever leaves more to the picture."""
        picture, shown = self.picture.picture, self.query_one("#shown")
        width, height = shown.size
        where = bar_place(picture.size, width, height, self.picture.cell_ratio) if picture and self._has_bar else ""
        self.set_class(where == "beside", "-beside")
        self.set_class(where == "under", "-under")
        wanted: int | str = "1fr"
        if where == "beside" and picture:
            wanted = min(width - WIDTH, math.ceil(picture.width / picture.height * height * self.picture.cell_ratio))
        if self._width != wanted:
            self._width = wanted
            self.picture.styles.width = wanted

    # ---- the pointer and the twin in words ---------------------------------------------------------------------------

    def point(self, pointer: Pointer | None) -> None:
        """Have a pointer from now on, or none; the picture keeps its place while it moves."""
        began = (self.pointer is None) != (pointer is None)
        self.pointer = pointer
        if began:
            self.set_class(pointer is not None, "-pointing")
            self.screen.set_focus(self.query_one(Ruler) if pointer is not None else None)

    def show_pointer(self, shape: tuple[int, ...] | None) -> None:
        """Marks at the edges, at the pointer's place in a map of that shape: a few bytes however it is drawn."""
        across, down = self.query_one(Ruler), self.query_one("#down", Lines)
        if self.pointer is None or shape is None:
            across.show([Text("")])
            down.show([Text("")] * down.size.height)
            return
        left, top, columns, rows = self.picture.frame
        x = self.picture.region.x - self.content_region.x + left + int((self.pointer.column + 0.5) / shape[1] * columns)
        y = self.picture.region.y - down.region.y + top + int((self.pointer.row + 0.5) / shape[0] * rows)
        across.show([Text(" " * x).append("▼", across.inks.accent)])
        down.show([Text("▶" if n == y else "", down.inks.accent) for n in range(max(down.size.height, y + 1))])

    @property
    def in_words(self) -> bool:
        """Whether the twin in words is there in place of the picture."""
        return self.has_class("-words")

    def show_words(self, lines: Sequence[str] | None) -> None:
        """Show the twin in words in place of the picture, or the picture again."""
        self.set_class(lines is not None, "-words")
        if lines is not None:
            self.query_one(Page).read([Text(line) for line in lines])

    def on_click(self, event: events.Click) -> None:
        self._pointed(event, chosen=True)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.pointer is not None:
            self._pointed(event, chosen=False)

    def _pointed(self, event: events.MouseEvent, *, chosen: bool) -> None:
        left, top, columns, rows = self.picture.frame
        x = event.screen_x - self.picture.region.x - left
        y = event.screen_y - self.picture.region.y - top
        if not self.in_words and 0 <= x < columns and 0 <= y < rows:
            self.post_message(self.Pointed((y + 0.5) / rows, (x + 0.5) / columns, chosen))

    def show_title(self, title: Text) -> None:
        self.query_one("#title", Lines).show([title])

    def show_caption(self, lines: Sequence[Text]) -> None:
        self.query_one("#caption", Lines).show(lines)


class OtherPane(Vertical):
    """Holds a second picture pane, at which the mouse points at nothing."""

    def on_picture_pane_pointed(self, message: PicturePane.Pointed) -> None:
        message.stop()


def same(picture: Image, other: Image | None) -> bool:
    """Whether two pictures show the same."""
    if other is None or (picture.size, picture.mode) != (other.size, other.mode):
        return False
    return picture.tobytes() == other.tobytes()


def bar_place(size: tuple[int, int], width: int, height: int, ratio: float) -> str:
    """Where the colour bar of a picture of `size` pixels lies in so many cells: beside, under, or '' where it cannot.

    ratio: of a cell's height to its width.
    """

    def scale(columns: int, rows: int) -> float:
        return min(columns / size[0], ratio * rows / size[1])

    beside, under = scale(width - WIDTH, height), scale(width, height - HEIGHT)
    if max(beside, under) <= 0:
        return ""
    return "beside" if beside >= under and height > HEIGHT else "under"


def wrapped(text: str, width: int, lines: int, style: Style) -> list[Text]:
    """`text` in at most so many lines; the last one ends in an ellipsis where there was more."""
    import textwrap

    parts = textwrap.wrap(text, max(10, width), max_lines=lines, placeholder=" …")
    return [Text(part, style) for part in parts]


def fitted(lines: Sequence[Text], most: int) -> list[Text]:
    """As many of the lines as there is room for; the last one ends in an ellipsis where there were more."""
    kept = list(lines[:most])
    if kept and len(lines) > most and not kept[-1].plain.endswith("…"):
        kept[-1] = kept[-1].copy().append(" …")
    return kept


def folded(text: Text, width: int) -> list[Text]:
    """A styled text in lines of at most `width` cells, broken between its parts where that can be."""
    lines, parts = [Text()], text.split(" · ", include_separator=False) if text.cell_len > width else [text]
    for part in parts:
        if lines[-1] and lines[-1].cell_len + 3 + part.cell_len > width:
            lines.append(Text())
        elif lines[-1]:
            lines[-1].append(" · ", "dim")
        lines[-1].append_text(part)
    return lines
