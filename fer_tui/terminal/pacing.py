"""Screens that wait for the terminal: what changes meanwhile is drawn once, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .sparing import SparingCompositor

if TYPE_CHECKING:
    from textual.screen import Screen

    _Base = Screen[Any]
else:
    _Base = object


class Paced(_Base):
    """Goes before Screen among the bases: draws nothing while the terminal is behind, and looks again soon."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._compositor = SparingCompositor()

    def _on_timer_update(self) -> None:
        if not getattr(self.app._driver, "is_busy", False):
            super()._on_timer_update()
