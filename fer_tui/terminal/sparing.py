"""A compositor that renders and sends only what is new on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual._compositor import Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from textual._compositor import ChopsUpdate
    from textual.strip import Strip


class SparingCompositor(Compositor):
    """Textual's renders every line of every widget in the rectangle around all that is new: with a cursor at the top
    and a status line at the bottom, the whole screen. Half of the time for a key press went there.
    """

    _new: tuple[Region, ...] = ()  # while an update is made

    def render_partial_update(self) -> ChopsUpdate | None:
        self._new = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._new = ()

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        drawn: list[Region] = []  # what lies in front hides what comes after it
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            parts = [part for new in self._new or (crop or shown,) if (part := new.intersection(shown))]
            parts = [part for part in parts if not any(front.contains_region(part) for front in drawn)]
            if parts:
                top, bottom = min(part.y for part in parts), max(part.bottom for part in parts)
                lines = Region(shown.x, top, shown.width, bottom - top)
                drawn.append(lines)
                yield region, lines, widget.render_lines(lines.translate((-region.x, -region.y)))
