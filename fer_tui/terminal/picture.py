"""The one widget that shows a picture. How it does so (half cells for now) is nobody else's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.style import Style


class Picture(Widget):
    """Shows a picture as large as the widget allows, in its middle, without bending it."""

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Image | None = None
        self._lines: list[Strip] = []
        self._lines_for: object = None
        self._around: Style | None = None

    @property
    def picture(self) -> Image | None:
        """What is shown."""
        return self._picture

    def show(self, picture: Image | None) -> None:
        """Show a picture of any size and mode, or nothing. Only the lines that change are sent."""
        if picture is self._picture:
            return
        old = self._lines
        self._picture, self._lines_for = picture, None
        new = self._drawn(self.size)
        if len(new) != len(old):
            self.refresh()
            return
        changed = [y for y, (line, was) in enumerate(zip(new, old, strict=True)) if not _same(line, was)]
        if changed:
            self.refresh(Region(0, changed[0], self.size.width, changed[-1] - changed[0] + 1))

    def notify_style_update(self) -> None:
        self._lines_for = self._around = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        lines = self._drawn(self.size)[crop.y : crop.bottom]
        if crop.column_span != (0, self.size.width):
            lines = [line.crop(*crop.column_span) for line in lines]
        return lines

    def _drawn(self, size: Size) -> list[Strip]:
        if self._around is None:
            self._around = self.rich_style  # takes long to find
        around = self._around
        if self._lines_for != (size, around):
            self._lines_for = (size, around)
            if self._picture is None or not size.area:
                self._lines = [Strip.blank(size.width, around)] * size.height
            else:
                from .cells import drawn

                self._lines = drawn(self._picture, size.width, size.height, around, colour=not self.app.no_color)
        return self._lines


def _same(line: Strip, other: Strip) -> bool:
    same_as = getattr(line, "same_as", None)
    return bool(same_as(other)) if same_as is not None else line == other
