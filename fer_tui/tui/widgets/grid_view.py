"""A grid of pictures: each row of them one picture, names above and to the left, words below, a cursor in the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.style import Style
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


class Cells(Vertical):
    """The pictures of a row, and the words below them."""

    class LaidOut(Message):
        """They have another size."""

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.LaidOut())


class GridLine(Horizontal):
    """A row of the grid. A cell that changes makes this picture be sent again, and no other one."""

    DEFAULT_CSS = f"""
    GridLine {{ display: none; height: auto; }}
    GridLine > .name {{ width: {_LEFT}; padding: 0 1 0 0; height: 100%; }}
    GridLine > Cells > .words {{ height: 1; }}
    """

    def __init__(self) -> None:
        super().__init__()
        self._made_of: tuple[object, ...] = ()
        self._kept: Sequence[Image | None] = ()
        self._laid_out: tuple[int, int, int] | None = None
        self._told: Sequence[Text] = ()
        self.picture = Picture()
        self._name_lines, self._below = Lines(classes="name"), Lines(classes="words")
        self._beside = Cells(self.picture, self._below)

    def compose(self) -> ComposeResult:
        yield self._name_lines
        yield self._beside

    @property
    def span(self) -> tuple[int, int]:
        """The column where the pictures begin, and how many they take: maybe fewer than there is room for."""
        left, width = self.picture.span
        if width or self._laid_out is None:
            return left, width
        columns, _, count = self._laid_out
        return 0, columns * count

    def place_words(self) -> None:
        """Put the words below the pictures, as these lie by now."""
        self._below.show([_spread(self._told, *self.span)])

    def show(self, row: GridRow, layout: Layout) -> None:
        columns, lines = layout.tile
        wanted = (columns, lines, len(row.pictures))
        if self._laid_out != wanted:
            self._laid_out = wanted
            self.styles.height = lines + 1
            self._beside.styles.width = columns * len(row.pictures)
            self._beside.styles.height = lines + 1
            self.picture.styles.height = lines
        self._name_lines.show(row.name)
        made_of = (layout.pixels, *map(id, row.pictures))
        if made_of != self._made_of:
            from fer_tui.picture import row_of

            self._made_of, self._kept = made_of, row.pictures  # kept: an id is another picture's once this one is gone
            self.picture.show(row_of(row.pictures, *layout.pixels))
        self._told = row.words
        self.place_words()


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
        self._heading = Lines(classes="headings")
        self._grid_lines = [GridLine() for _ in range(_ROWS)]

    def compose(self) -> ComposeResult:
        yield self._heading
        yield from self._grid_lines

    @property
    def room(self) -> tuple[int, int]:
        """Columns and lines for pictures and the words below them."""
        return max(1, self.size.width - _LEFT), max(1, self.size.height - _HEADING)

    @property
    def cell_ratio(self) -> float:
        """A terminal cell's height by its width."""
        return self._grid_lines[0].picture.cell_ratio

    @property
    def in_pixels(self) -> bool:
        """Whether the terminal draws the pictures, and not the cells."""
        return self._grid_lines[0].picture.in_pixels

    @property
    def most_rows(self) -> int:
        return _ROWS

    def show(self, rows: Sequence[GridRow], layout: Layout) -> None:
        self._shown = layout
        for number, line in enumerate(self._grid_lines):
            line.display = number < len(rows)
            if line.display:
                line.show(rows[number], layout)
        self._place_headings()

    def _place_headings(self) -> None:
        left, width = self._grid_lines[0].span
        heading = Text(" " * (_LEFT + left)).append_text(_spread(self._shown.headings, 0, width))
        self._heading.show([heading])

    def on_cells_laid_out(self) -> None:
        """Put all words where the pictures lie, now that these have their sizes."""
        for line in self._grid_lines:
            if line.display:
                line.place_words()
        self._place_headings()

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.Resized())

    def on_click(self, event: events.Click) -> None:
        x, y = event.screen_x - self.region.x - _LEFT, event.screen_y - self.region.y - _HEADING
        left, width = self._grid_lines[0].span
        if y >= 0 and left <= x < left + width:
            column = (x - left) * len(self._shown.headings) // width
            self.post_message(self.Chosen(y // (self._shown.tile[1] + 1), column))

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Scrolled(-1))


def _spread(words: Sequence[Text], left: int, width: int) -> Text:
    """The texts side by side, each in the middle of its part of `width` cells from `left` on, or cut."""
    line, room = Text(), width / max(1, len(words))
    for number, word in enumerate(words):
        most = max(1, int(room) - 1)
        kept = word if word.cell_len <= most else Text(_cut(word.plain, most), _style_of(word))
        start = round(left + (number + 0.5) * room - kept.cell_len / 2)
        line.append(" " * max(0, start - line.cell_len)).append_text(kept)
    return line


def _style_of(text: Text) -> str | Style:
    return text.spans[0].style if text.spans else text.style


def _cut(text: str, width: int) -> str:
    """`text` in at most so many cells: its last word is kept where it is a number, or what a colon announces."""
    from rich.cells import cell_len

    first, _, last = text.rpartition(" ")
    room = width - cell_len(last) - 1
    if not first.endswith(":") and not any(each.isdigit() for each in last):
        return cut(text, width).rstrip()
    return (
        f"{cut(first, room).rstrip()} {last}"
        if first and room > 2
        else last
        if first and cell_len(last) <= width
        else cut(text, width).rstrip()
    )
