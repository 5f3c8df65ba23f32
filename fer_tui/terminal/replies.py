"""What a terminal answers to queries, sieved out of what is typed at it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["kitty", "version", "colour", "attributes", "sixel", "window", "ready", "ready_outside"]

_REPLY = re.compile(
    rb"\x1b_G(?:i=30;(?P<ready_outside>[^\x1b]*)|(?P<kitty>[^\x1b]*))\x1b\\"
    rb"|\x1bP>\|(?P<version>[^\x1b]*)\x1b\\"
    rb"|\x1bP[01]\$r(?P<colour>[^\x1b]*)\x1b\\"
    rb"|\x1b\[\?(?P<attributes>[\d;]*)c"
    rb"|\x1b\[\?(?P<sixel>[\d;]+)S"
    rb"|\x1b\[(?P<window>[46];\d+;\d+)t"
    rb"|\x1b\[(?P<ready>0)n"
)
# How a reply may begin that has not come whole; the second: how one begins that no key does.
_BEGUN = re.compile(
    rb"\x1b(?:_(?:G[^\x1b]*\x1b?)?|P(?:>(?:\|[^\x1b]*\x1b?)?|[01](?:\$(?:r[^\x1b]*\x1b?)?)?)?|\[(?:\?[\d;]*|[046][\d;]*)?)?\Z"
)
_SURELY = re.compile(rb"\x1b(?:_G|P>\||P[01]\$|\[\?\d)")
_LONGEST = 4096  # bytes: no reply is longer
_DOUBT, _PATIENCE = 0.035, 1.0  # seconds to wait for the rest of what may be a key, and of what cannot be one


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: to which query, and its text without the envelope."""

    kind: Kind
    text: str


@dataclass(slots=True)
class Sieve:
    """Parts replies from keys, however the bytes are cut. Bytes that may begin a reply are held for a moment."""

    _held: bytes = b""
    _since: float = field(default=0.0)

    @property
    def holds(self) -> bool:
        """Whether something is held: ask `late` again soon."""
        return bool(self._held)

    def feed(self, data: bytes, now: float) -> tuple[bytes, list[Reply]]:
        """The bytes that are keys, and the replies. now: seconds on a clock that never goes back."""
        data = self._held + data
        keys, replies, at = [], [], 0
        for match in _REPLY.finditer(data):
            kind: Kind = match.lastgroup  # type: ignore[assignment]
            keys.append(data[at : match.start()])
            replies.append(Reply(kind, match[kind].decode("ascii", "replace")))
            at = match.end()
        rest = data[at:]
        begun = _BEGUN.search(rest)
        self._held, self._since = b"", now
        if begun and len(begun[0]) < _LONGEST:
            rest, self._held = rest[: begun.start()], begun[0]
        return b"".join([*keys, rest]), replies

    def late(self, now: float) -> bytes:
        """What was held too long to be a reply: it is keys."""
        patience = _PATIENCE if _SURELY.match(self._held) else _DOUBT
        if not self._held or now - self._since < patience:
            return b""
        keys, self._held = self._held, b""
        return keys
