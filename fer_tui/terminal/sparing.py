"""A compositor that renders and sends only what is new on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual._compositor import Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from textual._compositor import ChopsUpdate
    from textual.strip import Strip
    from textual.widget import Widget


class SparingCompositor(Compositor):
    """Textual's renders every line of every widget in the rectangle around all that is new: with a cursor at the top
    and a status line at the bottom, the whole screen. Half of the time for a key press went there.
    """

    def __init__(self) -> None:
        super().__init__()
        self._new: tuple[Region, ...] = ()  # while an update is made

    def render_partial_update(self) -> ChopsUpdate | None:
        self._new = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._new = ()

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        for widget, region, lines in self._renders(crop):
            yield region, lines, widget.render_lines(lines.translate((-region.x, -region.y)))

    def _renders(self, crop: Region | None) -> Iterable[tuple[Widget, Region, Region]]:
        """What has something new on it: the widget, where it is, the part with the lines that are new."""
        drawn: list[Region] = []  # what lies in front hides what comes after it
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            parts = [part for new in self._new or (crop or shown,) if (part := new.intersection(shown))]
            parts = [part for part in parts if not any(front.contains_region(part) for front in drawn)]
            if parts:
                top, bottom = min(part.y for part in parts), max(part.bottom for part in parts)
                lines = Region(shown.x, top, shown.width, bottom - top)
                drawn.append(lines)
                yield widget, region, lines


class OverCompositor(SparingCompositor):
    """Of a popup: around it are the lines of the screen below, as that one writes them, so that its pictures stay.

    below: that screen's compositor, None where there is none.
    """

    def __init__(self, screen: Widget, below: Callable[[], Compositor | None]) -> None:
        super().__init__()
        self._screen, self._below = screen, below

    @property
    def _under(self) -> Compositor | None:
        below = self._below()
        return below if below is not None and below.size == self.size else None

    @property
    def cuts(self) -> list[list[int]]:
        own, under = super().cuts, self._under
        if under is None:
            return own
        return [sorted({*line, *other}) for line, other in zip(own, under.cuts, strict=True)]

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        under = self._under
        for widget, region, lines in self._renders(crop):
            if widget is self._screen and under is not None:
                yield from under._get_renders(lines)
            else:
                yield region, lines, widget.render_lines(lines.translate((-region.x, -region.y)))
