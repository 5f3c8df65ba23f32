"""The app: paints at once, then wires compute process, desk and screens together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Iterator
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, ClassVar, cast

from rich.color import ColorSystem
from rich.console import RenderableType
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.widgets import Static

from . import theme
from .state import State
from .wardrobe import Wardrobe
from .widgets.scrolling import WholeCells

if TYPE_CHECKING:
    from textual.driver import Driver

    from fer_tui.engine import Settings
    from fer_tui.engine.client import Compute
    from fer_tui.terminal import PictureDriver, Probe, TerminalChanged

    from .desk import Change, Desk
    from .screens.base import DeskScreen, Go, Restart
    from .screens.explore import Explore

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_GONE = 1.0  # seconds without an answer
_KEEP = 0.5  # seconds between two looks at whether the place is another


class Opening(Screen[None]):
    """The first frame: what needs no import of ours."""

    def compose(self) -> ComposeResult:
        colours = self.app.current_theme
        yield Static(Text(" fer-tui", f"bold {colours.primary}"), id="top")
        yield Static(id="body")
        yield Static(Text(" starting …", colours.accent or ""), id="status")


class Explorer(App[int]):
    """The explorer. settings: what to open; stream: the other end computes, on objects that it holds already.

    probe: of the terminal that shows it; without one pictures are blocks. fresh: the last place is not gone back to.
    desk, compute: there as soon as the first frame is.
    """

    CSS_PATH = "app.tcss"
    TITLE = "fer-tui"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "leave", priority=True)]  # popups, too

    desk: Desk
    compute: Compute

    def __init__(
        self,
        settings: Settings | None,
        stream: socket | None = None,
        probe: Probe | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        colourless = "NO_COLOR" in os.environ  # Textual then leaves colours out, where it would make them gray
        super().__init__(driver_class=_driver(probe), ansi_color=True if colourless else None)
        self.animation_level = "none"  # what is scrolled or chosen is there at once
        self._settings, self._stream, self._fresh = settings, stream, fresh
        self._computing: asyncio.Task[None] | None = None
        self._is_frozen = False  # what there is once all is open
        self._keys: asyncio.Queue[events.Key] = asyncio.Queue()
        self._hinted = False
        self.state = State.open()
        self.wardrobe = Wardrobe(self, self.state, settings.theme if settings is not None else None)

    @property
    def explore(self) -> Explore:
        from .screens.explore import Explore

        screen = self.get_screen("explore")
        assert isinstance(screen, Explore)
        return screen

    @property
    def refusal(self) -> str:
        """Why nothing could be opened, '' where all is well."""
        return self.desk.refusal if self._computing is not None else ""

    def on_mount(self) -> None:
        ScrollBar.renderer = WholeCells
        self.push_screen(Opening())
        for number in _SIGNALS:
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not on this system or thread
                asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)
        self.call_after_refresh(self._furnish)

    async def _furnish(self) -> None:
        """The first frame is on the screen: now all that it takes to fill it, the slowest first."""
        from fer_tui.engine.client import Compute

        from .desk import Desk

        self.desk = Desk(self._settings, self._changed, self.state, fresh=self._fresh)
        self.compute = Compute(self._settings, self.desk.receive, stream=self._stream)
        self.desk.connect(self.compute)
        self._begin_computing()
        await asyncio.sleep(0)  # the process is started before more is imported here
        from .screens.classes import ClassesScreen
        from .screens.explore import Explore
        from .screens.filters import FiltersScreen
        from .screens.grid import GridScreen
        from .screens.timeline import TimelineScreen

        self._dress()
        self.install_screen(Explore(self.desk), "explore")
        self.install_screen(ClassesScreen(self.desk), "classes")
        self.install_screen(TimelineScreen(self.desk), "timeline")
        self.install_screen(GridScreen(self.desk), "grid")
        self.install_screen(FiltersScreen(self.desk), "filters")
        self.switch_screen("explore")
        self.call_after_refresh(self._tell_hint)
        self.run_worker(_warm_up, thread=True, group="warm-up", exit_on_error=False)
        self.run_worker(self._take_keys(), group="keys")
        self.set_interval(_KEEP, self._keep)

    def _begin_computing(self) -> None:
        self._computing = asyncio.create_task(self.compute.run(), name="compute")
        self._computing.add_done_callback(self._computed)

    def _computed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.desk.refusal = self.desk.refusal or f"the compute process cannot be started: {error}"
            self.exit(2)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._keys.put_nowait(event)
        else:
            await super().on_event(event)

    async def _take_keys(self) -> None:
        """One key after another: each goes to what the one before it has put on top, however fast they come."""
        while True:
            event = await self._keys.get()
            nodes = (self.focused or self.screen).ancestors_with_self
            await super().on_event(event)
            for node in nodes:
                await _settled(node)  # has done what the key asks for
                await _settled(node)  # and has told those above it

    @property
    def pictures(self) -> PictureDriver | None:
        """What draws pictures on the terminal, where they are more than text."""
        from fer_tui.terminal import PictureDriver

        return self._driver if isinstance(self._driver, PictureDriver) else None

    def on_terminal_changed(self, message: TerminalChanged) -> None:
        if message.terminal.true_colour and self.console._color_system is ColorSystem.EIGHT_BIT:
            self._take_true_colour()
        for screen in self._screens():
            screen.draw_status()
        self._tell_hint()

    def _take_true_colour(self) -> None:
        """The terminal told of its colours when the app was up already: all is drawn again in them."""
        self.console._color_system = ColorSystem.TRUECOLOR
        gc.unfreeze()  # what is frozen is not listed
        self._is_frozen = False
        for style in (each for each in gc.get_objects() if type(each) is Style):
            style._ansi = None  # a style remembers its codes, and not of which colours they are
        for screen in self.screen_stack:
            for widget in screen.walk_children(with_self=True):
                widget.notify_style_update()
                widget.refresh()

    def _tell_hint(self) -> None:
        """Say once what the user could set for better pictures."""
        hint = self.pictures.terminal.hint if self.pictures is not None else ""
        for screen in self._screens():
            if hint and not self._hinted:
                self._hinted = True
                screen.say(f"for pictures in pixels: {hint}")

    def on_resize(self, event: events.Resize) -> None:
        if self.pictures is not None:
            self.pictures.resized(event.size)

    def on_app_focus(self) -> None:
        if self.pictures is not None:
            self.pictures.ask_tmux()

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        if self._computing is not None:
            self._keep()
        super().exit(result, return_code, message)

    def action_leave(self) -> None:
        self.exit(0)

    def _dress(self) -> None:
        """Draw all in the colours of the theme."""
        skin = self.wardrobe.skin
        self.desk.look.unsigned, self.desk.look.signed = skin.unsigned, skin.signed
        for screen in self._screens():
            screen.call_after_refresh(screen.draw_again)

    def wear(self, name: str) -> None:
        """Use this theme."""
        if self.wardrobe.wear(name):
            self._dress()

    def on_pick_theme(self) -> None:
        """Choose a theme, seen as the cursor goes over them; Esc takes back the one before."""
        from .screens.popups import Choice

        names, worn = theme.names(), self.wardrobe.skin.name

        def chosen(number: int | None) -> None:
            self.wear(names[number] if number is not None else worn)
            if number is not None:
                self.wardrobe.keep()

        at = names.index(worn) if worn in names else None
        self.push_screen(Choice("theme", names, at, preview=lambda number: self.wear(names[number])), chosen)

    def _keep(self) -> None:
        """Keep the place, so that the next start goes on there, however this one ends; look after the theme."""
        if self.wardrobe.watch():
            self._dress()
        fault, self.wardrobe.fault = self.wardrobe.fault, ""
        names = {type(screen): name for name, screen in self._installed_screens.items()}
        for screen in self._screens():
            self.desk.session.keep(self.desk, names.get(type(screen), ""))
            for told in (fault, *self.state.faults()):
                if told:
                    screen.say(told, fault=True)

    async def on_unmount(self) -> None:
        if self._computing is not None:
            if self.return_value == 128 + signal.SIGHUP:  # the connection is lost, and nobody was asked
                self.desk.batches.let_go()
            desk = self.desk
            closing = desk.reports.close(), desk.batches.close(), desk.estimates.close()
            await asyncio.gather(self.compute.close(), *closing)
            self.desk.close()

    def _changed(self, change: Change) -> None:
        if self.desk.refusal:
            self.exit(2)
            return
        for screen in self._screens():
            screen.draw(change)
        if self.desk.described and not self._is_frozen:  # what is there now stays: the collector looks through it no
            gc.freeze()  # more, which takes 60 ms each time
            self._is_frozen = True  # remembered: gc.get_freeze_count counts them all, which takes 13 ms
        wanted, self.desk.session.screen = self.desk.session.screen, ""
        if wanted and wanted != "explore" and wanted in self._installed_screens:
            self.explore.go(wanted)

    def _screens(self) -> Iterator[DeskScreen]:
        """The screens of the explorer that are on the stack: one, perhaps under a popup."""
        from .screens.base import DeskScreen

        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen) and screen.is_mounted and not screen.is_left:
                yield screen

    def on_go(self, message: Go) -> None:
        self.switch_screen(message.screen)
        if message.screen == "explore":
            self.desk.aim()
            if message.narrowing is not None:
                self.explore.open_cell(message.narrowing)

    def on_restart(self, message: Restart) -> None:
        self.desk.given_up = False
        self._begin_computing()


def _driver(probe: Probe | None) -> type[Driver] | None:
    """Textual's own driver where there is no probe, or where the user names another one."""
    if probe is None or os.environ.get("TEXTUAL_DRIVER"):
        return None
    from fer_tui.terminal import PictureDriver

    return cast("type[Driver]", partial(PictureDriver, probe=probe))


async def _settled(node: MessagePump) -> None:
    """Wait until a node has taken all messages that it has now, or is gone."""
    done = asyncio.Event()
    if node.call_later(done.set):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _GONE)


def _warm_up() -> None:
    """Import what the first picture needs, while the compute process starts."""
    import numpy  # noqa: F401

    import fer_tui.dataset
    import fer_tui.engine.shelf
    import fer_tui.picture
    import fer_tui.regions.shares
    import fer_tui.terminal.cells  # noqa: F401
