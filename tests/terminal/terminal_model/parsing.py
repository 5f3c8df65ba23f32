"""A terminal's input as tokens: text, control characters, and escape sequences, from bytes that come in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"(?P<text>[^\x00-\x1f\x7f]+)"
    rb"|\x1b\[(?P<prefix>[<-?]*)(?P<numbers>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    rb"|\x1bPtmux;(?P<wrapped>(?:[^\x1b]|\x1b\x1b)*)\x1b\\"
    rb"|\x1b(?P<kind>[P_^X])(?P<string>[^\x1b]*)\x1b\\"
    rb"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    rb"|\x1b(?P<short>[ -/]*[0-OQ-WYZ\\`-~=>])"
    rb"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[P_^X\]].*|[ -/]*)", re.DOTALL)


@dataclass(frozen=True)
class Text:
    """Printable characters."""

    text: str


@dataclass(frozen=True)
class Control:
    """One control character, or what follows an escape that introduces nothing longer."""

    code: str


@dataclass(frozen=True)
class Csi:
    """CSI prefix numbers final; `groups`: by semicolons, then by colons; None where a number is left out."""

    prefix: str
    groups: tuple[tuple[int | None, ...], ...]
    final: str

    def number(self, place: int, default: int) -> int:
        value = self.groups[place][0] if place < len(self.groups) else None
        return default if value is None else value


@dataclass(frozen=True)
class String:
    """A string for the terminal: kind P (DCS), _ (APC), ^ (PM), X (SOS), ] (OSC), or tmux (wrapped for passthrough)."""

    kind: str
    data: bytes


Token = Text | Control | Csi | String


class Parser:
    """Bytes in, tokens out; what is not finished waits for the next bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Token]:
        data, self._rest = self._rest + data, b""
        at = 0
        while at < len(data):
            found = _TOKEN.match(data, at)
            if found is None:
                if _UNFINISHED.fullmatch(data, at):
                    self._rest = data[at:]
                    return
                raise ValueError(f"no terminal understands {data[at : at + 40]!r}")
            if found["text"] is not None and found.end() == len(data):
                whole = _whole_characters(found["text"])
                self._rest = found["text"][whole:]
                if whole:
                    yield Text(found["text"][:whole].decode())
                return
            yield _token(found)
            at = found.end()

    @property
    def waiting(self) -> bytes:
        """What has begun and was not finished."""
        return self._rest


def _token(found: re.Match[bytes]) -> Token:
    if (text := found["text"]) is not None:
        return Text(text.decode())
    if (final := found["final"]) is not None:
        groups = tuple(
            tuple(int(number) if number else None for number in group.split(b":"))
            for group in found["numbers"].split(b";")
        )
        return Csi(found["prefix"].decode(), groups, (found["between"] + final).decode())
    if (wrapped := found["wrapped"]) is not None:
        return String("tmux", wrapped.replace(b"\x1b\x1b", b"\x1b"))
    if (kind := found["kind"]) is not None:
        return String(kind.decode(), found["string"])
    if (osc := found["osc"]) is not None:
        return String("]", osc)
    return Control((found["short"] or found["control"]).decode())


def _whole_characters(text: bytes) -> int:
    """How many of the bytes are whole UTF-8 characters."""
    for back in range(1, min(4, len(text) + 1)):
        lead = text[-back]
        if lead >= 0xC0:
            length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return len(text) if back == length else len(text) - back
        if lead < 0x80:
            break
    return len(text)
