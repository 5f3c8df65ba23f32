"""What is exported reads back equal by other programs; what is merged is there once; both a little at a time."""

from __future__ import annotations

import csv
import json
import shutil
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
from fer_tui.engine.export import Wanted
from fer_tui.engine.merging import merge
from fer_tui.engine.store import Store
from fer_tui.engine.unfinished import Unfinished


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
        export.export([store], tmp_path / "out", wanted=Wanted(("m7",)))

    def full(arrays: object, form: object) -> tuple[bytes, dict[str, int]]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_packed", full)
    with pytest.raises(InputError, match=r"No space left.*the same command goes on with it"):
        export.export([store], tmp_path / "out", index="csv")
    assert not (tmp_path / "out").exists()
    store.close()


def test_interrupted_it_goes_on_and_ends_as_if_it_never_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_FILE", 2000)
    store, other = filled(tmp_path / "own", range(40)), filled(tmp_path / "other", range(30, 60))
    export.export([store, other], tmp_path / "whole", index="csv")
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    part, packed, calls = tmp_path / ".out.part", export._packed, iter(range(1, 100))

    def interrupted(*given: Any) -> tuple[bytes, dict[str, int]]:
        if next(calls) % 4 == 0:
            raise KeyboardInterrupt
        return packed(*given)

    def go_on(stores: list[Store]) -> export.Exported | None:
        try:
            return export.export(stores, tmp_path / "out", index="csv")
        except KeyboardInterrupt:
            assert not (tmp_path / "out").exists() and part.is_dir()
            with (part / "rows.jsonl").open("a") as file:  # killed in the middle of a row
                file.write('{"key": "0')
            (part / "maps-00099.safetensors").touch()
            return None

    monkeypatch.setattr(export, "_packed", interrupted)
    runs = [made for _ in range(30) if not (tmp_path / "out").exists() for made in [go_on([store, other])]]
    *broken, last = runs
    assert len(broken) >= 2 and last is not None and last.entries == 60 and 0 < last.before < 60
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == whole and not part.exists()
    assert next(calls) - 1 == len(runs) - 1 + last.files  # no file was made twice
    store.close()
    other.close()


def test_what_was_begun_of_something_else_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_FILE", 2000)
    store, packed = filled(tmp_path / "own", range(40)), export._packed

    def begin(number: int) -> None:
        calls = iter(range(number))

        def some(*given: Any) -> tuple[bytes, dict[str, int]]:
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return packed(*given)

        with monkeypatch.context() as patch:
            patch.setattr(export, "_packed", some)
            with pytest.raises(KeyboardInterrupt):
                export.export([store], tmp_path / "out", index="csv")

    begin(3)
    made = export.export([store], tmp_path / "out", wanted=Wanted(("m1",)), index="csv")  # narrowed otherwise
    assert (made.entries, made.before) == (20, 0)
    shutil.rmtree(tmp_path / "out")
    begin(3)
    store.delete()  # and filled again: the numbers are those of others
    store.close()
    store = filled(tmp_path / "own", range(100, 140))
    made = export.export([store], tmp_path / "out", index="csv")
    assert (made.entries, made.before) == (40, 0)
    assert {row["key"] for row in index_of(tmp_path / "out")} == {key(n) for n in range(100, 140)}
    shutil.rmtree(tmp_path / "out")
    with Unfinished(tmp_path / "out", {}).held(), pytest.raises(InputError, match="another process is writing it"):
        export.export([store], tmp_path / "out")
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
    out = tmp_path / "some"
    words[2] = str(out)
    for narrowed, keys in (
        (["--kind", "matrix"], {3, 8}),
        (["--kind", "matrix", "--kind", "gallery", "--method", "m0"], {4, 8}),
        (["--class", "sad, or so", "--kind", "heatmap"], {0, 1, 2, 5, 6, 7}),
        (["--network", "c", "--method", "m1"], {1, 3, 5, 7}),
    ):
        assert main([*words, *narrowed]) == 0
        assert {row["key"] for row in index_of(out)} == set(map(key, keys))
        shutil.rmtree(out)
    capsys.readouterr()
    assert main([*words, "--network", "d"]) == 2 and "no explanation to export" in capsys.readouterr().err
    assert main(["cache", "verify", "--class", "sad"]) == 2
    assert "--class belongs to cache export" in capsys.readouterr().err
