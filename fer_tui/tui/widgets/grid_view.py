"""A grid of pictures: each row of them one picture, names above and to the left, words below, a cursor in the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from fer_tui.terminal import Picture

from .lines import Lines, cut

if TYPE_CHECKING:
    from PIL.Image import Image

_ROWS = 12  # at most in sight
NAMES = 14  # columns for the names of rows
_LEFT = NAMES + 1  # and the space beside them
_HEADING = 1  # lines above the rows


@dataclass(frozen=True, slots=True)
class GridRow:
    """A row in sight. pictures: one for each column, None where there is none. words: below each."""

    name: Sequence[Text]
    pictures: Sequence[Image | None]
    words: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Layout:
    """tile: (columns, lines) of a cell's picture. pixels: its (width, height). headings: above each column."""

    tile: tuple[int, int] = (8, 4)
    pixels: tuple[int, int] = (48, 48)
    headings: Sequence[Text] = field(default=())


class GridLine(Horizontal):
    """A row of the grid. A cell that changes makes this picture be sent again, and no other one."""

    DEFAULT_CSS = f"""
    GridLine {{ display: none; height: auto; }}
    GridLine > .name {{ width: {_LEFT}; padding: 0 1 0 0; height: 100%; }}
    GridLine > Vertical > .words {{ height: 1; }}
    """

    def __init__(self) -> None:
        super().__init__()
        self._made_of: tuple[object, ...] = ()
        self._kept: Sequence[Image | None] = ()
        self._laid_out: tuple[int, int, int] | None = None

    def compose(self) -> ComposeResult:
        yield Lines(classes="name")
        with Vertical():
            yield Picture()
            yield Lines(classes="words")

    @property
    def picture(self) -> Picture:
        return self.query_one(Picture)

    def show(self, row: GridRow, layout: Layout) -> None:
        columns, lines = layout.tile
        wanted = (columns, lines, len(row.pictures))
        if self._laid_out != wanted:
            self._laid_out = wanted
            self.styles.height = lines + 1
            beside = self.query_one(Vertical)
            beside.styles.width = columns * len(row.pictures)
            beside.styles.height = lines + 1
            self.picture.styles.height = lines
        self.query_one(".name", Lines).show(row.name)
        made_of = (layout.pixels, *map(id, row.pictures))
        if made_of != self._made_of:
            from fer_tui.picture import row_of

            self._made_of, self._kept = made_of, row.pictures  # kept: an id is another picture's once this one is gone
            self.picture.show(row_of(row.pictures, *layout.pixels))
        self.query_one(".words", Lines).show([_spread(row.words, columns)])


class GridView(Vertical):
    """The rows in sight, and the names of their columns."""

    DEFAULT_CSS = "GridView { height: 1fr; overflow: hidden; } GridView > .headings { height: 1; }"

    class Resized(Message):
        """There is room for more or fewer cells."""

    class Chosen(Message):
        """A cell was clicked, by its row and column among those in sight."""

        def __init__(self, row: int, column: int) -> None:
            self.row, self.column = row, column
            super().__init__()

    class Scrolled(Message):
        """The wheel was turned: so many rows down."""

        def __init__(self, rows: int) -> None:
            self.rows = rows
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = Layout()

    def compose(self) -> ComposeResult:
        yield Lines(classes="headings")
        for _ in range(_ROWS):
            yield GridLine()

    @property
    def room(self) -> tuple[int, int]:
        """Columns and lines for pictures and the words below them."""
        return max(1, self.size.width - _LEFT), max(1, self.size.height - _HEADING)

    @property
    def cell_ratio(self) -> float:
        """A terminal cell's height by its width."""
        return self.query(Picture).first(Picture).cell_ratio

    @property
    def in_pixels(self) -> bool:
        """Whether the terminal draws the pictures, and not the cells."""
        return self.query(Picture).first(Picture).in_pixels

    @property
    def most_rows(self) -> int:
        return _ROWS

    def show(self, rows: Sequence[GridRow], layout: Layout) -> None:
        self._shown = layout
        heading = Text(" " * _LEFT).append_text(_spread(layout.headings, layout.tile[0]))
        self.query_one(".headings", Lines).show([heading])
        for number, line in enumerate(self.query(GridLine)):
            line.display = number < len(rows)
            if line.display:
                line.show(rows[number], layout)

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.Resized())

    def on_click(self, event: events.Click) -> None:
        x, y = event.screen_x - self.region.x - _LEFT, event.screen_y - self.region.y - _HEADING
        columns, lines = self._shown.tile
        row, column = y // (lines + 1), x // columns
        if x >= 0 and y >= 0 and column < len(self._shown.headings):
            self.post_message(self.Chosen(row, column))

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Scrolled(-1))


def _spread(words: Sequence[Text], columns: int) -> Text:
    """Each text in the middle of so many cells."""
    line = Text()
    for word in words:
        kept = (
            word
            if word.cell_len < columns
            else Text(_cut(word.plain, columns - 1), word.spans[0].style if word.spans else word.style)
        )
        gap = columns - kept.cell_len
        line.append(" " * (gap // 2)).append_text(kept).append(" " * (gap - gap // 2))
    return line


def _cut(text: str, width: int) -> str:
    """`text` in at most so many cells: its last word, a number mostly, is kept."""
    from rich.cells import cell_len

    first, _, last = text.rpartition(" ")
    room = width - cell_len(last) - 1
    return (
        f"{cut(first, room).rstrip()} {last}"
        if first and room > 2
        else last
        if first and cell_len(last) <= width
        else cut(text, width).rstrip()
    )
