"""Parquet files with the bytes of pictures in a column, as Hugging Face writes them: `image` and `label`.

Only schemas, labels and ids are read here; pictures are read by row group when they are asked for. Needs pyarrow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import InputError, nearest, plain

from .arrays import as_labels
from .layout import Elsewhere, Rows, Tell, without_labels
from .parquet_rows import Encoded, opened
from .path_csv import labels_of
from .pictures import common_shape, picture_shape
from .shards import codes_of, splits_of, stamp_of
from .sources import Source, SourceFiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IMAGES = ("image", "img", "images", "picture", "pic", "jpg", "png", "webp")
_LABELS = ("label", "labels", "emotion", "class", "target", "expression", "category", "fine_label", "cls")
_IDS = ("id", "image_id", "__key__")
_EXPECTED = "name the pictures' column 'image': bytes, or {bytes, path} as Hugging Face writes them"
_LOOKED_AT = 8  # pictures whose headers are read, to tell whether all are of one size: each may cost a row group


def parse(paths: Sequence[Path], root: Path | None, tell: Tell) -> Rows:
    """The rows of Parquet files. root: the folder that they were found in. InputError names the file and the column."""
    columns: dict[str, str | None] = {}
    groups: list[tuple[int, int, int]] = []  # shard, its row group, the first row of that in the whole source
    counts: list[int] = []
    given: list[NDArray[Any] | list[str]] = []
    names: list[str] = []
    classes: tuple[str, ...] = ()
    for number, path in enumerate(paths):
        tell(f"looking through {path.name}", number / len(paths))
        with opened(path) as file:
            schema, told = file.schema_arrow, file.metadata
            if not number:
                columns = {"image": _image_column(schema, path)}
                columns |= {"label": _known(schema, _LABELS), "id": _known(schema, _IDS)}
                classes = _class_names(schema, columns["label"])
            _check(schema, columns, path, paths[0])
            rows = sum(counts)
            for group in range(told.num_row_groups):
                groups.append((number, group, rows))
                rows += told.row_group(group).num_rows
            counts.append(told.num_rows)
            given.append(_labels(file, columns["label"], path))
            names += _ids(file, columns["id"], path)
    if not sum(counts):
        raise InputError(paths[0], "has no rows", "get the file again")
    tell("looking at the first pictures", None)
    splits, codes = splits_of(paths, root)
    words = any(isinstance(each, list) for each in given)
    if words and not all(isinstance(each, list) for each in given):
        raise InputError(paths[0], "labels are numbers in one file and texts in another", "write them in one way")
    if words:
        classes, labels = labels_of([word for each in given for word in each])
    else:
        labels = np.concatenate(given)
        classes = _numbered(labels, classes, paths, counts)
    sources = [Source.of(path) for path in paths]
    places = np.array(groups, np.int64)
    kept = {"kind": "parquet", "sources": sources, "column": columns["image"], "groups": len(groups)}
    encoded = Encoded(SourceFiles(sources), places, str(columns["image"]), len(labels))
    return Rows(
        format="Parquet",
        classes=classes,
        labels=labels,
        splits=splits,
        codes=codes_of(codes, counts),
        names=names or None,
        elsewhere=Elsewhere(kept, stamp_of(paths), _shape(encoded, len(labels)), places),
        notes=without_labels(labels),
    )


def _image_column(schema: Any, path: Path) -> str:
    """The column with the pictures, as pyarrow is to read it: only the bytes of a struct."""
    from pyarrow import types

    faults = []
    for name in (*(name for name in _IMAGES if name in schema.names), *schema.names):
        kind = schema.field(name).type
        if types.is_binary(kind) or types.is_large_binary(kind):
            return str(name)
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            inside = kind.field("bytes").type
            if types.is_binary(inside) or types.is_large_binary(inside):
                return f"{name}.bytes"
        if name in _IMAGES:
            faults.append(f"column {name} is {str(kind)[:40]}")
    columns = ", ".join(map(plain, schema.names[:8]))
    close = "".join(nearest(name, _IMAGES) for name in schema.names[:4])
    raise InputError(
        path, f"has no pictures: {faults[0] if faults else f'its columns are {columns}{close}'}", _EXPECTED
    )


def _known(schema: Any, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in schema.names), None)


def _check(schema: Any, columns: Mapping[str, str | None], path: Path, first: Path) -> None:
    """Every file must have the columns of the first one."""
    for column in columns.values():
        name = (column or "").removesuffix(".bytes")
        if name and name not in schema.names:
            raise InputError(path, f"has no column {plain(name)!r}, which {first.name} has", "are they of one dataset?")
    if _image_column(schema, path) != columns["image"]:
        raise InputError(path, f"has its pictures elsewhere than {first.name}", "are they of one dataset?")


def _class_names(schema: Any, label: str | None) -> tuple[str, ...]:
    """The names of a ClassLabel, which Hugging Face's `datasets` writes into the schema's metadata."""
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
        return tuple(map(str, names)) if isinstance(names, list) else ()
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()


def _labels(file: Any, column: str | None, path: Path) -> NDArray[np.int64] | list[str]:
    """The labels of a file: class numbers, or words ("" for none)."""
    from pyarrow import types

    count = int(file.metadata.num_rows)
    if column is None:
        return np.full(count, -1, np.int64)
    values = file.read(columns=[column], use_threads=False).column(0)
    kind = values.type.value_type if types.is_dictionary(values.type) else values.type
    if types.is_string(kind) or types.is_large_string(kind):
        return [word or "" for word in values.to_pylist()]
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        fault = f"column {plain(column)} is {str(kind)[:40]}: no labels"
        raise InputError(path, fault, "write class numbers, from 0, or names")
    numbers = values.cast("float64") if types.is_floating(kind) else values.cast("int64")
    return as_labels(numbers.fill_null(-1).to_numpy(), count, f"{path} column {plain(column)}")


def _ids(file: Any, column: str | None, path: Path) -> list[str]:
    if column is None:
        return []
    return [str(value) for value in file.read(columns=[column], use_threads=False).column(0).to_pylist()]


def _numbered(
    labels: NDArray[np.int64], names: tuple[str, ...], paths: Sequence[Path], counts: Sequence[int]
) -> tuple[str, ...]:
    """The names of labels that are numbers."""
    most = int(labels.max(initial=-1))
    if names and most >= len(names):
        row = int(np.flatnonzero(labels >= len(names))[0])
        shard = int(np.searchsorted(np.cumsum(counts), row, "right"))
        where = f"{paths[shard]} row {row - sum(counts[:shard])}"
        raise InputError(where, f"has the label {labels[row]}, and there are {len(names)} class names", "mend the row")
    return names or tuple(str(number) for number in range(most + 1))


def _shape(encoded: Encoded, rows: int) -> tuple[int, ...] | None:
    """The shape of the pictures, where those that are looked at here have all the same."""
    looked_at = np.unique(np.linspace(0, rows - 1, min(_LOOKED_AT, rows)).astype(int)).tolist()
    return common_shape(_shape_of(encoded, row) for row in looked_at)


def _shape_of(encoded: Encoded, row: int) -> tuple[int, ...] | None:
    try:
        return picture_shape(BytesIO(encoded.read(row)))
    except InputError:  # told when it is met
        return ()
