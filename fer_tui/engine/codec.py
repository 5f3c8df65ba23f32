"""Explanations as bytes, for the store and the wire: a JSON header, then the arrays raw. Never a pickle."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Reply, Table

from .half import halved_arrays, restored

_MAGIC = b"FTX1"
KINDS: dict[str, type[Explanation]] = {cls.kind: cls for cls in (Heatmap, Gallery, Matrix, Reply)}
_EXTRAS = "extras/"


def pack(explanation: Explanation, *, half: bool = False) -> bytes:
    """`explanation` as bytes; its arrays must be bool, integer or floating.

    half: the values of a heat map as float16, see `fer_tui.engine.half`; `unpack` gives float32 again.
    """
    arrays = arrays_of(explanation)
    plain: dict[str, Any] = {"kind": explanation.kind}
    for field in dataclasses.fields(explanation):
        if field.name not in arrays and field.name != "extras":
            plain[field.name] = getattr(explanation, field.name)
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} holds {array.dtype}, not numbers")
    scales: dict[str, float] = {}
    if half and isinstance(explanation, Heatmap):
        arrays, scales, lost = halved_arrays(arrays, explanation.values.size)
        plain["meta"] = {**explanation.meta, "float16": {n.removeprefix(_EXTRAS): each for n, each in lost.items()}}
    plain["arrays"] = [
        [name, a.dtype.newbyteorder("<").str, list(a.shape), *([scales[name]] if name in scales else [])]
        for name, a in arrays.items()
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
    for name, dtype, shape, *scale in plain.pop("arrays"):
        kind = np.dtype(dtype)
        if kind.kind not in "biuf":
            raise ValueError(f"{name} holds {dtype}")
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(blob, kind, count, offset).reshape(shape)
        offset += array.nbytes
        if scale:
            array = restored(array, *scale)
        if name.startswith(_EXTRAS):
            extras[name.removeprefix(_EXTRAS)] = array
        else:
            fields[name] = array
    cls = KINDS[plain.pop("kind")]
    for key, value in plain.items():
        fields[key] = tuple(value) if isinstance(value, list) else value
    fields["tables"] = {name: Table.from_dict(each) for name, each in fields.get("tables", {}).items()}
    return cls(**fields)


def halved(blob: bytes) -> bytes:
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
