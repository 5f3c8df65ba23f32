"""Chunks and outcomes on the pipes of a worker: two lengths, a JSON header, blobs. Never a pickle."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import BinaryIO

from fer_tui.contract import Place

from .chunks import Aside, Chunk, Outcome

_LENGTHS = struct.Struct("<IQ")  # of the header, of all blobs


def encode(outcome: Outcome) -> bytes:
    """One frame; of the chunk only its index."""
    header = {
        "index": outcome.chunk.index,
        "rows": [(key, len(blob), method, kind) for key, blob, method, kind in outcome.rows],
        "digests": list(outcome.digests.items()),
        "aside": [(each.place.to_dict(), each.reason) for each in outcome.aside],
        "made": outcome.made,
        "found": outcome.found,
        "seconds": outcome.seconds,
    }
    return _frame(header, [blob for _, blob, _, _ in outcome.rows])


def encode_told(text: str) -> bytes:
    """A frame that says in words what is wrong, "" that nothing is: the first one of every worker."""
    return _frame({"told": text}, [])


def read(stream: BinaryIO, chunk_of: Callable[[int], Chunk]) -> Outcome | str | None:
    """The next outcome, or what a worker says in words, of a blocking stream; None at its end."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    of_header, of_blobs = _LENGTHS.unpack(lengths)
    header_bytes, blobs = stream.read(of_header), stream.read(of_blobs)
    if len(header_bytes) < of_header or len(blobs) < of_blobs:
        return None
    header = json.loads(header_bytes)
    if "told" in header:
        return str(header["told"])
    rows, at = [], 0
    for key, size, method, kind in header["rows"]:
        rows.append((key, blobs[at : at + size], method, kind))
        at += size
    return Outcome(
        chunk_of(header["index"]),
        tuple(rows),
        {int(row): digest for row, digest in header["digests"]},
        header["made"],
        header["found"],
        tuple(Aside(Place.from_dict(place), reason) for place, reason in header["aside"]),
        header["seconds"],
    )


def _frame(header: object, blobs: list[bytes]) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join([_LENGTHS.pack(len(text), sum(map(len, blobs))), text, *blobs])
