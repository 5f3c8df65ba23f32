"""Stored explanations as files that other programs read: arrays in safetensors or npz, and an index of them all.

One entry after another, so that memory does not grow with their number; the folder is there whole or not at all, and an
export that was interrupted is gone on with, file by file.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fer_tui.contract import Explanation, InputError
from fer_tui.writing import write_whole

from . import codec
from .entries import Entry
from .indexing import index_form, write_index
from .store import Store
from .unfinished import Unfinished

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

Form = Literal["safetensors", "npz"]
_FILE = 64 << 20  # bytes of arrays in one file, about; what is gathered in memory

Tell = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which explanations: of any of these methods, kinds, classes (by name); all where none is named.

    network: how the digest of the network's begins, as the column classifier_digest has it.
    """

    methods: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    network: str = ""

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether that one, by its row of the index, is among them."""
        is_named = not self.classes or row["class"] in self.classes
        return is_named and (row["classifier_digest"] or "").startswith(self.network)


@dataclass(slots=True)
class Exported:
    """What was written. others: entries that are no explanations (scores and the like). damaged: left out, too.

    before: how many of them were written by an earlier run that was interrupted.
    """

    index: str = ""
    files: int = 0
    entries: int = 0
    bytes: int = 0
    others: int = 0
    damaged: int = 0
    before: int = 0


def export(
    stores: Iterable[Store],
    out: Path,
    form: Form = "safetensors",
    wanted: Wanted | None = None,
    *,
    index: Literal["parquet", "csv"] | None = None,
    tell: Tell = lambda what, share: None,
) -> Exported:
    """Write all explanations that are wanted into the new folder `out`; interrupted, the same call goes on.

    An array is called KEY/NAME in its file: values, image, extras/.... index: None is Parquet where pyarrow is there,
    else CSV. What an earlier store has is not taken from a later one. InputError where `out` is not new or empty, or
    cannot be written, and where there is nothing to export.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "is there already", "name a new or an empty folder")
    stores, wanted = list(stores), wanted or Wanted()
    chosen = index_form(index)
    asked = {"stores": [str(each.path.resolve()) for each in stores], "form": form, "index": chosen, **asdict(wanted)}
    unfinished = Unfinished(out, asked)
    try:
        with unfinished.held():
            work = _Work(unfinished, form, stores, wanted)
            work.write(tell)
            if not work.made.entries:
                unfinished.discard()
                raise InputError(
                    "cache export", "there is no explanation to export", "fer-tui cache lists what there is"
                )
            work.made.index = write_index(unfinished.folder, chosen, work.rows)
            work.rows.unlink()
            unfinished.finish()
    except OSError as error:
        kept = f"what is written is kept in {unfinished.folder}, and the same command goes on with it"
        raise InputError(out, f"cannot be written: {error.strerror or error}", kept) from None
    work.made.bytes = sum(each.stat().st_size for each in out.iterdir())
    return work.made


class _Work:
    """A folder that is being filled, file by file. rows: a file with those of the index so far, as lines of JSON."""

    def __init__(self, unfinished: Unfinished, form: Form, stores: Sequence[Store], wanted: Wanted) -> None:
        self._unfinished, self._form, self._stores, self._wanted = unfinished, form, stores, wanted
        self._folder = unfinished.folder
        self.rows = self._folder / "rows.jsonl"
        self.made = Exported()
        self._at = _Spot()
        self._arrays: Arrays = {}
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        if unfinished.state is not None:
            self._go_on(unfinished.state)

    def _go_on(self, state: Mapping[str, Any]) -> None:
        """From where an earlier run was; from the start where the store is not the one that it was."""
        spot = _Spot(**state["at"])
        last = next(self._stores[spot.store].entries(spot.method, spot.number - 1), None)
        if last is None or (last.number, last.key.hex()) != (spot.number, spot.key):
            self._unfinished.start_anew()
            return
        self._at, self.made = spot, Exported(**state["made"])
        self.made.before = self.made.entries
        os.truncate(self.rows, state["length"])
        self._unfinished.clear([self.rows.name, *map(self._name, range(self.made.files))])

    def _name(self, number: int) -> str:
        return f"maps-{number:05}.{self._form}"

    def write(self, tell: Tell) -> None:
        methods = set(self._wanted.methods)
        known = [store.usage().by_method for store in self._stores]
        total = sum(n for each in known for name, (n, _) in each.items() if not methods or name in methods)
        done, begun = self.made.entries + self.made.others + self.made.damaged, self._at
        for number, (store, by_method) in enumerate(zip(self._stores, known, strict=True)):
            for method in sorted(methods & by_method.keys() if methods else by_method):
                if (number, method) < (begun.store, begun.method):
                    continue
                after = begun.number if (number, method) == (begun.store, begun.method) else 0
                for entry in _new(store.entries(method, after), self._stores[:number]):
                    self._at = _Spot(number, method, entry.number, entry.key.hex())
                    self._take(entry)
                    done += 1
                    tell("exporting", min(1.0, done / total))
        self._flush()

    def _take(self, entry: Entry) -> None:
        if entry.is_sound and self._wanted.kinds and entry.kind not in self._wanted.kinds:
            return
        explanation = _explanation(entry)
        if explanation is None:
            self.made.others += entry.is_sound
            self.made.damaged += not entry.is_sound
            return
        row = _row(entry, explanation)
        if not self._wanted.has(row):
            return
        arrays = {f"{entry.key.hex()}/{name}": array for name, array in codec.arrays_of(explanation).items()}
        self._arrays |= arrays
        self._rows.append(row)
        self._bytes += sum(array.nbytes for array in arrays.values())
        self.made.entries += 1
        if self._bytes >= _FILE:
            self._flush()

    def _flush(self) -> None:
        """Write a file of what has gathered, and its rows of the index."""
        if not self._rows:
            return
        name = self._name(self.made.files)
        content, offsets = _packed(self._arrays, self._form)
        write_whole(self._folder / name, content, durable=True)
        with self.rows.open("a", encoding="utf-8") as file:
            for row in self._rows:
                row |= {"file": name, "offset": offsets.get(f"{row['key']}/{row['array']}")}
                file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
            length = file.tell()
        self.made.files += 1
        self._unfinished.keep({"at": asdict(self._at), "made": asdict(self.made), "length": length})
        self._arrays, self._rows, self._bytes = {}, [], 0


@dataclass(frozen=True, slots=True)
class _Spot:
    """An entry: in which of the stores, of which method, which one."""

    store: int = 0
    method: str = ""
    number: int = 0
    key: str = ""


def _new(entries: Iterator[Entry], earlier: Sequence[Store]) -> Iterator[Entry]:
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
