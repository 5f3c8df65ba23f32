"""Stored explanations as files that other programs read: arrays in safetensors or npz, and an index of them all.

One entry after another, so that memory does not grow with their number; the folder is there whole or not at all.
"""

from __future__ import annotations

import io
import json
import secrets
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fer_tui.contract import Explanation, InputError

from . import codec
from .entries import Entry
from .indexing import Index, open_index
from .store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

Form = Literal["safetensors", "npz"]
_FILE = 64 << 20  # bytes of arrays in one file, about; what is gathered in memory
_BATCH = 256  # keys that are looked for at once

Tell = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. others: entries that are no explanations (scores and the like). damaged: left out, too."""

    index: str
    files: int
    entries: int
    bytes: int
    others: int
    damaged: int


def export(
    stores: Iterable[Store],
    out: Path,
    form: Form = "safetensors",
    methods: Iterable[str] = (),
    *,
    index: Literal["parquet", "csv"] | None = None,
    tell: Tell = lambda what, share: None,
) -> Exported:
    """Write all explanations (of `methods`, where any are named) into the new folder `out`.

    An array is called KEY/NAME in its file: values, image, extras/.... index: None is Parquet where pyarrow is there,
    else CSV. What an earlier store has is not taken from a later one. InputError where `out` is not new or empty, or
    cannot be written, and where there is nothing to export.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "is there already", "name a new or an empty folder")
    beside = out.with_name(f".{out.name[:100]}.{secrets.token_hex(4)}")
    try:
        beside.mkdir()
        try:
            work = _Work(beside, form, open_index(beside, index))
            work.write(list(stores), set(methods), tell)
            if not work.entries:
                raise InputError(
                    "cache export", "there is no explanation to export", "fer-tui cache lists what there is"
                )
            if out.exists():
                out.rmdir()
            beside.rename(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise InputError(out, f"cannot be written: {error.strerror or error}", "choose another place") from None
    size = sum(each.stat().st_size for each in out.iterdir())
    return Exported(work.index.name, work.files, work.entries, size, work.others, work.damaged)


@dataclass(eq=False, slots=True)
class _Work:
    """A folder that is being filled."""

    folder: Path
    form: Form
    index: Index
    files: int = 0
    entries: int = 0
    others: int = 0
    damaged: int = 0
    _arrays: Arrays = field(default_factory=dict)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _bytes: int = 0

    def write(self, stores: list[Store], methods: set[str], tell: Tell) -> None:
        known = [store.usage().by_method for store in stores]
        total = sum(n for each in known for name, (n, _) in each.items() if not methods or name in methods)
        done = 0
        for number, (store, by_method) in enumerate(zip(stores, known, strict=True)):
            for method in by_method if not methods else methods & by_method.keys():
                for entry in _new(store.entries(method), stores[:number]):
                    self._take(entry)
                    done += 1
                    tell("exporting", done / total)
        self._flush()
        self.index.close()

    def _take(self, entry: Entry) -> None:
        explanation = _explanation(entry)
        if explanation is None:
            self.others += entry.is_sound
            self.damaged += not entry.is_sound
            return
        arrays = {f"{entry.key.hex()}/{name}": array for name, array in codec.arrays_of(explanation).items()}
        self._arrays |= arrays
        self._rows.append(_row(entry, explanation))
        self._bytes += sum(array.nbytes for array in arrays.values())
        self.entries += 1
        if self._bytes >= _FILE:
            self._flush()

    def _flush(self) -> None:
        """Write a file of what has gathered, and its rows of the index."""
        if not self._rows:
            return
        name = f"maps-{self.files:05}.{self.form}"
        content, offsets = _packed(self._arrays, self.form)
        (self.folder / name).write_bytes(content)
        for row in self._rows:
            row |= {"file": name, "offset": offsets.get(f"{row['key']}/{row['array']}")}
        self.index.put(self._rows)
        self.files += 1
        self._arrays, self._rows, self._bytes = {}, [], 0


def _new(entries: Iterator[Entry], earlier: list[Store]) -> Iterator[Entry]:
    """Those that none of the earlier stores has."""
    for entry in entries:
        if not any(not store.missing([entry.key]) for store in earlier):
            yield entry


def _explanation(entry: Entry) -> Explanation | None:
    """None where it is damaged, or no explanation."""
    if not entry.is_sound or entry.kind not in codec.KINDS:
        return None
    return codec.unpack(entry.blob)


def _row(entry: Entry, explanation: Explanation) -> dict[str, Any]:
    meta: Mapping[str, Any] = explanation.meta
    place, digests, classes = meta.get("place", {}), meta.get("digests", {}), meta.get("classes", [])
    target = place.get("target")
    own = {name: array for name, array in codec.arrays_of(explanation).items() if not name.startswith("extras/")}
    array, values = next(iter(own.items()), ("", None))
    return {
        "key": entry.key.hex(),
        "method": entry.method,
        "kind": entry.kind,
        "parameters": json.dumps(meta.get("parameters", {}), default=codec.as_json),
        "image": place.get("image"),
        "target": target,
        "class": classes[target] if target is not None and target < len(classes) else None,
        "layer": place.get("layer"),
        "filter": place.get("filter"),
        "checkpoint": place.get("checkpoint"),
        "image_digest": digests.get("image"),
        "classifier_digest": digests.get("classifier"),
        "dataset_digest": digests.get("dataset"),
        "notes": "\n".join(explanation.notes),
        "meta": json.dumps(meta, default=codec.as_json),
        "array": array,
        "shape": "x".join(map(str, values.shape)) if values is not None else "",
    }


def _packed(arrays: Arrays, form: Form) -> tuple[bytes, dict[str, int]]:
    """The file, and where in it each array's bytes begin, which only safetensors tells."""
    if form == "npz":
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue(), {}
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, {"writer": "fer-tui"})
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    return content, {name: 8 + length + each["data_offsets"][0] for name, each in header.items()}
