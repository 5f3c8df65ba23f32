"""The index of an export: a row for each explanation, as Parquet (extra `parquet`) or CSV, row by row."""

from __future__ import annotations

import csv
import importlib.util
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from fer_tui.contract import InputError

TEXTS = (
    "key", "method", "kind", "parameters", "class", "layer", "image_digest", "classifier_digest", "dataset_digest",
    "notes", "meta", "array", "shape", "file",
)  # fmt: skip
NUMBERS = ("image", "target", "filter", "checkpoint", "offset")
COLUMNS = (
    "key", "method", "kind", "parameters", "image", "target", "class", "layer", "filter", "checkpoint", "notes", "file",
    "array", "offset", "shape", "image_digest", "classifier_digest", "dataset_digest", "meta",
)  # fmt: skip
assert {*TEXTS, *NUMBERS} == set(COLUMNS)

Row = dict[str, Any]
_TOGETHER = 4096  # rows at once: a row group of Parquet


class Index(Protocol):
    """A file that grows by rows. name: of the file."""

    name: str

    def put(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> None: ...


Form = Literal["parquet", "csv"]


def index_form(asked: Form | None) -> Form:
    """What is asked for; None: Parquet where pyarrow is there, else CSV. InputError where that is not."""
    has_parquet = importlib.util.find_spec("pyarrow") is not None
    if asked == "parquet" and not has_parquet:
        raise InputError("--index parquet", "pyarrow is not there", 'pip install "fer-tui[parquet]"')
    return asked or ("parquet" if has_parquet else "csv")


def write_index(folder: Path, form: Form, rows: Path) -> str:
    """The name of the index in `folder`, of rows that are lines of JSON; a few of them at a time."""
    index: Index = Parquet(folder) if form == "parquet" else Csv(folder)
    with rows.open(encoding="utf-8") as lines:
        while some := [json.loads(line) for line in itertools.islice(lines, _TOGETHER)]:
            index.put(some)
    index.close()
    return index.name


class Csv:
    """Numbers that are not there are empty."""

    name = "index.csv"

    def __init__(self, folder: Path) -> None:
        self._file = (folder / self.name).open("w", newline="", encoding="utf-8", errors="surrogateescape")
        self._writer = csv.DictWriter(self._file, COLUMNS, lineterminator="\n")
        self._writer.writeheader()

    def put(self, rows: Sequence[Row]) -> None:
        self._writer.writerows(rows)

    def close(self) -> None:
        self._file.close()


class Parquet:
    """Numbers that are not there are null; compressed by zstd."""

    name = "index.parquet"

    def __init__(self, folder: Path) -> None:
        import pyarrow as arrow
        from pyarrow import parquet

        types = {name: arrow.string() if name in TEXTS else arrow.int64() for name in COLUMNS}
        self._arrow, self._schema = arrow, arrow.schema(list(types.items()))
        self._writer = parquet.ParquetWriter(folder / self.name, self._schema, compression="zstd")

    def put(self, rows: Sequence[Row]) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(list(rows), schema=self._schema))

    def close(self) -> None:
        self._writer.close()
