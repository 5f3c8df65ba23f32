"""The one widget that shows a picture, in whatever way the terminal can."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from rich.control import Control
from rich.style import Style
from textual._opacity import _apply_opacity
from textual.geometry import Region, Size
from textual.renderables.tint import Tint
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from .pacing import Paced
from .strips import PictureStrip, Write

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from rich.color import ColorSystem

    from .driver import PictureDriver
    from .pacing import Over
    from .painters import Box, Painter

_HELD = 0.12  # seconds: pictures that follow one another faster belong to a key that is held
_HEAVY = 16_000  # pixels of a picture: more are not encoded while the screen waits
_REST = 0.03  # seconds without another picture, after which the last one is drawn in full


class Picture(Widget):
    """Shows a picture as large as the widget allows, in its middle, without bending it.

    Where the terminal draws pictures itself, they are sent to it at their own size; else they are blocks. Tinted, or
    where pixels lie over cells and something lies over them, a picture is blocks, too.
    """

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Image | None = None
        self._version = 0  # of the picture: another one has another number
        self._blocks: list[Strip] = []  # the lines in blocks
        self._blocks_for: object = None
        self._blocks_words = ""
        self._painted: list[Strip] | None = None  # the lines in blocks that are on the screen, where that is known
        self._around: Style | None = None
        self._driver: PictureDriver | None = None
        self._number = 0  # among the driver's
        self._painter: Painter | None = None
        self._box: Box | None = None  # where it lies in pixels; None while the cells show blocks
        self._is_due = False  # the terminal lacks the picture
        self._is_missing = False  # and shows nothing in its place
        self._sent_for: tuple[int, Box | None] | None = None
        self._data = ""  # what shows a picture, which `_data_for` names
        self._data_for: tuple[int, Box | None] | None = None
        self._encoder: asyncio.Task[None] | None = None
        self._is_coarse = False  # blocks, until the key that is held rests
        self._shown_at = 0.0
        self._rest: Timer | None = None

    # ---- what is shown -----------------------------------------------------------------------------------------------

    @property
    def picture(self) -> Image | None:
        """What is shown."""
        return self._picture

    @property
    def words(self) -> str:
        """What a slow link takes away from pictures, '' where it does not."""
        if self._painter is not None:
            return self._painter.quality.words
        return self._blocks_words

    @property
    def span(self) -> tuple[int, int]:
        """The column of the widget where the picture begins, and how many it takes."""
        left, _, columns, _ = self.frame
        return left, columns

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Where the picture lies in the widget, in cells: left, top, columns, rows."""
        if self._picture is None or not self.size.area:
            return 0, 0, 0, 0
        box = self._new_box()
        if box is not None:
            return box.left, box.top, box.columns, box.rows
        from .scaling import fitted_size

        columns, high = fitted_size(*self._picture.size, *self.size)
        return (self.size.width - columns) // 2, (self.size.height - high // 2) // 2, columns, high // 2

    @property
    def in_pixels(self) -> bool:
        """Whether the terminal draws it, and not the cells."""
        return self._painter is not None

    @property
    def cell_ratio(self) -> float:
        """A cell's height by its width, as pictures are drawn."""
        if self._painter is None or self._driver is None:
            return 2.0
        width, height = self._driver.terminal.cell
        return height / width

    def show(self, picture: Image | NDArray[np.uint8] | None) -> None:
        """Show a picture of any size and mode, or uint8 (H, W[, 3]), or nothing. Only what changes is sent."""
        if picture is self._picture:
            return
        if picture is not None:
            from PIL import Image

            picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        self._picture = picture
        self._version += 1
        self._blocks_for = None
        now = time.monotonic()
        is_held, self._shown_at = now - self._shown_at < _HELD, now
        if self._painter is None:
            self._show_blocks()
        elif is_held and self._painter.over_cells:
            self._show_coarse()
        else:
            self._show_pixels()

    def _show_blocks(self) -> None:
        """Draw the lines again that another picture changes; where the driver lets, only their cells that change."""
        if self._painted is not None:
            self._want()
            return
        old = self._blocks if self._box is None else []
        new = self._block_lines()
        if len(new) != len(old):
            self.refresh()
            return
        changed = [y for y, (line, was) in enumerate(zip(new, old, strict=True)) if not _same(line, was)]
        if changed:
            self.refresh(Region(0, changed[0], self.size.width, changed[-1] - changed[0] + 1))

    def _show_coarse(self) -> None:
        """Blocks at once; pixels when no other picture has come for a while."""
        self._is_coarse = True
        self._show_blocks()
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST, self._show_pixels)

    def _show_pixels(self) -> None:
        """Send the picture; the cells are drawn again only where it lies elsewhere."""
        self._is_coarse = False
        if self._box is None or self._new_box() != self._box:
            self.refresh()
        else:
            self._want()

    def _want(self) -> None:
        self._is_due = True
        if self._driver is not None:
            self._driver.want(self)

    # ---- what the driver asks ----------------------------------------------------------------------------------------

    def send(self) -> str:
        """What shows the picture, '' where it is shown, or is not to be seen now."""
        painter, box, picture = self._painter, self._box, self._picture
        if self._is_due and box is None:
            return self._changes()
        if not self._is_due or painter is None or box is None or picture is None or (over := self._over) is None:
            return ""
        if over:
            if self._is_missing:
                over[-1].let_through(self.region)
            return ""
        if self._data_for != (self._version, box):
            if picture.width * picture.height > _HEAVY:
                if self._encoder is None:
                    self._encoder = asyncio.create_task(self._encode())
                if self._data_for is None or self._data_for[1] != box or self._data_for == self._sent_for:
                    return ""  # nothing newer is at hand
            else:
                self._data, self._data_for = self._encoded(painter, picture, box), (self._version, box)
        self._is_due, self._sent_for = self._data_for != (self._version, box), self._data_for
        self._is_missing = False
        if not painter.over_cells:
            return self._data
        x, y = self.region.offset
        return Control.move_to(x + box.left, y + box.top).segment.text + self._data

    def _encoded(self, painter: Painter, picture: Image, box: Box) -> str:
        from .quantising import drawable

        rate = self._driver.link.rate if self._driver is not None else None
        return painter.picture(drawable(picture), box, self._background, rate)

    async def _encode(self) -> None:
        """Encode a large picture beside; the newest one again, when it has changed meanwhile."""
        try:
            while (painter := self._painter) is not None and (picture := self._picture) is not None:
                key = (self._version, self._box)
                if self._box is None or self._data_for == key:
                    break
                data = await asyncio.to_thread(self._encoded, painter, picture, self._box)
                if painter is self._painter:
                    self._data, self._data_for = data, (key[0], key[1])
                    self._want()
        finally:
            self._encoder = None

    def _changes(self) -> str:
        """What makes the blocks on the screen those of the picture; drawn by Textual where that cannot be told."""
        from .cells import patch

        new, old, self._painted, self._is_due = self._block_lines(), self._painted, None, False
        changes = None
        if old is not None and self._over == [] and self._is_whole and not self._is_tinted:
            changes = patch(new, old, *self.region.offset, self.app.console)
        if changes is None:
            self.refresh()
            return ""
        self._painted = new
        return changes

    def erase(self) -> str:
        """What frees the terminal's memory."""
        return self._painter.free() if self._painter is not None else ""

    def draw_again(self) -> None:
        """Draw all of it, in the way that fits the terminal now."""
        if self._driver is None:
            return
        from .painters import painter

        self._painter = painter(self._driver.terminal, self._number)
        self._box = self._sent_for = self._data_for = None
        self.refresh()

    @property
    def _over(self) -> list[Over] | None:
        """The popups that hide some of it, and would be hidden by its pixels; None where it cannot be seen."""
        if not self.is_attached or not isinstance(self.screen, Paced):
            return [] if self.is_attached and self.app.screen is self.screen else None
        is_over_cells = self._painter is None or self._painter.over_cells
        popups = self.screen.popups
        return popups and [each for each in popups if is_over_cells and each.lies_over(self.region)]

    # ---- Textual -----------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        driver: Any = self.app._driver
        if hasattr(driver, "want"):
            self._driver, self._number = driver, driver.add(self)
            self.draw_again()

    def on_unmount(self) -> None:
        if self._driver is not None:
            self._driver.remove(self)

    def notify_style_update(self) -> None:
        self._blocks_for = self._around = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._box = self._new_box() if self._can_be_pixels else None
        lines = self._block_lines() if self._box is None else self._pixel_lines(self._box)
        if self._box is not None or self._driver is None or self._is_due or self._is_tinted:
            self._painted = None
        elif crop.size == self.size:  # else they are on the screen already
            self._painted = lines
        if self._is_tinted:
            lines = [self._tinted(line) for line in lines]
        lines = lines[crop.y : crop.bottom]
        if crop.column_span != (0, self.size.width):
            lines = [line.crop(*crop.column_span) for line in lines]
        return lines

    @property
    def _can_be_pixels(self) -> bool:
        """Whether the terminal may draw it: neither tinted, nor cut where pixels cannot be cut."""
        painter = self._painter
        if painter is None or self._picture is None or self._is_coarse or self._is_tinted:
            return False
        return not painter.over_cells or (self._is_whole and self._over == [])

    @property
    def _is_tinted(self) -> bool:
        return self.opacity < 1 or self.styles.tint.a > 0

    @property
    def _is_whole(self) -> bool:
        """Whether nothing cuts it or lies over it."""
        own = set(self.ancestors_with_self)
        for widget, (region, clip) in self.screen._compositor.visible_widgets.items():
            if widget is self and not clip.contains_region(region):
                return False
            if widget not in own and region.intersection(clip).overlaps(self.region):
                return False
        return True

    def _new_box(self) -> Box | None:
        """Where the picture lies when the terminal draws it."""
        if self._painter is None or self._picture is None or not self.size.area:
            return None
        return self._painter.box(self._picture.size, self.size.width, self.size.height)

    def _pixel_lines(self, box: Box) -> list[Strip]:
        def line(y: int) -> Strip:
            return PictureStrip(self._writer(box, y), lambda: self._block_lines()[y], 0, self.size.width)

        return [line(y) for y in range(self.size.height)]

    def _writer(self, box: Box, y: int) -> Write:
        painter, around = self._painter, self._style_around
        assert painter is not None

        def write(start: int, stop: int, colours: ColorSystem) -> str:
            self._written(box)
            first, last = max(start, box.left), min(stop, box.left + box.columns)
            if not 0 <= y - box.top < box.rows or first >= last:
                return Strip.render_style(around, " " * (stop - start), colours)
            left, right = (
                Strip.render_style(around, " " * n, colours) if n else "" for n in (first - start, stop - last)
            )
            cells = painter.cells(y - box.top, first - box.left, last - box.left)
            paper = Strip.render_ansi(around.background_style, colours)
            return f"{left}\x1b[{paper}m{cells}\x1b[0m{right}"

        return write

    def _written(self, box: Box) -> None:
        """Cells were written: pixels over them are gone."""
        if self._painter is not None and (self._painter.over_cells or self._sent_for != (self._version, box)):
            self._is_missing = True
            self._want()

    # ---- blocks ------------------------------------------------------------------------------------------------------

    @property
    def _style_around(self) -> Style:
        if self._around is None:
            self._around = self.rich_style  # takes long to find
        return self._around

    @property
    def _background(self) -> tuple[int, int, int]:
        colour = self._style_around.bgcolor
        red, green, blue = colour.get_truecolor(foreground=False) if colour is not None else (0, 0, 0)
        return red, green, blue

    def _block_lines(self) -> list[Strip]:
        size, around = self.size, self._style_around
        if self._blocks_for != (size, around):
            self._blocks_for = (size, around)
            self._blocks = self._new_blocks(size, around)
        return self._blocks

    def _new_blocks(self, size: Size, around: Style) -> list[Strip]:
        terminal = self._driver.terminal if self._driver is not None else None
        if self._picture is None or not size.area or (terminal is not None and terminal.way == "none"):
            return [Strip.blank(size.width, around)] * size.height
        from .blocks import Blocks
        from .cells import drawn
        from .pens import TOLERANCE, tolerance_on

        tolerance = tolerance_on(self._driver.link.rate if self._driver is not None else None, size.area)
        self._blocks_words = "slow link: coarser colours" if tolerance > TOLERANCE else ""
        return drawn(
            self._picture,
            size.width,
            size.height,
            around,
            blocks=Blocks.of(terminal.way if terminal is not None else ""),
            tolerance=tolerance,
            colour=not self.app.no_color,
            letters=self.app.console.options.ascii_only,
        )

    def _tinted(self, line: Strip) -> Strip:
        """The line as Textual's styles want it."""
        segments = list(line)
        if self.styles.tint.a:
            segments = list(Tint.process_segments(segments, self.styles.tint, self.app.ansi_theme))
        if self.opacity < 1:
            segments = list(_apply_opacity(segments, self.background_colors[0], self.opacity))
        return Strip(segments, line.cell_length)


def _same(line: Strip, other: Strip) -> bool:
    same_as = getattr(line, "same_as", None)
    return bool(same_as(other)) if same_as is not None else line == other
