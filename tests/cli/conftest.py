"""Real processes on real pseudo-terminals, and the flags that open the real data."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "fer_tui"]
OnTerminal = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def on_terminal() -> OnTerminal:
    """Run fer-tui (or `code`) with all three streams on a terminal: exit code, all that was written, decoded."""
    return _on_terminal


def _on_terminal(
    *words: str,
    size: tuple[int, int] = (100, 40),
    env: Mapping[str, str] | None = None,
    keys: bytes = b"",
    code: str = "",
    cwd: str | None = None,
    limit: float = 60,
) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM", "TERM", "TMUX")}
    command = [sys.executable, "-c", code] if code else [*COMMAND, *words]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**clean, **(env or {})}, cwd=cwd
    )
    os.close(theirs)
    os.write(ours, keys)
    heard, end = b"", time.monotonic() + limit
    with contextlib.suppress(OSError):  # EIO: the last writer has closed the terminal
        while time.monotonic() < end and select.select([ours], [], [], end - time.monotonic())[0]:
            part = os.read(ours, 65536)
            if not part:
                break
            heard += part
    try:
        return process.wait(max(0.1, end - time.monotonic())), heard.decode("utf-8", "replace")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache folder that the tests of a session share, so that the real data are parsed once."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def hhccode(shared: Path, nets: Path, cache: str) -> list[str]:
    """The flags that open the real validation split with the better of the real networks."""
    return [
        "--data", str(shared / "data" / "fer2013_trainval.npz"), "--split", "PublicTest",
        "--model", f"{nets}:MobileGap3", "--weights", str(shared / "models" / "hhccode_mobilenetv1.pt"),
        "--cache", cache,
    ]  # fmt: skip
