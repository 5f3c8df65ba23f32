"""cache: what is stored, cleared, verified, on real store files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from fer_tui.cli import main
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
    assert _json(capsys, "verify") == {"path": "kept/store.sqlite", "ok": True, "faults": []}
    with sqlite3.connect(kept) as connection:
        connection.execute("UPDATE entries SET blob = zeroblob(2048) WHERE method = 'confusion'")
    connection.close()
    assert _json(capsys, "verify", code=1)["ok"] is False
    assert _json(capsys, "verify")["ok"] is True  # the damaged one is gone


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clear", "--method", "salency", "--cache", "kept"], "nothing of it is stored; did you mean saliency?"),
        (["show", "--method", "saliency"], "--method belongs to cache clear"),
        (["--cache", "none"], "none means that nothing is stored"),
        (["--cache", "broken"], "broken/store.sqlite: file is not a database"),
        (["empty"], "invalid choice: 'empty'"),
    ],
)
def test_bad_input(words: list[str], said: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken").mkdir()
    Path("broken/store.sqlite").write_bytes(b"no database" * 1000)
    assert main(["cache", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and said in shown.err


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
