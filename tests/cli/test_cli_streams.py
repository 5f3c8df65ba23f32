"""stdout and stderr as they may be: closed, full, piped to a reader that leaves, without UTF-8."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fer_tui.cli import main, streams
from fer_tui.contract import InputError

COMMAND = f"{sys.executable} -m fer_tui"


def _shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, env={**os.environ, **env}, errors="replace"
    )


@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(closing: str) -> None:
    done = _shell(f"{COMMAND} config {closing}; echo code $?")
    assert done.stdout.endswith("code 0\n") and "Traceback" not in done.stderr


def test_a_closed_stdout_is_not_handed_to_the_next_file(tmp_path: Path) -> None:
    code = (
        "import os; from fer_tui.cli import streams; streams.prepare(); "
        f"f = open({str(tmp_path / 'file')!r}, 'w'); assert f.fileno() > 2"
    )
    assert _shell(f'{sys.executable} -c "{code}" >&- 2>&- <&-').returncode == 0


def test_a_reader_that_leaves_is_met_quietly() -> None:
    done = _shell(f"set -o pipefail; {COMMAND} --help | true; echo code $?")
    assert done.stdout in ("code 141\n", "code 0\n")  # 0: all was written before the reader left
    assert done.stderr == ""


def test_a_table_whose_reader_leaves_is_no_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor, not a path
        monkeypatch.setattr("sys.stdout", pipe)
        with pytest.raises(BrokenPipeError):
            streams.console().print("a table")
            pipe.flush()
        streams.forsake_stdout()


def test_a_full_disk_is_told_in_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = _shell(f"{COMMAND} --help > /dev/full")
    assert (done.returncode, done.stderr) == (2, "fer-tui: No space left on device\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_will_do(encoding: str, tmp_path: Path) -> None:
    done = _shell(f"{COMMAND} config --data 'größe 顔.csv'", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert "data" in done.stdout and done.stderr == ""


def test_json_is_strict_and_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    streams.put_json({"nan": float("nan"), "a": np.float32("inf"), "n": np.arange(2), "顔": "\x1b", 1: Path("p")})
    text = capsys.readouterr().out
    assert text.isascii() and "\x1b" not in text
    assert json.loads(text) == {"nan": None, "a": None, "n": [0, 1], "顔": "\x1b", "1": "p"}


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from fer_tui.cli import config, main; import time, sys\n"
         "config.run = lambda arguments: print('up', flush=True) or time.sleep(60)\nsys.exit(main(['config']))"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr.read() == "fer-tui: interrupted\n"
    process.stdout.close(), process.stderr.close()


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            InputError("a.csv", "row 3: 300 is no pixel", "0 to 255"),
            "fer-tui: a.csv: row 3: 300 is no pixel (0 to 255)",
        ),
        (FileNotFoundError(2, "No such file or directory", "a.csv"), "fer-tui: a.csv: No such file or directory"),
        (RuntimeError("first\nsecond"), "fer-tui: RuntimeError: first (unforeseen: --debug shows where)"),
        (MemoryError(), "fer-tui: MemoryError (unforeseen: --debug shows where)"),
        (ValueError("\x1b]0;title\x07"), "fer-tui: ValueError: \\x1b]0;title\\x07 (unforeseen: --debug shows where)"),
    ],
)
def test_every_error_is_one_line(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fer_tui.cli import config

    monkeypatch.setattr(config, "run", lambda arguments: _raise(error))
    assert main(["config"]) == 2
    assert capsys.readouterr() == ("", said + "\n")
    assert main(["config", "--debug"]) == 2
    told = capsys.readouterr().err
    assert "Traceback (most recent call last):" in told and "\x1b" not in told
