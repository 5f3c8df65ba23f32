"""doctor: in a pipe, on real terminals, inside a real tmux; each fault with its mend."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fer_tui.cli import main

OnTerminal = Callable[..., tuple[int, str]]
# The terminal's part alone: without importing torch.
TERMINAL = (
    "import json; from fer_tui.cli import terminals; print(json.dumps([f.to_dict() for f in terminals.findings()]))"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("TMUX", "STY", "NO_COLOR", "COLORTERM", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "KITTY_WINDOW_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return tmp_path


def _findings(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Mapping[str, Mapping[str, str]]:
    assert main(["doctor", "--json", *words]) == code
    shown = json.loads(capsys.readouterr().out)
    assert shown["ok"] is (code == 0)
    return {each["name"]: each for each in shown["findings"]}


def test_everything_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    found = _findings(capsys)
    assert {"terminal", "size", "link", "multiplexer", "colours", "graphics", "characters"} <= set(found)
    assert {"fer-tui", "python", "settings", "torch", "device", "plugins", "cache"} <= set(found)
    assert found["torch"]["value"].startswith(torch.__version__)
    assert "saliency" in found["plugins"]["value"]
    assert main(["doctor"]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("env", "finding", "value"),
    [
        ({"SSH_TTY": "/dev/pts/3"}, "link", "ssh"),
        ({"COLORTERM": "truecolor"}, "colours", "true colour"),
        ({}, "colours", "256"),
        ({"NO_COLOR": "1"}, "colours", "none, as NO_COLOR asks"),
        ({"FER_TUI_GRAPHICS": "sixel"}, "graphics", "sixel, the terminal was not asked"),
        ({"STY": "1.pts"}, "multiplexer", "screen"),
    ],
)
def test_what_the_environment_tells(
    env: dict[str, str],
    finding: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in env.items():
        monkeypatch.setenv(name, text)
    assert value in _findings(capsys)[finding]["value"]


@pytest.mark.parametrize(
    ("settings", "words", "finding", "fault", "mend"),
    [
        ("wieghts = 'a'\n", [], "settings", "did you mean weights?", "known: "),
        ("", ["--device", "cuda:99"], "device", "cuda:99", "--device auto"),
        ("device = 'gpu'\n", [], "settings", "'gpu' is none of auto", ""),
        ("", ["--cache", "/proc/absent"], "cache", "/proc cannot be written to", "--cache DIR"),
        ("", ["--cache", "file/below"], "cache", "cannot be written to", "--cache DIR"),
        ("", ["--cache", "broken"], "cache", "not a database", "delete broken"),
    ],
)
def test_a_fault_has_a_mend(
    settings: str,
    words: list[str],
    finding: str,
    fault: str,
    mend: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if settings:
        (folder / "fer-tui.toml").write_text(settings)
    (folder / "file").touch()
    (folder / "broken").mkdir()
    (folder / "broken" / "store.sqlite").write_bytes(b"no database" * 1000)
    found = _findings(capsys, *words, code=1)[finding]
    assert fault in found["fault"] and mend in found["mend"]
    assert main(["doctor", *words]) == 1
    shown = capsys.readouterr().out
    assert "FAULT" in shown and "mend: " in shown


def test_a_store_is_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from fer_tui.engine import Store

    store = Store.open(folder / "kept")
    store.put("00" * 16, b"x" * 5000, method="saliency")
    store.close()
    assert "1 entries" in _findings(capsys, "--cache", "kept")["cache"]["value"]
    assert _findings(capsys, "--cache", "none")["cache"]["value"] == "none: nothing is stored"
    assert _findings(capsys, "--store", "kept")["store"]["value"].startswith("kept/store.sqlite: 1 entries, ")
    assert _findings(capsys, "--store", "absent", code=1)["store"]["fault"] == "there is no store"


@pytest.mark.parametrize(
    ("size", "env", "fault"),
    [
        ((20, 5), {"TERM": "xterm-256color"}, "too small for the explorer"),
        ((80, 24), {"TERM": "dumb"}, "it cannot place text"),
        ((80, 24), {"TERM": "xterm-256color", "PYTHONIOENCODING": "ascii"}, "not UTF-8"),
    ],
)
def test_terminals_with_faults(size: tuple[int, int], env: dict[str, str], fault: str, on_terminal: OnTerminal) -> None:
    code, written = on_terminal(code=TERMINAL, size=size, env=env)
    assert code == 0
    faults = [
        each["fault"] for each in json.loads(written.rpartition("\x1b[K")[2].replace("\r\n", "")) if each["fault"]
    ]
    assert len(faults) == 1 and fault in faults[0]


def test_a_good_terminal(on_terminal: OnTerminal) -> None:
    code, written = on_terminal("doctor", size=(120, 40), env={"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    assert code == 0, written
    assert "120 x 40" in written and "true colour" in written


@pytest.mark.parametrize(("wait", "fault"), [("500", "Esc is held back"), ("10", "")])
def test_inside_tmux(wait: str, fault: str, folder: Path) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    env = {**os.environ, "TMUX_TMPDIR": str(folder), "TERM": "xterm-256color"}
    report = folder / "report.json"
    asked = f"{sys.executable} -c {shlex.quote(TERMINAL)} > {report}.part; mv {report}.part {report}"
    inner = f"tmux set -sg escape-time {wait}; {asked}"
    try:
        subprocess.run(["tmux", "-f", "/dev/null", "new-session", "-d", inner], env=env, check=True)
        end = time.monotonic() + 60
        while not report.exists() and time.monotonic() < end:
            time.sleep(0.1)
        found = {each["name"]: each for each in json.loads(report.read_text())}
    finally:
        subprocess.run(["tmux", "kill-server"], env=env, check=False, capture_output=True)
    assert found["multiplexer"]["value"].startswith("tmux ")
    assert found["tmux escape-time"]["value"] == f"{wait} ms"
    assert found["tmux escape-time"]["fault"] == fault
    assert found["tmux passthrough"]["value"] in ("off", "on", "all", "not known to this tmux")
