"""B starts a real batch beside the explorer, shows how far it is, stops it, leaves it at work where that is asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def batches_at_work(folder: Path) -> list[int]:
    """The processes that make a batch of what lies in the folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"fer_tui" in words and b"batch" in words and str(folder).encode() in b"\0".join(words):
            found.append(int(each.parent.name))
    return found


async def test_a_batch_is_started_watched_and_stopped(
    opened: Opened, project: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_TUI_STATE", str(tmp_path / "state"))
    settings = project(count=400)
    async with opened(settings, (80, 24)) as sight:
        desk = sight.app.desk
        await sight.predicted()
        await sight.type("/row<60{enter}")
        await sight.type("B")
        assert "the 60 listed: row<60" in sight.text()
        await sight.until(lambda: "60 maps, " in sight.text(), "what it would cost", 60)
        assert "about" in sight.text() and "iB" in sight.text()
        await sight.type("y")
        assert "fer-tui batch saliency --where 'row<60' --targets predicted" in sight.text()
        await sight.type("q{enter}")
        assert desk.batches.is_own and len(batches_at_work(tmp_path)) >= 1
        seen = set()

        def is_over() -> bool:
            seen.update(each for each in ("60 maps are there", "a second", "batch ") if each in sight.text())
            return desk.batches.ended == 1

        await sight.until(is_over, "the end of the batch", 60)
        await sight.until(lambda: "60 maps, all of them stored already" in sight.text(), "the cost anew", 60)
        await sight.until(lambda: "100%  60 of 60" in sight.text(), "the count")
        await sight.type("{enter}")
        assert "nothing left to be made" in sight.text()
        await sight.type("{escape}")
        assert "the batch is through: " in sight.text("#status") and not list((tmp_path / "state/batches").iterdir())
        await sight.type("G")
        assert sight.answered.final and sight.answered.seconds is None, "its maps are there at once"
        await sight.type("M")
        await sight.until(lambda: "100%" in sight.text(), "the bar of the method")

        await sight.type("{escape}{escape}BjhjllB")  # all images, all classes
        await sight.type("B")
        assert "all 400" in sight.text()
        await sight.type("jjl{enter}")
        await sight.until(lambda: desk.batches.progress.stage == "maps", "the first maps", 60)
        await sight.type("{escape}q")
        assert "a batch is at work" in sight.text()
        await sight.type("{escape}")
        assert "batch " in sight.text("#status")
        await sight.type("qj{enter}")
    (pid,) = {each for each in batches_at_work(tmp_path) if os.getsid(each) == each}
    async with opened(settings, (80, 24)) as sight:
        desk = sight.app.desk
        await sight.until(lambda: desk.batches.is_working, "the batch that was let go on")
        assert not desk.batches.is_own and desk.batches.now.pid == pid
        await sight.type("Bx")
        assert "it is stopping" in sight.text()
        await sight.until(lambda: not desk.batches.is_working, "its end", 60)
        await sight.until(lambda: "maps, " in sight.text(), "what is left", 60)
        await sight.type("{escape}")
        assert "the batch is stopped: " in sight.text("#status") or "is through" in sight.text("#status")
    assert not batches_at_work(tmp_path), "the estimate ends with the explorer"
