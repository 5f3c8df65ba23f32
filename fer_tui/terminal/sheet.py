"""Many pictures side by side, each with its caption below it and, where it is marked, a frame around it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from fer_tui.contract import plain

from .picture import Picture

if TYPE_CHECKING:
    from textual import events

    from fer_tui.contract import Gallery

_LEAST = 4  # columns of a tile: narrower ones show nothing
_MARKED = Style(color="red", bold=True)


class Row(Vertical):
    """Tiles side by side, as one picture, and the line of their captions."""

    DEFAULT_CSS = "Row > Static { height: 1; }"

    def compose(self) -> ComposeResult:
        yield Picture()
        yield Static()

    def show(self, gallery: Gallery, columns: int, captions: bool) -> None:
        """Show the pictures of a gallery, at their places among `columns`."""
        from fer_tui.picture import sheet

        self.query_one(Picture).show(sheet(gallery, columns=columns))
        self.query_one(Static).display = captions
        if captions:
            self.call_after_refresh(self._write, gallery, columns)

    def _write(self, gallery: Gallery, columns: int) -> None:
        """Write the captions, each in the middle below its picture."""
        left, wide = self.query_one(Picture).span
        text = Text()
        for n, caption in enumerate(gallery.captions):
            start, stop = (left + wide * k // columns for k in (n, n + 1))
            text.append(" " * (start - text.cell_len))
            tile = Text(plain(caption), _MARKED if n in gallery.marked else "", no_wrap=True)
            tile.truncate(max(0, stop - start - 1), overflow="ellipsis")
            text.append(" " * ((stop - start - tile.cell_len) // 2)).append_text(tile)
        self.query_one(Static).update(text)


class Sheet(Vertical):
    """Shows a gallery as large as there is room, in as many columns as make its pictures largest."""

    DEFAULT_CSS = "Sheet { width: 1fr; height: 1fr; align-vertical: middle; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._gallery: Gallery | None = None

    async def show(self, gallery: Gallery | None) -> None:
        """Show the pictures of a gallery, or nothing."""
        self._gallery = gallery
        await self._draw()

    async def on_resize(self, event: events.Resize) -> None:
        await self._draw()

    async def _draw(self) -> None:
        gallery, (width, height) = self._gallery, self.size
        count = len(gallery.images) if gallery is not None else 0
        captions = gallery is not None and any(gallery.captions)
        columns = columns_of(count, width, height, captions) if gallery is not None and count and height else 1
        rows = min(math.ceil(count / columns), height // 2) if captions else min(1, count)  # without them one picture
        present = list(self.query(Row))
        for row in present[rows:]:
            row.display = False
        if rows > len(present):
            await self.mount(*(Row() for _ in range(rows - len(present))))
        for row in list(self.query(Row))[:rows]:
            row.display = True
            row.styles.height = height // rows  # the same for all, so that pictures are of one size
        if gallery is not None and rows:
            self.call_after_refresh(self._fill, gallery, columns, rows, captions)

    def _fill(self, gallery: Gallery, columns: int, rows: int, captions: bool) -> None:
        if gallery is self._gallery:
            for n, row in enumerate(list(self.query(Row))[:rows]):
                part = part_of(gallery, n * columns, (n + 1) * columns) if captions else gallery
                row.show(part, columns, captions)


def columns_of(count: int, width: int, height: int, captions: bool) -> int:
    """How many columns make square tiles largest in `width` x `height` cells, each row with a line for captions."""

    def tile(columns: int) -> float:
        """Columns that a tile gets; a cell is twice as high as it is wide."""
        lines = height / math.ceil(count / columns) - captions
        return min(width / columns, 2 * lines)

    most = max(1, min(count, width // _LEAST))
    return max(range(1, most + 1), key=tile)


def part_of(gallery: Gallery, start: int, stop: int) -> Gallery:
    """Some pictures of a gallery, with what belongs to them."""
    marked = tuple(n - start for n in gallery.marked if start <= n < min(stop, len(gallery.images)))
    return replace(
        gallery, images=gallery.images[start:stop], captions=gallery.captions[start:stop],
        scores=gallery.scores[start:stop], marked=marked,
    )  # fmt: skip
