"""A terminal: it takes what an app writes, shows it, keeps pictures in mind, and answers as a recorded one did."""

from __future__ import annotations

from collections import Counter

import numpy as np

from . import sixel
from .parsing import Control, Csi, Parser, String, Text, Token
from .recordings import Recording, query_of
from .screen import Pixels, Screen

_MOUSE = {9, 1000, 1001, 1002, 1003}  # the rest only choose how the mouse is told of
_FRESH = {25}  # the modes that are set before anything is written: the cursor is seen
_SAVED_MODES = {47, 1047, 1049}


class Terminal:
    """Shows what it is fed. `recording` decides what it answers and which graphics it knows.

    `lost`: what such a terminal (or the tmux in front of it) does not show; `asked`: how often it was asked what.
    """

    def __init__(self, recording: Recording, columns: int = 120, rows: int = 40) -> None:
        self.recording = recording
        self.main, self.alternate = (Screen(columns, rows, recording.cell, recording.placeholders) for _ in range(2))
        self.screen = self.main
        self.modes = set(_FRESH)
        self.lost: list[bytes] = []
        self.asked: Counter[str] = Counter()
        self.title = ""
        self.sixel_pictures: list[sixel.Sixel] = []
        self._parser, self._outer = Parser(), Parser()

    def feed(self, data: bytes) -> bytes:
        """Show `data`; what the terminal answers."""
        return b"".join([self._obey(token, through=False) for token in self._parser.feed(data)])

    def resize(self, columns: int, rows: int) -> bytes:
        """Take another size; what a terminal tells that was asked to (mode 2048)."""
        for screen in (self.main, self.alternate):
            screen.resize(columns, rows)
        return self._told_size()

    @property
    def pending(self) -> bytes:
        """An escape sequence that has begun and not ended: all that comes next would be taken for its rest."""
        return self._parser.waiting + self._outer.waiting

    @property
    def memory(self) -> int:
        """Bytes of kitty pictures in the terminal's memory, both screens."""
        return self.main.kitty.memory + self.alternate.kitty.memory

    @property
    def usable(self) -> bool:
        """Whether a shell can go on: the main screen, the cursor seen, no mouse codes, nothing half written."""
        return self.screen is self.main and 25 in self.modes and not self.modes & _MOUSE and not self.pending

    def text(self, row: int) -> str:
        """A line as text, without the spaces at its end."""
        return "".join(cell.text for cell in self.screen.cells[row]).rstrip()

    def pixels(self, x: int = 0, y: int = 0, columns: int = 0, rows: int = 0) -> Pixels:
        """What is seen in a part of the screen, in cells: uint8 (H, W, 3)."""
        return self.screen.pixels(x, y, columns, rows)

    def _obey(self, token: Token, *, through: bool) -> bytes:
        """`through`: it came wrapped through tmux, so that the terminal outside of it obeys."""
        match token:
            case Text(text) if not through:
                self.screen.write(text)
            case Control(code) if not through:
                self._control(code)
            case Csi():
                return self._csi(token, through)
            case String("tmux", data):
                return self._wrapped(data)
            case String():
                return self._string(token, through)
        return b""

    def _wrapped(self, data: bytes) -> bytes:
        if not self.recording.passthrough:
            self.lost.append(data)
            return b""
        return b"".join([self._obey(token, through=True) for token in self._outer.feed(data)])

    def _string(self, token: String, through: bool) -> bytes:
        screen, data = self.screen, token.data
        if name := query_of(token):
            return self._reply(name, through, data)
        if token.kind == "_" and data[:1] == b"G" and self._shows_kitty(through):
            answer, (right, down) = screen.kitty.command(data, (screen.column, screen.row))
            screen.column, screen.row = (
                min(screen.column + right, screen.columns - 1),
                min(screen.row + down, screen.rows - 1),
            )
            return answer
        if token.kind == "P" and data.lstrip(b"0123456789;")[:1] == b"q" and self._shows_sixel(through):
            picture = sixel.decode(data)
            self.sixel_pictures.append(picture)
            screen.draw_sixels(picture.pixels)
        elif token.kind == "]":
            number, _, rest = data.partition(b";")
            if number in (b"0", b"2"):
                self.title = rest.decode(errors="replace")
        else:
            self.lost.append(data)
        return b""

    def _shows_kitty(self, through: bool) -> bool:
        return self.recording.kitty and through == self.recording.tmux

    def _shows_sixel(self, through: bool) -> bool:
        return self.recording.sixel and (through == self.recording.tmux or self.recording.tmux_draws_sixel)

    def _csi(self, csi: Csi, through: bool) -> bytes:
        if name := query_of(csi):
            return self._reply(name, through, b"", csi)
        if through:
            return b""
        if csi.prefix == "?" and csi.final in "hl":
            for mode, *_ in csi.groups:
                self._mode(mode or 0, csi.final == "h")
            if csi.final == "h" and (2048,) in csi.groups:
                return self._told_size()
        elif not csi.prefix:
            self.screen.control(csi)
        return b""

    def _told_size(self) -> bytes:
        if 2048 not in self.modes or not self.recording.replies.get("DECRQM 2048", "").endswith("2$y"):
            return b""
        columns, rows, (width, height) = self.screen.columns, self.screen.rows, self.recording.cell
        return f"\x1b[48;{rows};{columns};{rows * height};{columns * width}t".encode()

    def _mode(self, mode: int, on: bool) -> None:
        (self.modes.add if on else self.modes.discard)(mode)
        if mode in _SAVED_MODES and on != (self.screen is self.alternate):
            self.screen = self.alternate if on else self.main
            if on and mode == 1049:
                self.alternate.pen, self.alternate.column, self.alternate.row = (
                    self.main.pen,
                    self.main.column,
                    self.main.row,
                )
                self.alternate.erase(0, self.alternate.rows * self.alternate.columns)
                self.alternate.kitty.clear()

    def _control(self, code: str) -> None:
        screen = self.screen
        match code:
            case "\n" | "\v" | "\f" | "D":
                screen.line_feed()
            case "E":
                screen.column = 0
                screen.line_feed()
            case "\r":
                screen.column = 0
            case "\b":
                screen.column = max(0, screen.column - 1)
            case "\t":
                screen.column = min(screen.columns - 1, (screen.column // 8 + 1) * 8)
            case "7":
                screen.saved = (screen.column, screen.row, screen.pen)
            case "8":
                screen.column, screen.row, screen.pen = screen.saved
            case "c":
                self.modes = set(_FRESH)
                self.screen = self.main

    def _reply(self, name: str, through: bool, data: bytes, csi: Csi | None = None) -> bytes:
        self.asked[name] += 1
        screen = self.screen
        return self.recording.reply(
            name, through, data, csi, (screen.column, screen.row), (screen.columns, screen.rows)
        )


def difference(seen: Pixels, meant: Pixels) -> float:
    """The mean difference of two pictures of one size, in levels of 255."""
    return float(np.abs(seen.astype(int) - meant.astype(int)).mean())
