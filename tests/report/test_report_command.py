"""fer-tui report: its files, the same every time, verified; what it will not touch."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fer_tui.cli import main

from .conftest import Planted

NAMES = {f"fig{n}_{k}.jpg" for n in (1, 3, 4) for k in range(3)} | {
    "fig2_1.jpg", "fig2_2.jpg", "confusion.jpg", "mean_saliency.jpg", "mean_cam.jpg", "mean_lime.jpg", "pairs.jpg",
    "recall_focus.jpg", "report.html", "report.md", "report.json", "manifest.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def out(planted: Planted, report_cache: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "first"
    assert main(["report", *planted.flags(), "-o", str(folder), "--cache", report_cache]) == 0
    return folder


def test_the_files_by_name_without_anything_of_the_moment(out: Path, planted: Planted) -> None:
    assert {each.name for each in out.iterdir()} == NAMES
    with Image.open(out / "fig1_0.jpg") as picture:
        assert picture.format == "JPEG" and picture.width > 800
    for name in ("report.html", "report.md", "report.json", "manifest.json"):
        text = (out / name).read_text()
        assert str(planted.folder) not in text and str(out) not in text and "seconds" not in text
    page = (out / "report.html").read_text()
    assert page.count("<img alt=") == page.count("<img ") == len(NAMES) - 4
    assert "http://" not in page and "https://" not in page and "<script" not in page
    told = json.loads((out / "report.json").read_text())
    assert told["shown"][2]["class"] == "columns" and told["rows"] == {"all": 60, "labelled": 60}
    assert all("![" in line and Path(out, line.split("](")[1][:-1]).is_file()
               for line in (out / "report.md").read_text().splitlines() if line.startswith("!["))  # fmt: skip


def test_made_again_without_the_store_it_is_the_same_to_the_byte(
    out: Path, planted: Planted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["report", *planted.flags(), "--cache", str(tmp_path / "fresh")]
    assert main([*words, "--verify", str(out)]) == 0
    assert f"all {len(NAMES) - 1} files are as they would be made now, byte by byte" in capsys.readouterr().out
    content = bytearray((out / "fig3_1.jpg").read_bytes())
    content[len(content) // 2] ^= 1
    before = (out / "fig3_1.jpg").read_bytes()
    try:
        (out / "fig3_1.jpg").write_bytes(content)
        assert main([*words, "--verify", str(out)]) == 1
        assert capsys.readouterr().out.splitlines() == ["differs: fig3_1.jpg: changed since it was written"]
        (out / "fig3_1.jpg").unlink()
        assert main([*words, "--verify", str(out), "--json"]) == 1
        shown = json.loads(capsys.readouterr().out)
        assert not shown["identical"] and shown["differs"][0].startswith("fig3_1.jpg: No such file")
    finally:
        (out / "fig3_1.jpg").write_bytes(before)
    assert main([*words, "--limit", "30", "--verify", str(out)]) == 1
    assert "differs: data: not what the report was made from" in capsys.readouterr().out


def test_on_another_processor_it_is_the_same_within_the_tolerance(out: Path, planted: Planted, tmp_path: Path) -> None:
    """Other instructions and another number of threads sum in another order."""
    instructions = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem"}
    words = [*planted.flags(), "--cache", str(tmp_path / "fresh"), "--verify", str(out), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "fer_tui", "report", *words],
        env={**os.environ, **instructions, "OMP_NUM_THREADS": "2"}, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert done.returncode == 0, told
    assert told["differs"] == [] and told["versions"] == {} and told["identical"] == (not told["near"])
    assert told["near"], "the last digits of a network differ there"


def test_what_it_will_not_touch(
    out: Path, planted: Planted, report_cache: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["report", *planted.flags(), "--cache", report_cache, "--images", "worst"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    for place, fault in (
        (mine, "holds files of another kind: thesis.tex"),
        (mine / "thesis.tex", "is a file"),
        (tmp_path / "none" / "deep", "there is no folder"),
    ):
        assert main([*words, "-o", str(place)]) == 2
        error = capsys.readouterr().err
        assert fault in error and len(error.splitlines()) == 1
    assert main([*words, "-o", str(mine), "--force", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown["files"]) == NAMES and (mine / "thesis.tex").read_text() == "years of work"
    assert main([*words, "-o", str(mine), "--format", "svg", "--force"]) == 0  # its own earlier files go
    assert {each.suffix for each in mine.iterdir()} == {".svg", ".html", ".md", ".json", ".tex"}
    told = json.loads((mine / "report.json").read_text())
    wrong = [each for each in told["shown"] if each["class"] != each["predicted"]]
    assert wrong and all(each["explained"] == each["predicted"] for each in told["shown"])
    assert main(["report", *planted.flags(), "--verify", str(tmp_path)]) == 2
    assert "holds no finished report" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(planted: Planted, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert main(["report", *planted.flags(), "-o", str(tmp_path / "out")]) == 2
    assert "cannot be written to" in capsys.readouterr().err


def test_a_full_disk_is_told_before_the_work(
    planted: Planted, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 5 << 20})())
    assert main(["report", *planted.flags(), "-o", str(tmp_path / "out")]) == 2
    assert "has 5 MB of room, and a report may take 65 MB" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name the folder with -o OUT"),
        (["-o", "x", "--images", "bst"], "did you mean best?"),
        (["-o", "x", "--format", "jpeg"], "did you mean jpg?"),
        (["-o", "x", "--seed", "-1"], "is not a whole number from 0 on"),
        (["-o", "x", "--images", "900", "--limit", "14"], "--images 900: there is no such row"),
        (["-o", "x", "--layer", "features.conf1", "--limit", "14"], "did you mean features.conv1?"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words]) == 2
    error = capsys.readouterr().err
    assert told in error and len(error.splitlines()) == 1
    assert not list(tmp_path.glob("x"))
