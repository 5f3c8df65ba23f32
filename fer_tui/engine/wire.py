"""Messages as frames of a byte stream: two lengths, a JSON header, a blob."""

from __future__ import annotations

import dataclasses
import functools
import json
import struct
import types
import typing
from asyncio import StreamReader
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from fer_tui.contract import Description

from . import messages
from .messages import Message

_LENGTHS = struct.Struct("<IQ")  # of the header, of the blob
_MOST_HEADER, _MOST_BLOB = 64 << 20, 4 << 30  # a stream that asks for more is not ours


def encode(message: Message) -> bytes:
    """One frame."""
    plain = {f.name: _plain(getattr(message, f.name)) for f in dataclasses.fields(message) if f.name != "blob"}
    header = json.dumps([type(message).__name__, plain], ensure_ascii=True, separators=(",", ":")).encode()
    blob: bytes = getattr(message, "blob", b"")
    return b"".join((_LENGTHS.pack(len(header), len(blob)), header, blob))


def read(stream: BinaryIO) -> Message | None:
    """The next message of a blocking stream, None at its end."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header, blob = _check(lengths)
    body = stream.read(header + blob)
    return _decode(body[:header], body[header:]) if len(body) == header + blob else None


async def read_async(stream: StreamReader) -> Message:
    """The next message; asyncio.IncompleteReadError at the end of the stream."""
    header, blob = _check(await stream.readexactly(_LENGTHS.size))
    return _decode(await stream.readexactly(header), await stream.readexactly(blob))


def _check(lengths: bytes) -> tuple[int, int]:
    header, blob = _LENGTHS.unpack(lengths)
    if header > _MOST_HEADER or blob > _MOST_BLOB:
        raise ValueError("the stream between terminal and compute process is out of step")
    return header, blob


def _decode(header: bytes, blob: bytes) -> Message:
    name, plain = json.loads(header)
    cls: Any = getattr(messages, name)
    if not (isinstance(cls, type) and issubclass(cls, Message)):
        raise ValueError(f"{name} is no message")
    hints: dict[str, Any] = _hints(typing.cast(Any, cls))
    fields = {key: _typed(hints[key], value) for key, value in plain.items()}
    return cls(**fields, **({"blob": blob} if "blob" in hints else {}))


@functools.cache
def _hints(cls: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and mappings as what JSON knows."""
    if isinstance(value, Description):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _typed(hint: Any, value: Any) -> Any:
    """JSON's value as the type that the field asks for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if value is None:
        return None
    if origin in (typing.Union, types.UnionType):
        return _typed(next(a for a in arguments if a is not type(None)), value) if type(None) in arguments else value
    if origin is tuple:
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_typed(kind, item) for kind, item in zip(kinds, value, strict=True))
    if hint is Description:
        return Description.from_dict(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        inner: dict[str, Any] = _hints(hint)
        return hint(**{key: _typed(inner[key], item) for key, item in value.items()})
    return value
