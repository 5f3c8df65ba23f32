"""Textual's driver for a terminal that is probed: answers never reach the app, and writes do not pile up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import select
import time
from codecs import getincrementaldecoder
from queue import Full
from typing import TYPE_CHECKING, Any, Protocol

from textual._ansi_sequences import SYNC_END
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from .facts import Terminal
from .guard import LEAVE
from .link import Link
from .probe import Probe

if TYPE_CHECKING:
    from textual.app import App

    from .pacing import Front
    from .replies import Reply

_STDERR = 2
_CHUNK = 1 << 14  # bytes of one read
_TICK, _SOON = 0.1, 0.01  # seconds between two looks: at whether the app ends, at whether there is room
_DOUBT = 0.003  # seconds between two looks at an Esc, which may begin another key or a reply
_QUEUE = 8  # writes that may wait for a terminal that answers nothing
_FAREWELL = 1.2  # seconds that an answer may still take when the app ends
_REST = 0.2  # seconds without another resize, before the terminal is asked again
_IDLE = 2.0  # seconds without a key, after which another terminal may show tmux


class TerminalChanged(Message):
    """More is known of the terminal, or it is another one."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        super().__init__()


class Shown(Protocol):
    """What draws on the terminal beside Textual."""

    def send(self) -> str:
        """What there is to write now, '' for nothing: asked for when the terminal has room for it."""

    def erase(self) -> str:
        """What frees the terminal's memory."""

    def draw_again(self) -> None:
        """Draw all of it, in the way that fits the terminal now."""


class PictureDriver(LinuxDriver):
    """terminal: what is known of it by now. link: how fast it drains."""

    def __init__(self, app: App[Any], *, probe: Probe, **options: Any) -> None:
        super().__init__(app, **options)
        # With PYTHONUNBUFFERED stderr has no buffer, and what is left of a write that a signal breaks off is lost.
        output = _STDERR if self._file is None else self._file.fileno()
        self._file = open(output, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        self._probe, self.link = probe, Link(answers=probe.terminal.answers.complete)
        self._shown: dict[int, Shown] = {}
        self._waiting: list[Shown] = []
        self._last_key = time.monotonic()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._is_on = self._is_suspended = False
        self._asked_at: tuple[int, int] = (0, 0)  # columns and rows
        self._drawing: object = None  # what the pictures are drawn for
        self.front: Front | None = None  # what the terminal shows, where that is known

    @property
    def terminal(self) -> Terminal:
        return self._probe.terminal

    # ---- writing -----------------------------------------------------------------------------------------------------

    def write(self, data: str) -> None:
        if data == SYNC_END:  # a picture belongs to the frame that made room for it
            data = self._pictures() + data
        self._put(data)

    def _put(self, data: str) -> None:
        writer = self._writer_thread
        if data and writer is not None:
            data = self.link.stamped(data, self._probe.ready, time.monotonic())
            while writer.is_alive():  # else the terminal is gone, and nobody makes room in the queue
                with contextlib.suppress(Full):
                    writer._queue.put(data, timeout=_TICK)
                    return

    @property
    def is_busy(self) -> bool:
        """Whether the terminal is behind: frames and pictures wait, so that only the newest are sent."""
        queued = self._writer_thread._queue.qsize() if self._writer_thread is not None else 0
        return queued > _QUEUE or self.link.is_full(time.monotonic())

    def want(self, shown: Shown) -> None:
        """Something has a picture to send: with the frame that is being written, else as soon as there is room."""
        if shown not in self._waiting:
            self._waiting.append(shown)
            self._loop.call_soon(self.send)

    def send(self, *, at_once: bool = False) -> None:
        """Write the pictures that wait, as far as there is room for them, or (at_once) all the same."""
        if not self._is_on or not self._waiting:
            return
        self._put(self._pictures(at_once=at_once))
        if self._waiting:
            self._loop.call_later(_SOON, self.send)

    def _pictures(self, *, at_once: bool = False) -> str:
        """What the waiting send, where the terminal has room for it."""
        parts = []
        while self._waiting and (at_once or not self.is_busy):
            parts.append(self._waiting.pop(0).send())
        return "".join(parts)

    # ---- who is shown ------------------------------------------------------------------------------------------------

    def add(self, shown: Shown) -> int:
        """Something that draws is on a screen from now on; a number that no other one has."""
        number = next(n for n in itertools.count() if n not in self._shown)
        self._shown[number] = shown
        self._loop.call_soon(self._tell_guard)
        return number

    def remove(self, shown: Shown) -> None:
        """It is gone; the terminal frees what it took."""
        for number in [n for n, other in self._shown.items() if other is shown]:
            del self._shown[number]
            if self._is_on:
                self._put(shown.erase())
                self._tell_guard()
        if shown in self._waiting:
            self._waiting.remove(shown)

    # ---- beginning and end -------------------------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._is_on, self.front = True, None
        self.link.answers = self.terminal.answers.complete
        self._asked_at = self._get_terminal_size()
        self._last_key = time.monotonic()
        self._do("tmux", self._ask_tmux())
        self._tell_guard()
        self.draw_again()  # after a suspension

    def suspend_application_mode(self) -> None:
        self._is_suspended = True
        super().suspend_application_mode()

    def resume_application_mode(self) -> None:
        if self._is_suspended:  # else SIGCONT comes with SIGHUP: the terminal is gone
            self._is_suspended = False
            super().resume_application_mode()

    def close(self) -> None:
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().close()

    def stop_application_mode(self) -> None:
        if self._is_on:
            self._is_on = False
            for shown in self._shown.values():  # before the alternate screen is left: it has pictures of its own
                self._put(shown.erase())
        super().stop_application_mode()
        self._probe.leave_word("")

    def _tell_guard(self) -> None:
        """What is to be written when the process dies: pictures are freed, Textual's modes left."""
        if self._is_on and self._shown:
            self._probe.leave_word("".join(shown.erase() for shown in self._shown.values()) + LEAVE)

    def disable_input(self) -> None:
        """Waits for answers that are due, lest the shell gets them."""
        end = time.monotonic() + _FAREWELL
        while self._key_thread is not None and self._key_thread.is_alive() and time.monotonic() < end:
            if not self.link.on_its_way and not self._probe.is_waiting:
                break
            time.sleep(_SOON)
        self.link.answers = False  # nobody would read another one: the shell would get it
        super().disable_input()

    # ---- reading -----------------------------------------------------------------------------------------------------

    def run_input_thread(self) -> None:
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        sieve = self._probe.sieve

        def press(keys: bytes) -> None:
            if text := decode(keys):
                for message in parser.feed(text):
                    self.process_message(message)

        typed, self._probe.typed = self._probe.typed, b""
        press(typed)
        while not self.exit_event.is_set():
            soon = sieve.holds or time.monotonic() - self._last_key < _TICK  # an Esc may begin another key
            ready, _, _ = select.select([self.fileno], [], [], _DOUBT if soon else _TICK)
            if ready:
                data = os.read(self.fileno, _CHUNK)
                if not data:
                    raise EOFError("the terminal is gone")
                keys, replies = sieve.feed(data, time.monotonic())
                press(keys)
                if replies:
                    self._heard(replies)
                if keys and self.terminal.in_tmux and time.monotonic() - self._last_key > _IDLE:
                    self._loop.call_soon_threadsafe(self.ask_tmux)
                if keys:
                    self._last_key = time.monotonic()
            if late := sieve.late(time.monotonic()):
                press(late)
                self._last_key = time.monotonic()
            for message in parser.tick():
                self.process_message(message)

    def _heard(self, replies: list[Reply]) -> None:
        """Take answers, in the thread that reads."""
        known = self.terminal
        for reply in replies:
            if reply.kind in ("ready", "ready_outside"):
                self.link.drained(time.monotonic())
        self._probe.learn(replies)
        if self.terminal.answers.complete:
            self.link.answers = True
        self._loop.call_soon_threadsafe(self._changed if self.terminal != known else self.send)

    # ---- asking again ------------------------------------------------------------------------------------------------

    def resized(self, size: tuple[int, int]) -> None:
        """The terminal has other columns and rows than before, and perhaps another font."""
        if size != self._asked_at:
            self.ask_again()

    def ask_again(self) -> None:
        """Ask the terminal again what it can."""
        self._do("terminal", self._ask_terminal())
        self.ask_tmux()

    def ask_tmux(self) -> None:
        """Ask tmux again which terminal is outside: it may be another one."""
        self._do("tmux", self._ask_tmux())

    async def _ask_terminal(self) -> None:
        await asyncio.sleep(_REST)
        if self._is_on and not self._probe.is_waiting:
            self._asked_at = self._app.size
            self._put(self._probe.ask_again())

    async def _ask_tmux(self) -> None:
        if self.terminal.in_tmux:
            known = self.terminal
            await asyncio.to_thread(self._probe.ask_tmux)
            if self.terminal != known:
                self._changed()

    def _do(self, name: str, work: Any) -> None:
        """Do something beside, instead of what is still done under that name."""
        if (before := self._tasks.pop(name, None)) is not None:
            before.cancel()
        self._tasks[name] = self._loop.create_task(work)

    def _changed(self) -> None:
        self._app.post_message(TerminalChanged(self.terminal))
        if self.terminal.drawing != self._drawing:
            self.draw_again()

    def draw_again(self) -> None:
        """Draw all pictures: the terminal is another one, or has lost them."""
        self._drawing, self.front = self.terminal.drawing, None
        for shown in self._shown.values():
            self._put(shown.erase())  # in the way in which it was drawn
            shown.draw_again()
        self._tell_guard()
