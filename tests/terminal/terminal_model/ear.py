"""The answers of a terminal alone, at once: what it shows can be worked out later."""

from __future__ import annotations

from collections.abc import Callable

from .parsing import Csi, Parser, String, Token
from .recordings import Recording, query_of


class Ear:
    """Hears queries in what an app writes. size: columns and rows; cursor: asked only for CPR (column, row)."""

    def __init__(self, recording: Recording, size: tuple[int, int], cursor: Callable[[], tuple[int, int]]) -> None:
        self.size = size
        self._recording, self._cursor = recording, cursor
        self._parser, self._outer = Parser(), Parser()
        self._tells_size = False

    def hear(self, data: bytes) -> bytes:
        """What the terminal answers to `data`."""
        return b"".join([self._answer(token, False) for token in self._parser.feed(data)])

    def told_size(self) -> bytes:
        """What it tells of its own accord after a resize (mode 2048)."""
        known = self._recording.replies.get("DECRQM 2048", "").endswith("2$y")
        if not self._tells_size or not known:
            return b""
        (columns, rows), (width, height) = self.size, self._recording.cell
        return f"\x1b[48;{rows};{columns};{rows * height};{columns * width}t".encode()

    def _answer(self, token: Token, through: bool) -> bytes:
        match token:
            case String("tmux", data):
                if not self._recording.passthrough:
                    return b""
                return b"".join([self._answer(each, True) for each in self._outer.feed(data)])
            case Csi() | String():
                if name := query_of(token):
                    data, csi = (token.data, None) if isinstance(token, String) else (b"", token)
                    cursor = self._cursor() if name == "CPR" else (0, 0)
                    return self._recording.reply(name, through, data, csi, cursor, self.size)
                if isinstance(token, Csi) and token.prefix == "?" and (2048,) in token.groups:
                    self._tells_size = token.final == "h"
                    return self.told_size() if self._tells_size else b""
        return b""
