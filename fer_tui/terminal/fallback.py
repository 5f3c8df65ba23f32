"""textual-image draws the pictures, where the user wants that: it sends them as kitty or sixel graphics.

Importing textual-image asks the terminal, so `prepare` does it before Textual takes the keyboard, and nothing else ever
does. What it writes goes through the driver as all else does, and what the terminal keeps is freed.
"""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import kitty
from .painters import Box, numbered_box
from .quality import Grade, Quality

if TYPE_CHECKING:
    from PIL import Image
    from textual_image.renderable import SixelImage, TGPImage

    from .facts import Terminal
    from .painters import Painter


def prepare() -> bool:
    """Let textual-image find out what the terminal can, which takes up to 2 s; False where that fails."""
    try:
        import textual_image.widget  # noqa: F401
    except Exception:  # no columns, keys that are typed meanwhile, stdin that is no terminal: each with another error
        return False
    return True


def painter(terminal: Terminal, number: int) -> Painter | None:
    """The painter of picture slot `number`; None without `prepare`, or where textual-image draws half cells."""
    if "textual_image.widget" not in sys.modules:
        return None
    from textual_image import renderable

    if renderable.Image is renderable.TGPImage:
        return _Kitty(kitty.Slot(number, wrapped=terminal.in_tmux), terminal.cell)
    if renderable.Image is renderable.SixelImage:
        return _Sixel(terminal.cell)
    return None


class _Boxed:
    """textual-image is told how many cells a picture takes, and fills them."""

    def __init__(self, cell: tuple[int, int]) -> None:
        self._cell = cell
        self.quality = Quality((Grade(256),), {})  # it sends what it sends

    def box(self, size: tuple[int, int], columns: int, rows: int) -> Box:
        return numbered_box(size, columns, rows, self._cell)


class _Kitty(_Boxed):
    """Its pictures are sent under our id: then the next one takes the place of the last."""

    over_cells = False

    def __init__(self, slot: kitty.Slot, cell: tuple[int, int]) -> None:
        super().__init__(cell)
        self._slot = slot

    def cells(self, row: int, start: int, stop: int) -> str:
        return self._slot.cells(row, start, stop)

    def picture(self, picture: Image.Image, box: Box, background: tuple[int, int, int], rate: float | None) -> str:
        from textual_image.renderable import TGPImage

        TGPImage._image_id_counter = itertools.repeat(self._slot.id)  # type: ignore[assignment]
        written, _ = _rendered(TGPImage(picture.convert("RGB"), width=box.columns, height=box.rows), box)
        return written

    def free(self) -> str:
        return self._slot.free()


class _Sixel(_Boxed):
    """Its sixels, without the blanks that it puts below them."""

    over_cells = True

    def cells(self, row: int, start: int, stop: int) -> str:
        return " " * (stop - start)

    def picture(self, picture: Image.Image, box: Box, background: tuple[int, int, int], rate: float | None) -> str:
        from textual_image.renderable import SixelImage

        _, texts = _rendered(SixelImage(picture.convert("RGB"), width=box.columns, height=box.rows), box)
        return "".join(text for text in texts if text.startswith("\x1bP"))

    def free(self) -> str:
        return ""


def _rendered(image: TGPImage | SixelImage, box: Box) -> tuple[str, list[str]]:
    """What a renderable writes to stdout on its own, and the texts of its segments."""
    from rich.console import Console
    from rich.segment import Segment

    console = Console(file=io.StringIO(), width=box.columns, height=box.rows)
    with _caught() as written:
        rendered = list(image.__rich_console__(console, console.options))
    return written.getvalue(), [part.text for part in rendered if isinstance(part, Segment)]


@contextmanager
def _caught() -> Iterator[io.StringIO]:
    """What is written to the process's own stdout, which Textual does not use."""
    own, caught = sys.__stdout__, io.StringIO()
    sys.__stdout__ = caught  # type: ignore[misc, assignment]
    try:
        yield caught
    finally:
        sys.__stdout__ = own  # type: ignore[misc]
