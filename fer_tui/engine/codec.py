"""Explanations as bytes, for the store and the wire: a JSON header, then the arrays raw. Never a pickle."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Reply, Table

_MAGIC = b"FTX1"
_KINDS: dict[str, type[Explanation]] = {cls.kind: cls for cls in (Heatmap, Gallery, Matrix, Reply)}
_EXTRAS = "extras/"


def pack(explanation: Explanation) -> bytes:
    """`explanation` as bytes; its arrays must be bool, integer or floating."""
    plain: dict[str, Any] = {"kind": explanation.kind}
    arrays: dict[str, np.ndarray[Any, Any]] = {_EXTRAS + name: np.asarray(a) for name, a in explanation.extras.items()}
    for field in dataclasses.fields(explanation):
        value = getattr(explanation, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif field.name != "extras":
            plain[field.name] = value
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} holds {array.dtype}, not numbers")
    plain["arrays"] = [[name, a.dtype.newbyteorder("<").str, list(a.shape)] for name, a in arrays.items()]
    header = json.dumps(plain, allow_nan=False, separators=(",", ":"), default=_json).encode()
    bodies = (np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<"), copy=False).tobytes() for a in arrays.values())
    return b"".join([_MAGIC, struct.pack("<I", len(header)), header, *bodies])


def unpack(blob: bytes) -> Explanation:
    """The explanation that `pack` wrote; its arrays are read-only views of `blob`. ValueError where it is damaged."""
    if blob[:4] != _MAGIC:
        raise ValueError("not a packed explanation")
    (length,) = struct.unpack_from("<I", blob, 4)
    plain = json.loads(blob[8 : 8 + length])
    offset = 8 + length
    extras: dict[str, Any] = {}
    fields: dict[str, Any] = {"extras": extras}
    for name, dtype, shape in plain.pop("arrays"):
        kind = np.dtype(dtype)
        if kind.kind not in "biuf":
            raise ValueError(f"{name} holds {dtype}")
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(blob, kind, count, offset).reshape(shape)
        offset += array.nbytes
        if name.startswith(_EXTRAS):
            extras[name.removeprefix(_EXTRAS)] = array
        else:
            fields[name] = array
    cls = _KINDS[plain.pop("kind")]
    for key, value in plain.items():
        fields[key] = tuple(value) if isinstance(value, list) else value
    fields["tables"] = {name: Table.from_dict(each) for name, each in fields.get("tables", {}).items()}
    return cls(**fields)


def _json(value: object) -> object:
    """What explainers put into meta without thinking: numpy scalars, mappings, tuples of them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Table):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no plain data")
