"""cache: what is stored, cleared, verified, on real store files."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.cli.sizes import bytes_of
from fer_tui.dataset import MappedDataset, open_dataset
from fer_tui.engine import Store


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    store = Store.open(tmp_path / "kept")
    for number, method in enumerate(("saliency", "saliency", "confusion")):
        store.put(f"{number:032x}", b"x" * 2048, method=method)
    store.close()
    return tmp_path / "kept" / "store.sqlite"


def _json(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, object]:
    assert main(["cache", *words, "--cache", "kept", "--json"]) == code
    shown: dict[str, object] = json.loads(capsys.readouterr().out)
    return shown


def test_show(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = _json(capsys)
    assert (shown["entries"], shown["bytes"]) == (3, 3 * 2048)
    assert shown["by_method"] == {
        "confusion": {"entries": 1, "bytes": 2048},
        "saliency": {"entries": 2, "bytes": 4096},
    }
    assert main(["cache", "--cache", "kept"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("kept/store.sqlite: 3 entries, ")
    assert lines[2].split() == ["saliency", "2", "entries", "4.0", "KiB"]


def test_looking_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for action in ("show", "path", "clear", "verify"):
        assert main(["cache", action, "--cache", "absent"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_path_follows_the_settings(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("fer-tui.toml").write_text('cache = "kept"\n')
    assert main(["cache", "path"]) == 0
    assert capsys.readouterr().out == "kept/store.sqlite\n"
    Path("fer-tui.toml").unlink()
    monkeypatch.setenv("FER_TUI_CACHE", "/elsewhere")
    assert main(["cache", "path"]) == 0
    assert capsys.readouterr().out == "/elsewhere/store.sqlite\n"


def test_clear_one_method_then_all(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "clear", "--method", "saliency")["deleted"] == 2
    assert _json(capsys)["by_method"] == {"confusion": {"entries": 1, "bytes": 2048}}
    assert _json(capsys, "clear")["deleted"] == 1
    assert _json(capsys)["entries"] == 0


def test_verify_finds_damage(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((), ("--quick",)):
        shown = _json(capsys, "verify", *words)
        assert shown == {"path": "kept/store.sqlite", "ok": True, "faults": [], "stores": []}
    with sqlite3.connect(kept) as connection:
        connection.execute("UPDATE entries SET blob = zeroblob(2048) WHERE method = 'confusion'")
    connection.close()
    assert _json(capsys, "verify", code=1)["ok"] is False
    assert _json(capsys, "verify")["ok"] is True  # the damaged one is gone


def test_further_stores_are_shown_and_verified_but_never_touched(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("kept", "theirs")
    with closing(sqlite3.connect("theirs/store.sqlite")) as connection, connection:
        connection.execute("UPDATE entries SET blob = zeroblob(2048) WHERE method = 'confusion'")
    further = ("--store", "theirs", "--store", "absent")
    theirs, absent = _json(capsys, *further)["stores"]  # type: ignore[misc]
    assert theirs["by_method"]["saliency"] == {"entries": 2, "bytes": 4096} and theirs["fault"] == ""
    assert absent["exists"] is False and "there is no store" in absent["fault"]
    for words in (("--quick",), ()):
        shown = _json(capsys, "verify", *words, *further, code=1)
        assert shown["faults"] == [] and shown["ok"] is False
        assert shown["stores"] == [
            {"path": "theirs/store.sqlite", "ok": False, "faults": ["1 damaged explanations"]},
            {"path": "absent/store.sqlite", "ok": False, "faults": ["there is no store"]},
        ]
    assert not Path("absent").exists()


def test_the_limit_is_remembered(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "limit", "none")["limit"] is None
    assert main(["cache", "--cache", "kept"]) == 0
    assert "without limit" in capsys.readouterr().out
    with closing(Store.open(kept.parent)) as store:
        for number in (8, 9):
            store.put(f"{number:032x}", bytes(600_000), method="lime")
    assert _json(capsys, "limit", "1M") == {"path": "kept/store.sqlite", "limit": 1 << 20, "evicted": 4}
    assert (_json(capsys)["limit"], _json(capsys)["entries"]) == (1 << 20, 1)
    assert kept.stat().st_size < 700_000
    assert [bytes_of(each) for each in ("12", "1 kb", "1.5MiB", "2g")] == [12, 1024, 3 << 19, 2 << 30]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clear", "--method", "salency", "--cache", "kept"], "nothing of it is stored; did you mean saliency?"),
        (["show", "--method", "saliency"], "--method belongs to cache clear and export"),
        (["--cache", "none"], "none means that nothing is stored"),
        (["--cache", "broken"], "broken/store.sqlite: file is not a database"),
        (["--cache", "afile"], "argument --cache: afile is a file: name the folder of a store"),
        (["--cache", "empty"], "empty/store.sqlite: it is empty, no store yet"),
        (["empty"], "invalid choice: 'empty'"),
        (["clear", "kept"], "there is no place for kept"),
        (["export"], "cache export needs a name"),
        (["show", "--quick"], "--quick belongs to cache verify"),
        (["limit", "much", "--cache", "kept"], "'much' is no size such as 500M or 20G"),
        (["limit", "3", "--cache", "kept"], "'3' is below 1.0 MiB: nothing would stay"),
        (["export", "kept", "--cache", "kept"], "is there already"),
        (["export", "out", "--cache", "kept"], "there is no explanation to export"),
        (["export", "out", "--method", "cem", "--cache", "kept"], "nothing of it is stored"),
        (["merge", "kept", "--cache", "kept"], "is the very store that is merged into"),
        (["merge", "absent", "--cache", "kept"], "absent/store.sqlite: there is no store (name the folder of a store)"),
    ],
)
def test_bad_input(words: list[str], said: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken").mkdir()
    Path("broken/store.sqlite").write_bytes(b"no database" * 1000)
    Path("afile").touch()
    Path("empty").mkdir()
    Path("empty/store.sqlite").touch()
    assert main(["cache", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and said in shown.err


def test_the_store_may_be_named_by_its_file(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--cache", "kept/store.sqlite"]) == 0
    assert capsys.readouterr().out.startswith("kept/store.sqlite: 3 entries, ")


@pytest.mark.parametrize("action", [["show"], ["verify"], ["clear"], ["limit", "2G"], ["export", "out"]])
def test_the_database_of_another_program_is_left_alone(
    action: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = (tmp_path / "store.sqlite").read_bytes()
    assert main(["cache", *action, "--cache", str(tmp_path)]) == 2
    assert "store.sqlite: it is a database of another program (" in capsys.readouterr().err
    assert not Store.open(tmp_path).is_on
    assert (tmp_path / "store.sqlite").read_bytes() == before


def test_parsed_data_are_shown_and_cleared(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Path("[red]odd.npz")
    np.savez(source, images=np.zeros((5, 4, 4), np.uint8))
    opened = open_dataset(source, cache="kept")
    assert _json(capsys)["datasets"] == [
        {"name": "[red]odd.npz", "rows": 5, "bytes": 5 * 16 + 5 * 8 + _meta_size(opened)}
    ]
    assert main(["cache", "--cache", "kept"]) == 0
    assert "parsed data: [red]odd.npz, 5 rows, " in capsys.readouterr().out
    assert _json(capsys, "clear", "--method", "confusion")["datasets"] == 0
    assert _json(capsys, "clear")["datasets"] == 1
    assert _json(capsys)["datasets"] == []
    assert opened[4].image.shape == (4, 4)
    assert source.is_file()


def _meta_size(dataset: MappedDataset) -> int:
    return (Path(dataset.folder) / "meta.json").stat().st_size
