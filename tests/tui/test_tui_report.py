"""R makes the report by a real process beside the explorer, tells its end, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fer_tui.cli import main
from fer_tui.contract import InputError
from fer_tui.engine.settings import Settings
from fer_tui.tui.pace import Pace
from fer_tui.tui.reporting import MOST, Reporter, ranges, words_for

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def working() -> list[int]:
    """The processes that make a report."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"fer_tui" in words and b"report" in words and str(Path.cwd()).encode() in b"\0".join(words):
            found.append(int(each.parent.name))
    return found


async def test_the_report_of_what_is_marked(
    opened: Opened, project: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, seen = tmp_path / "fer-tui-exports" / "noise.npz" / "report", set()
    async with opened(project(), (160, 30)) as sight:
        monkeypatch.delenv("FER_TUI_DISABLE_PLUGINS")  # the report's own process has all explainers
        await sight.predicted()
        await sight.type("  7G R")
        assert "made of the 3 marked images" in sight.text("#status")

        def is_over() -> bool:
            seen.add(sight.app.desk.reports.words(Pace()))
            return "report is written: fer-tui-exports/noise.npz/report/report.html" in sight.text("#status")

        await sight.until(is_over, "the end of the report", 60)
        assert any(words and "%" in words for words in seen), "its progress was told"
        told = json.loads((folder / "report.json").read_text())
        assert [each["row"] for each in told["shown"]] == [0, 1, 7]
        assert (folder / "report.html").stat().st_size > 100_000

        await sight.type("UR")
        assert "best classified image of each class, for none is marked: fer-tui-exports" in sight.text("#status")
        await sight.until(working, "the process")
        await sight.type("{escape}")
        assert "a report is being made" in sight.text()
        await sight.type("j{enter}")
        await sight.until(lambda: "report is stopped" in sight.text("#status"), "the end")
        assert not working() and not folder.with_name("report-2").exists()

        (tmp_path / "net.py").rename(tmp_path / "gone.py")
        await sight.type("R")
        await sight.until(lambda: "no report: " in sight.text("#status"), "the fault")
        assert "net.py" in sight.text("#status") and len(sight.text("#status").splitlines()) == 1
        (tmp_path / "gone.py").rename(tmp_path / "net.py")
        await sight.type("R")
        await sight.until(working, "the process")
    assert not working(), "it ends with the explorer"


def test_the_words_are_those_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ranges([9, 3, 4, 5, 0]) == "0,3-5,9" and ranges([7]) == "7"
    settings = Settings(data="a.csv", theme="dark", graphics="kitty", weights=("-1.pt", "2.pt"), size=(48, 40))
    words = words_for(settings, tmp_path / "out", [3, 4], 1)
    assert words[:7] == ["report", "-o", str(tmp_path / "out"), "--images", "3-4", "--checkpoint", "1"]
    assert not {"--theme", "--graphics"} & set(words) and "--checkpoint" not in words_for(
        replace(settings, weights=("2.pt",)), tmp_path, [], 0
    )
    assert main(words_for(Settings(data="missing.csv"), tmp_path / "out", [], 0)) == 2
    assert "missing.csv" in capsys.readouterr().err, "it was read to its end"


async def test_what_cannot_be_reported_on_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(InputError, match="live objects"):
        Reporter(None, lambda news, fault: told.append(news)).begin(tmp_path / "out", [], 0)
    reporter = Reporter(Settings(), lambda news, fault: told.append(news))
    with pytest.raises(InputError, match=f"{MOST} images at most"):
        reporter.begin(tmp_path / "out", range(MOST + 1), 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        reporter.begin(tmp_path / "file" / "folder" / "out", [], 0)
    await asyncio.sleep(0)
    assert not reporter.is_working and not told
