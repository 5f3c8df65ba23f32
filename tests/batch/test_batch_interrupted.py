"""A batch that is interrupted, by whatever: started again it makes exactly what is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.contract import Heatmap, Place
from fer_tui.engine import open_session
from fer_tui.engine.storefile import FILE_NAME

from .batchkit import DEADLY, FAULTY, SLOW, STUBBORN
from .conftest import Kit

LIMIT = 60.0  # seconds that anything here may take


@contextmanager
def running(kit: Kit, *words: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[], dict[str, Any]]]]:
    """The command in a process of its own, and what reads its next event."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "fer_tui",
        "batch",
        "counted",
        "--targets",
        "3",
        "--events",
        *kit.flags,
        *words,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None

    def event() -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr is not None else ""
        told: dict[str, Any] = json.loads(line)
        return told

    try:
        yield process, event
    finally:
        process.kill()
        process.communicate()


def children(pid: int) -> list[int]:
    """The processes below one, from the system's own table."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = each.read_text().partition(" (")
            parent = int(rest.rpartition(") ")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(number), *children(int(number))]
    return found


def gone(pids: list[int]) -> bool:
    end = time.monotonic() + LIMIT
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.timeout(300)  # ten processes start one after another, each of which imports torch
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the workers")
def test_interrupted_at_any_moment_it_goes_on_with_exactly_what_is_missing(kit: Kit) -> None:
    rows = set(range(kit.settings.limit or 0))
    first: set[int] = set()
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl+C, and what ends jobs
        before = first
        with running(kit) as (process, event):
            while event()["made"] < 20:
                pass
            process.send_signal(number)
            _, said = process.communicate(timeout=LIMIT)
            assert process.returncode == 130, said
        first = kit.stored("counted")
        assert f"interrupted: {len(first - before)} made and kept" in said
        assert before < first < rows
        made = kit.explained().keys()
        assert first - before <= made and not before & made
    with running(kit) as (process, event):  # kill -9 of the driver: its workers end with it
        while event()["made"] < 20:
            pass
        workers = children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        assert len(workers) >= 2 and gone(workers)
    log = kit.folder / f"{FILE_NAME}-wal"
    os.truncate(log, log.stat().st_size * 2 // 3)  # as after a power cut: the last writes had not reached the disk
    second = kit.stored("counted")
    assert first <= second < rows
    assert not kit.explained().keys() & first
    with running(kit) as (process, event):  # kill -9 of a worker: another one takes its place
        event()
        _, *workers = children(process.pid)
        os.kill(workers[-1], signal.SIGKILL)
        out, said = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, said
        last = json.loads(out.splitlines()[-1])
    assert (last["done"], last["missing"], last["total"]) == (True, 0, len(rows))
    assert kit.stored("counted") == rows
    third = kit.explained()
    assert not third.keys() & second and third.keys() | second == rows
    with open_session(kit.settings) as session:  # and each map is that of the plain loop
        places = [Place(row, 3) for row in sorted(rows)]
        for place, result in zip(places, session.engine().explain_many("counted", places), strict=True):
            assert isinstance(result.explanation, Heatmap)
            np.testing.assert_array_equal(result.explanation.values, session.dataset[place.image or 0].image)
    assert not kit.explained()


def test_rows_that_kill_or_hold_their_worker_or_fail_are_set_aside_alone(
    kit: Kit, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_TUI_PLUGIN_LIMIT", "0.5")
    assert main(["batch", "holding", "--targets", "3", "--json", *kit.flags]) == 1
    out, said = capsys.readouterr()
    told = json.loads(out)
    rogues = {DEADLY, FAULTY, SLOW, STUBBORN}
    reasons = {each["image"]: each["reason"] for each in told["aside"]}
    assert reasons.keys() == rogues and len(told["aside"]) == len(rogues)
    assert (told["made"], told["missing"]) == (kit.settings.limit - len(rogues), 0)  # type: ignore[operator]
    assert f"set aside: row {DEADLY} (" in said and "SIGSEGV" in reasons[DEADLY]
    assert r"no luck with \x1b[31mthis one" in said
    assert "it gave nothing for 0.5 s" in reasons[SLOW] and "its worker died" in reasons[STUBBORN]
    assert kit.stored("holding") == set(range(kit.settings.limit or 0)) - rogues
