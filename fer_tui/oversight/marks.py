"""Marks in a stream of bytes that anybody may write to: between them is what was printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_BEGIN, _END = b"\x00<", b">\x00"
_LONGEST = 4096  # PIPE_BUF: what is not longer is written to a pipe in one piece


def mark(**fields: Any) -> bytes:
    """A mark that carries these fields, of plain data and a few hundred characters."""
    return _BEGIN + json.dumps(fields, separators=(",", ":")).encode() + _END


class Splitter:
    """Takes the stream as it comes, in pieces of any size; gives text and marks in their order."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes | dict[str, Any]]:
        """What is whole by now: bytes that were printed, and the fields of marks."""
        rest, self._rest = self._rest + data, b""
        while rest:
            text, begin, after = rest.partition(_BEGIN)
            body, end, behind = after.partition(_END)
            if end and _BEGIN in body:  # what looked like the begin of a mark was printed
                printed, _, body = body.rpartition(_BEGIN)
                text += begin + printed
            if begin and not end and len(after) < _LONGEST:  # the end of the mark is still to come
                self._rest = begin + after
                behind = b""
            elif not begin and text.endswith(_BEGIN[:1]):
                text, self._rest = text[:-1], text[-1:]
            if text:
                yield text
            if end:
                fields = _fields(body)
                yield fields if fields is not None else begin + body + end
            elif begin and not self._rest:  # too long for a mark
                yield begin
                behind = after
            rest = behind


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
