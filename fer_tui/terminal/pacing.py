"""Screens that wait for the terminal: what changes meanwhile is drawn once, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from .sparing import OverCompositor, SparingCompositor

if TYPE_CHECKING:
    from textual._compositor import Compositor
    from textual.color import Color
    from textual.geometry import Region, Size
    from textual.screen import Screen
    from textual.timer import Timer

    _Base = Screen[Any]
else:
    _Base = object

_LOOK = 1 / 240  # seconds between two looks at what has changed
_PATIENCE = 5  # looks until a popup is drawn that has not found its layout


@dataclass(frozen=True, slots=True)
class Front:
    """What the terminal shows: a screen as it was drawn in a size, but for the regions that popups have covered.

    background: of the screen, where no widget is.
    """

    screen: Paced
    size: Size
    background: Color
    covered: frozenset[Region] = frozenset()


class Paced(_Base):
    """Goes before Screen among the bases: draws nothing while the terminal is behind, and looks again soon.

    What the terminal shows already is not drawn again when a popup opens or closes, as Textual's screens do.
    """

    _was_below = False  # another screen, and may have been covered by it
    _is_uncovered = False  # drawn as if nothing lay over it, before what lies over it
    _looks: Timer | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._compositor: SparingCompositor = SparingCompositor()

    @property
    def _update_timer(self) -> Timer:
        """Goes faster than Textual's: the terminal sets the pace, and a key's second frame need not wait for a 60th."""
        if self._looks is None:
            self._looks = self.set_interval(_LOOK, self._on_timer_update, name="screen_update", pause=True)
        return self._looks

    def on_screen_suspend(self) -> None:
        self._was_below = True

    def _on_timer_update(self) -> None:
        if not getattr(self.app._driver, "is_busy", False):
            super()._on_timer_update()

    def _compositor_refresh(self) -> None:
        if self.app.screen is self:
            self._before_drawing(self._compositor._dirty_regions)
        whole = self._repaint_required
        super()._compositor_refresh()
        self._repaint_required = whole  # below a popup Textual sets it, and then forgets what else has changed by then

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        front = self._front
        if repaint and not regions and not recompose and front is not None:
            repaint = False
            if self.app.screen is self and self._was_below and front.covered:
                self._was_below = False
                self._compositor._dirty_regions.update(front.covered)
                self._dirty_widgets.add(self)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    @property
    def popups(self) -> list[Over] | None:
        """What lies over it as it is drawn now, the uppermost last; None where it cannot be seen."""
        stack = self.app.screen_stack
        if self._is_uncovered or self not in stack:
            return [] if self._is_uncovered else None
        above = stack[stack.index(self) + 1 :]
        popups = [each for each in above if isinstance(each, Over)]
        return popups if len(popups) == len(above) else None

    def uncover(self, regions: set[Region]) -> None:
        """Draw these parts with pictures in pixels, though a popup lies over this screen: it is drawn after them."""
        driver: Any = self.app._driver
        self._compositor._dirty_regions.update(regions)
        self._is_uncovered = True
        try:
            self.app._display(self, self._compositor.render_update())
            driver.send(at_once=True)
        finally:
            self._is_uncovered = False

    @property
    def _front(self) -> Front | None:
        """What the terminal shows, where it is this screen, or the one below this popup, as it is now."""
        front: Front | None = getattr(self.app._driver, "front", None)
        lowest = self._lowest
        if front is None or lowest is None:
            return None
        now = Front(lowest, self._compositor.size, lowest.styles.background, front.covered)
        return front if front == now else None

    def _set_front(self, front: Front | None) -> None:
        driver: Any = self.app._driver
        if hasattr(driver, "front"):
            driver.front = front

    @property
    def _lowest(self) -> Paced | None:
        return self

    def _before_drawing(self, new: set[Region]) -> None:
        """The regions `new` are sent next."""
        front = self._front
        if self._compositor.size.region in new:
            self._set_front(Front(self, self._compositor.size, self.styles.background))
        elif front is not None and front.covered <= new:
            self._set_front(replace(front, covered=frozenset()))


class Over(Paced):
    """A popup, before ModalScreen among the bases: only where it lies is drawn when it opens, and when it closes.

    It opens in one frame, not in one for each step of its layout. The screen below shows through: its background must
    be transparent.
    """

    _is_drawn = False
    _patience = _PATIENCE

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._compositor = OverCompositor(self, self._below)
        self._missing: set[Region] = set()  # where pictures of the screen below are

    def _below(self) -> Compositor | None:
        stack = self.app.screen_stack
        at = stack.index(self) if self in stack else 0
        return stack[at - 1]._compositor if at else None

    def _compositor_refresh(self) -> None:
        if self._patience:
            self._repaint_required = True
            self._update_timer.resume()
            return
        if self.app.screen is self:
            self._give_way()
        super()._compositor_refresh()

    def lies_over(self, region: Region) -> bool:
        """Whether it hides some of that part of the terminal."""
        return any(part.overlaps(region) for part in self._own)

    def let_through(self, region: Region) -> None:
        """A picture of the screen below is missing there: it is drawn, and this popup after it."""
        self._missing.add(region)
        self.refresh(*self._own)

    def _give_way(self) -> None:
        """Where another popup lay, or this one when it was larger, the screen below is drawn as it is without them."""
        front, below, own = self._front, self.app.screen_stack[-2], self._own
        if front is None or below is not front.screen or getattr(self.app._driver, "is_busy", False):
            return
        free, self._missing = front.covered | self._missing, set()
        if not all(any(part.contains_region(each) for part in own) for each in free):
            front.screen.uncover(set(free))
            self._compositor._dirty_regions.update(own)
            self._set_front(replace(front, covered=frozenset()))

    @property
    def _lowest(self) -> Paced | None:
        """The screen that fills the terminal, below all popups."""
        lowest = next((each for each in reversed(self.app.screen_stack) if not isinstance(each, Over)), None)
        return lowest if isinstance(lowest, Paced) else None

    def _on_timer_update(self) -> None:
        is_settled = not self._layout_required and not self._callbacks
        self._patience = 0 if is_settled else max(0, self._patience - 1)
        super()._on_timer_update()

    def _before_drawing(self, new: set[Region]) -> None:
        front, whole = self._front, self._compositor.size.region
        if front is None:
            return
        if not self._is_drawn and whole in new:
            new.remove(whole)
            new.update(front.covered, self._own)
        self._is_drawn = True
        self._set_front(replace(front, covered=front.covered | new))

    @property
    def _own(self) -> list[Region]:
        """Where it lies."""
        shown = (self._compositor.visible_widgets.get(child) for child in self.children)
        return [part for each in shown if each is not None and (part := each[0].intersection(each[1]))]
