"""What is exported reads back equal by other programs; what is merged is there once; both a little at a time."""

from __future__ import annotations

import csv
import json
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from fer_tui.cli import main
from fer_tui.contract import Explanation, Gallery, Heatmap, InputError, Matrix
from fer_tui.engine import codec, export
from fer_tui.engine.merging import merge
from fer_tui.engine.store import Store


def key(number: int) -> str:
    return f"{number:032x}"


def explanation(number: int, size: int = 6) -> Explanation:
    rng = np.random.default_rng(number)
    meta = {
        "parameters": {"samples": number},
        "place": {"image": number, "target": 1, "layer": "conv, 1"},
        "classes": ["angry", "sad, or so"],
        "digests": {"image": f"i{number}", "classifier": "c"},
    }
    if number % 5 == 3:
        return Matrix(counts=rng.integers(0, 9, (2, 2)), classes=("a", "b"), meta=meta)
    if number % 5 == 4:
        images = rng.random((2, 3, 3)).astype(np.float32)
        return Gallery(images=images, captions=("a", "b"), scores=np.zeros(2, np.float32))
    values = rng.normal(size=(size, size)).astype(np.float32)
    image = rng.integers(0, 256, (size, size), dtype=np.uint8)
    extras = {"segments": rng.integers(0, 5, (size, size)), "mask": values > 0}
    return Heatmap(values=values, image=image, extras=extras, meta=meta, notes=("one", 'two, "quoted"'))


def filled(folder: Path, numbers: range, limit: int | None = None, **given: Any) -> Store:
    store = Store.open(folder, limit_bytes=limit)
    for n in numbers:
        made = explanation(n, **given)
        store.put(key(n), codec.pack(made, half=n % 2 == 1), method=f"m{n % 2}", kind=made.kind)
    return store


def index_of(folder: Path) -> list[dict[str, Any]]:
    if (folder / "index.csv").exists():
        with (folder / "index.csv").open(newline="") as file:
            return list(csv.DictReader(file))
    parquet = pytest.importorskip("pyarrow.parquet")
    rows: list[dict[str, Any]] = parquet.read_table(folder / "index.parquet").to_pylist()
    return rows


@pytest.mark.parametrize(("form", "index"), [("safetensors", "csv"), ("npz", "csv"), ("safetensors", "parquet")])
def test_all_read_back_equal(tmp_path: Path, form: export.Form, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if index == "parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(export, "_FILE", 2000)  # several files
    store = filled(tmp_path / "own", range(20))
    store.put(key(99), b"\0" * 64, method="scores")
    other = filled(tmp_path / "other", range(15, 25))
    made = export.export([store, other], tmp_path / "out", form, index=index)  # type: ignore[arg-type]
    assert (made.entries, made.others, made.damaged, made.index) == (25, 1, 0, f"index.{index}")
    assert len(list((tmp_path / "out").iterdir())) == made.files + 1 > 3
    rows = {row["key"]: row for row in index_of(tmp_path / "out")}
    assert rows.keys() == {key(n) for n in range(25)}
    for n in range(25):
        row, stored = rows[key(n)], store.get(key(n)) or other.get(key(n))
        assert stored is not None
        wanted = codec.arrays_of(codec.unpack(stored))
        file = tmp_path / "out" / row["file"]
        if form == "npz":
            with np.load(file) as arrays:
                found = {name: arrays[f"{key(n)}/{name}"] for name in wanted}
        else:
            with safe_open(file, "numpy") as arrays:
                found = {name: arrays.get_tensor(f"{key(n)}/{name}") for name in wanted}
            array = wanted[row["array"]]  # the bytes are where the index says
            raw = np.frombuffer(file.read_bytes(), array.dtype, array.size, int(row["offset"]))
            assert np.array_equal(raw.reshape([int(side) for side in row["shape"].split("x")]), array)
        for name, array in wanted.items():
            np.testing.assert_array_equal(found[name], array, strict=True)
    row = rows[key(1)]
    assert (row["method"], row["kind"], row["class"], row["layer"]) == ("m1", "heatmap", "sad, or so", "conv, 1")
    assert (int(row["image"]), int(row["target"]), row["checkpoint"]) == (1, 1, "" if index == "csv" else None)
    assert json.loads(row["parameters"]) == {"samples": 1} and row["notes"] == 'one\ntwo, "quoted"'
    assert json.loads(row["meta"])["float16"].keys() == {"values"} and row["image_digest"] == "i1"
    store.close()
    other.close()


def test_memory_does_not_grow_with_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_FILE", 1 << 20)
    store = filled(tmp_path / "own", range(0, 2000, 5), size=64)  # 400 maps of 64 x 64
    target = Store.open(tmp_path / "merged")
    total = store.usage().bytes
    tracemalloc.start()
    export.export([store], tmp_path / "out", index="csv")
    assert merge(target, [store]).bytes == total
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < total / 2, (peak, total)
    store.close()
    target.close()


def test_the_folder_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path / "own", range(5))
    with pytest.raises(InputError, match="is there already"):
        export.export([store], tmp_path / "own")
    with pytest.raises(InputError, match="no explanation"):
        export.export([store], tmp_path / "out", methods=["m7"])

    def full(arrays: object, form: object) -> tuple[bytes, dict[str, int]]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_packed", full)
    with pytest.raises(InputError, match="No space left"):
        export.export([store], tmp_path / "out", index="csv")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
    store.close()


def test_merged_once_without_what_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "one", range(200), limit=1 << 30).close()
    filled(tmp_path / "two", range(150, 300), limit=1 << 30).close()
    with closing(sqlite3.connect(tmp_path / "two" / "store.sqlite")) as connection, connection:
        connection.execute("UPDATE entries SET blob = zeroblob(5) WHERE key = ?", (bytes.fromhex(key(299)),))
    own = tmp_path / "own"
    filled(own, range(10), limit=1 << 30).close()
    command = ["cache", "merge", str(tmp_path / "one"), str(tmp_path / "two" / "store.sqlite"), "--cache", str(own)]
    for came, known in ((289, 60), (0, 349)):
        assert main([*command, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["entries"], shown["known"], shown["damaged"]) == (came, known, 1)
    store = Store.open(own)
    assert store.usage().entries == 299 and store.verify() == []
    one = Store.open(tmp_path / "one", read_only=True)
    assert all(store.get(key(n)) == one.get(key(n)) for n in range(200))
    one.close()
    store.remember_limit(store.usage().bytes + 100)
    store.close()
    assert main(command) == 2
    assert "fer-tui cache limit none" in capsys.readouterr().err


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "own", range(10)).close()
    words = ["cache", "export", str(tmp_path / "out"), "--cache", str(tmp_path / "own"), "--index", "csv"]
    assert main([*words, "--method", "m1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["entries"], shown["files"], shown["index"]) == (5, 1, "index.csv")
    assert {row["method"] for row in index_of(tmp_path / "out")} == {"m1"}
    assert main(words) == 2 and "is there already" in capsys.readouterr().err
