"""The app: wires compute process, desk and screens together."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from socket import socket
from typing import TYPE_CHECKING

from textual.app import App

from fer_tui.engine.client import Compute

from . import theme
from .desk import Change, Desk
from .screens.base import DeskScreen, Restart
from .screens.classes import ClassesScreen
from .screens.explore import Explore

if TYPE_CHECKING:
    from fer_tui.engine import Settings

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Explorer(App[int]):
    """The explorer. settings: what to open; stream: the other end computes, on objects that it holds already."""

    CSS_PATH = "app.tcss"
    TITLE = "fer-tui"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, settings: Settings | None, stream: socket | None = None) -> None:
        super().__init__()
        self.desk = Desk(settings, self._changed)
        self.compute = Compute(settings, self.desk.receive, stream=stream)
        self.desk.connect(self.compute)
        self._computing: asyncio.Task[None] | None = None

    @property
    def explore(self) -> Explore:
        screen = self.get_screen("explore")
        assert isinstance(screen, Explore)
        return screen

    def on_mount(self) -> None:
        skin = theme.load(theme.DEFAULT)
        self.register_theme(skin.theme)
        self.theme = skin.theme.name
        self.desk.look.unsigned, self.desk.look.signed = skin.unsigned, skin.signed
        self.install_screen(Explore(self.desk), "explore")
        self.install_screen(ClassesScreen(self.desk), "classes")
        self.push_screen("explore")
        for number in _SIGNALS:
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not on this system or thread
                asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        """The first frame is on the screen: now the compute process, and what this one needs to show pictures."""
        self._begin_computing()
        self.run_worker(_warm_up, thread=True, group="warm-up", exit_on_error=False)

    def _begin_computing(self) -> None:
        self._computing = asyncio.create_task(self.compute.run(), name="compute")
        self._computing.add_done_callback(self._computed)

    def _computed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.desk.refusal = self.desk.refusal or f"the compute process cannot be started: {error}"
            self.exit(2)

    async def on_unmount(self) -> None:
        await self.compute.close()
        self.desk.close()

    def _changed(self, change: Change) -> None:
        if Change.REFUSED in change:
            self.exit(2)
            return
        for screen in self._screens():
            screen.draw(change)

    def _screens(self) -> Iterator[DeskScreen]:
        """The screens of the explorer that are on the stack: one, perhaps under a popup."""
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen) and screen.is_mounted:
                yield screen

    def on_explore_classes(self) -> None:
        self.switch_screen("classes")

    def on_classes_screen_leave(self) -> None:
        self.switch_screen("explore")

    def on_classes_screen_open(self, message: ClassesScreen.Open) -> None:
        self.switch_screen("explore")
        self.explore.open_cell(message.narrowing)

    def on_restart(self, message: Restart) -> None:
        self.desk.given_up = False
        self._begin_computing()


def _warm_up() -> None:
    """Import what the first picture needs, while the compute process starts."""
    import numpy  # noqa: F401

    import fer_tui.dataset
    import fer_tui.engine.shelf
    import fer_tui.picture
    import fer_tui.terminal.cells  # noqa: F401
