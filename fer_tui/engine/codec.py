"""Explanations as bytes, for the store and the wire: a JSON header, then the arrays raw. Never a pickle."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Reply, Table

from .half import halved, restored

_MAGIC = b"FTX1"
KINDS: dict[str, type[Explanation]] = {cls.kind: cls for cls in (Heatmap, Gallery, Matrix, Reply)}
_EXTRAS = "extras/"


def pack(explanation: Explanation, *, half: bool = False) -> bytes:
    """`explanation` as bytes; its arrays must be bool, integer or floating.

    half: a heat map's values as float16, its segments and the like as small integers, see `fer_tui.engine.half`;
    meta tells what is lost, under "float16". `unpack` gives the types that they had.
    """
    arrays = arrays_of(explanation)
    plain: dict[str, Any] = {"kind": explanation.kind}
    for field in dataclasses.fields(explanation):
        if field.name not in arrays and field.name != "extras":
            plain[field.name] = getattr(explanation, field.name)
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} holds {array.dtype}, not numbers")
    ways: dict[str, tuple[str, float]] = {}  # back from fewer bytes
    if half and isinstance(explanation, Heatmap):
        large = {name: array for name, array in arrays.items() if array.size >= explanation.values.size}
        found = {name: each for name, array in large.items() if (each := halved(array)) is not None}
        arrays |= {name: each.array for name, each in found.items()}
        ways = {name: (each.dtype, each.scale) for name, each in found.items()}
        lost = {name.removeprefix(_EXTRAS): each.lost for name, each in found.items() if each.lost is not None}
        plain["meta"] = {**explanation.meta, "float16": lost}
    plain["arrays"] = [
        [name, a.dtype.newbyteorder("<").str, list(a.shape), *ways.get(name, ())] for name, a in arrays.items()
    ]
    header = json.dumps(plain, allow_nan=False, separators=(",", ":"), default=as_json).encode()
    bodies = (np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<"), copy=False).tobytes() for a in arrays.values())
    return b"".join([_MAGIC, struct.pack("<I", len(header)), header, *bodies])


def arrays_of(explanation: Explanation) -> dict[str, np.ndarray[Any, Any]]:
    """All its arrays by name, those that belong to one method as "extras/NAME"."""
    arrays = {_EXTRAS + name: np.asarray(array) for name, array in explanation.extras.items()}
    for field in dataclasses.fields(explanation):
        value = getattr(explanation, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
    return arrays


def unpack(blob: bytes) -> Explanation:
    """The explanation that `pack` wrote; its arrays are read-only views of `blob`, but those that were
    kept as float16. ValueError where it is damaged."""
    if blob[:4] != _MAGIC:
        raise ValueError("not a packed explanation")
    (length,) = struct.unpack_from("<I", blob, 4)
    plain = json.loads(blob[8 : 8 + length])
    offset = 8 + length
    extras: dict[str, Any] = {}
    fields: dict[str, Any] = {"extras": extras}
    for name, dtype, shape, *way in plain.pop("arrays"):
        kind = np.dtype(dtype)
        if kind.kind not in "biuf":
            raise ValueError(f"{name} holds {dtype}")
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(blob, kind, count, offset).reshape(shape)
        offset += array.nbytes
        if way:
            array = restored(array, *way)
        if name.startswith(_EXTRAS):
            extras[name.removeprefix(_EXTRAS)] = array
        else:
            fields[name] = array
    cls = KINDS[plain.pop("kind")]
    for key, value in plain.items():
        fields[key] = tuple(value) if isinstance(value, list) else value
    fields["tables"] = {name: Table.from_dict(each) for name, each in fields.get("tables", {}).items()}
    return cls(**fields)


def smaller(blob: bytes) -> bytes:
    """What `pack` wrote, as it writes it with `half`; what is no heat map, or half already, as it is."""
    explanation = unpack(blob)
    if not isinstance(explanation, Heatmap) or "float16" in explanation.meta:
        return blob
    return pack(explanation, half=True)


def as_json(value: object) -> object:
    """What explainers put into meta without thinking: numpy scalars, mappings, tuples of them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Table):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no plain data")
