"""fer-tui batch with real workers: what is in the store afterwards is what a plain loop makes, each map once."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.engine import Engine, Session, Settings, Store, networks, open_session
from fer_tui.engine.storefile import FILE_NAME

from .batchkit import Slow
from .conftest import Kit

ROWS = 40


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """The samples, their network, and the store that the batch writes to."""
    return open_session(Settings(device="cpu", limit=ROWS, cache=str(tmp_path)))


def batch(capsys: pytest.CaptureFixture[str], folder: Path, *words: str, rows: int = ROWS) -> dict[str, object]:
    flags = ["--limit", str(rows), "--device", "cpu", "--cache", str(folder), "--workers", "2", "--json"]
    assert main(["batch", *words, *flags]) == 0
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_it_makes_what_a_plain_loop_makes_and_only_once(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = batch(capsys, tmp_path, "saliency")
    assert (told["total"], told["made"], told["missing"], told["aside"]) == (ROWS, ROWS, 0, [])
    store = Store.open(tmp_path)
    assert store.usage().by_method["saliency"][0] == ROWS
    assert batch(capsys, tmp_path, "saliency")["made"] == 0
    plain = Engine(session.classifier, session.dataset)
    predicted = session.classifier.predict(session.dataset.images(0, ROWS)).argmax(1).tolist()
    places = [Place(row, target) for row, target in enumerate(predicted)]
    # the explorer's engine: what it gives for these places at once is what the batch has stored
    stored = list(session.engine().explain_many("saliency", places))
    assert store.usage().by_method["saliency"][0] == ROWS
    for made, found in zip(plain.explain_many("saliency", places), stored, strict=True):
        assert isinstance(made.explanation, Heatmap) and isinstance(found.explanation, Heatmap)
        scale = float(np.abs(made.explanation.values).max())
        np.testing.assert_allclose(found.explanation.values, made.explanation.values, atol=1e-4 * scale)


def test_a_dry_run_tells_exactly_what_is_missing(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for row in (1, 5, 30):  # as the explorer makes them, one by one
        list(session.engine().explain("saliency", Place(row, 2)))
    every = 200  # rows: more than the measurement makes
    told = batch(capsys, tmp_path, "saliency", "--targets", "2", "--dry-run", rows=every)
    made, size = Store.open(tmp_path).usage().by_method["saliency"]
    assert made > 3 and (told["total"], told["missing"]) == (every, every - made)
    assert isinstance(told["seconds"], float) and told["seconds"] > 0
    assert told["bytes"] == pytest.approx(size / made * (every - made), rel=0.1)
    done = batch(capsys, tmp_path, "saliency", "--targets", "2", "--where", "row<10")
    assert (done["total"], done["missing"]) == (10, 0)


def test_a_dry_run_makes_a_handful_of_slow_ones(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "slow", "--targets", "3", "--dry-run", "--json", *kit.flags]) == 0
    told = json.loads(capsys.readouterr().out)
    made = len(kit.explained())
    assert made <= 3 and told["missing"] == kit.settings.limit - made  # type: ignore[operator]
    assert told["seconds"] == pytest.approx(Slow.seconds * told["missing"] / 2, rel=0.5)


def test_half_takes_less_and_reads_as_float32(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = batch(capsys, tmp_path / "whole", "saliency", "--targets", "2", rows=4)
    half = batch(capsys, tmp_path / "half", "saliency", "--targets", "2", "--half", rows=4)
    assert isinstance(whole["bytes"], int) and isinstance(half["bytes"], int)
    assert half["bytes"] < whole["bytes"] - 4 * 48 * 48 * 2 + 2000
    with open_session(Settings(device="cpu", limit=4, cache=str(tmp_path / "half"))) as session:
        (found,) = session.engine().explain("saliency", Place(1, 2))
    assert isinstance(found.explanation, Heatmap) and found.explanation.values.dtype == np.float32
    assert found.explanation.meta["float16"]


def test_a_store_that_would_evict_is_refused_and_one_of_its_own_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Store.open(tmp_path)) as store:
        store.remember_limit(250_000)
    flags = ["--limit", str(ROWS), "--device", "cpu", "--cache", str(tmp_path), "--workers", "1"]
    assert main(["batch", "saliency", "--targets", "2", *flags]) == 2
    assert "keeps 244.1 KiB" in (said := capsys.readouterr().err) and "--out FOLDER" in said
    assert main(["batch", "saliency", "--targets", "2", *flags, "--out", str(tmp_path / "own")]) == 0
    usage = Store.open(tmp_path / "own").usage()
    assert usage.limit is None and usage.by_method["saliency"][0] == ROWS


def test_a_picture_that_cannot_be_read_is_set_aside_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(np.full((48, 48), 40 * number, np.uint8)).save(folder / f"{number}.png")
    flags = ["--data", str(folder), "--device", "cpu", "--cache", str(tmp_path / "cache"), "--workers", "1", "--json"]
    assert main(["batch", "saliency", "--dry-run", *flags]) == 0  # the data are known
    capsys.readouterr()
    whole = (folder / "3.png").read_bytes()
    (folder / "3.png").write_bytes(whole[: len(whole) // 2])
    assert main(["batch", "input-x-gradient", *flags]) == 1
    out, said = capsys.readouterr()
    told = json.loads(out)
    assert (told["made"], [each["image"] for each in told["aside"]]) == (5, [3])
    assert "set aside: row 3 (3.png)" in said


def test_a_store_that_another_machine_writes_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("_on_network", "_lacks_locks"):
        monkeypatch.setattr(networks, name, lambda folder: True)
    Store.open(tmp_path).close()
    claim = tmp_path / f"{FILE_NAME}-writer-gpu-2-17-0123abcd"
    claim.touch()
    for flag in ("--out", "--cache"):
        assert main(["batch", "saliency", "--data", "absent.csv", flag, str(tmp_path)]) == 2  # not even looked for
        said = capsys.readouterr().err
        assert f"{tmp_path / FILE_NAME}: gpu-2 has it open for writing" in said and str(claim) in said
        assert said.endswith("(name another one: --out FOLDER)\n") and said.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [tmp_path / FILE_NAME, claim]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["saliency", "--layers", "conv1"], "--layers conv1: saliency does not depend on the layer"),
        (["saliency", "--targets", "fera"], "--targets fera: there is no such class; did you mean fear?"),
        (["saliency", "--cache", "none"], "leaves no store to write to (name one: --out FOLDER)"),
        (["saliency", "--workers", "0"], "argument --workers"),
        (["saliency", "--checkpoints", "x"], "argument --checkpoints: 'x' is not a whole number"),
        (["saliency", "--out", "/proc/nothing"], "/proc/nothing/store.sqlite"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FER_TUI_CACHE", str(tmp_path))
    assert main(["batch", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
