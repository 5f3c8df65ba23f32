"""The middle pane: what is explained, the picture, its colours, and its twin in words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.color import Color
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from fer_tui.terminal import Picture

from .lines import Lines

_BAR = 24  # cells of the colour bar
_HIGH = 30  # lines of a pane with room for a longer caption


class PicturePane(Vertical):
    """Shows a title, a picture, and lines below it."""

    DEFAULT_CSS = """
    PicturePane { padding: 0 1; }
    PicturePane > Lines { height: auto; }
    PicturePane > #caption { height: 4; }
    PicturePane.-high > #caption { height: 5; }
    """

    class Resized(Message):
        """There is more or less room for the caption."""

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height >= _HIGH, "-high")
        self.post_message(self.Resized())

    def compose(self) -> ComposeResult:
        yield Lines(id="title")
        yield Picture(id="picture")
        yield Lines(id="caption")

    @property
    def caption_lines(self) -> int:
        """How many lines the caption has."""
        return 5 if self.has_class("-high") else 4

    @property
    def picture(self) -> Picture:
        return self.query_one(Picture)

    def show_title(self, title: Text) -> None:
        self.query_one("#title", Lines).show([title])

    def show_caption(self, lines: Sequence[Text]) -> None:
        self.query_one("#caption", Lines).show(lines)


def colour_bar(colours: str, low: float, high: float, muted: Style) -> Text:
    """A colour map with the values at its ends."""
    from fer_tui.picture import colour_map

    table = colour_map(colours)
    bar = Text(f"{low:.3g} ", muted)
    for cell in range(_BAR):
        left, right = (table[round(255 * (2 * cell + half) / (2 * _BAR - 1))].tolist() for half in (0, 1))
        bar.append("▌", Style.from_color(Color.from_rgb(*left), Color.from_rgb(*right)))
    return bar.append(f" {high:.3g}", muted)


def wrapped(text: str, width: int, lines: int, style: Style) -> list[Text]:
    """`text` in at most so many lines; the last one ends in an ellipsis where there was more."""
    import textwrap

    parts = textwrap.wrap(text, max(10, width), max_lines=lines, placeholder=" …")
    return [Text(part, style) for part in parts]
