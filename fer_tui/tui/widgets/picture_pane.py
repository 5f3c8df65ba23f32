"""The middle pane: what is explained, the picture, its colours, and its twin in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message

from fer_tui.terminal import Picture

from .colour_bar import HEIGHT, WIDTH, Bar, ColourBar
from .lines import Lines

if TYPE_CHECKING:
    from PIL.Image import Image

_HIGH = 30  # lines of a pane with room for a longer caption


class PicturePane(Vertical):
    """Shows a title, a picture, and lines below it."""

    DEFAULT_CSS = """
    PicturePane { padding: 0 1; }
    PicturePane > Lines { height: auto; }
    PicturePane > #caption { height: 4; }
    PicturePane.-high > #caption { height: 5; }
    PicturePane > #shown { height: 1fr; layout: horizontal; align-horizontal: center; }
    PicturePane ColourBar { display: none; }
    PicturePane.-beside ColourBar { display: block; width: 13; }
    PicturePane.-under > #shown { layout: vertical; }
    PicturePane.-under ColourBar { display: block; height: 2; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._has_bar = False
        self._width: int | str = "1fr"

    class Resized(Message):
        """There is more or less room for the caption."""

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height >= _HIGH, "-high")
        self._place_bar()
        self.post_message(self.Resized())

    def compose(self) -> ComposeResult:
        yield Lines(id="title")
        with Container(id="shown"):
            yield Picture(id="picture")
            yield ColourBar(id="bar")
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

    def show_title(self, title: Text) -> None:
        self.query_one("#title", Lines).show([title])

    def show_caption(self, lines: Sequence[Text]) -> None:
        self.query_one("#caption", Lines).show(lines)


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
