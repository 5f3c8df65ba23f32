"""The explorer on a real terminal: how it leaves it, and what the terminal process never loads."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fer_tui.engine.settings import Settings

MADE_BY_A_USER = """
import numpy as np, torch
from torch import nn
import fer_tui

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3)).train()
heard = []
model[0].register_forward_hook(lambda *_: heard.append(1))
rng = np.random.default_rng(0)
images, labels = rng.integers(0, 256, (30, 12, 12), dtype=np.uint8), rng.integers(0, 3, 30)
before = {name: value.clone() for name, value in model.state_dict().items()}
code = fer_tui.explore(model, (images, labels), classes=["bee", "cat", "dog"])
same = all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
grads = any(p.grad is not None or not p.requires_grad for p in model.parameters())
print("BACK", code, same, model.training, grads, len(model[0]._forward_hooks), len(heard) > 0)
"""

WITHOUT_TORCH = """
import asyncio, sys
from fer_tui.engine.settings import Settings
from fer_tui.tui.app import Explorer

async def main():
    app = Explorer(Settings(device="cpu", cache=sys.argv[1]))
    async with app.run_test(size=(120, 40)) as pilot:
        while not hasattr(app, "desk") or not app.desk.image.answered.final:
            await pilot.pause(0.05)
        while not app.desk.browser.predictions.complete:
            await pilot.pause(0.05)
        await pilot.press("j", "o", "g", "c")
        while not app.desk.matrix.answered.final:
            await pilot.pause(0.05)
        await pilot.press("r", "question_mark")

asyncio.run(main())
forbidden = ("torch", "sklearn", "skimage", "matplotlib", "lime", "captum", "fer_tui_plugins")
print("LOADED", sorted(name for name in sys.modules if name.partition(".")[0] in forbidden))
"""


class Terminal:
    """A program on a terminal of its own, which is its controlling one."""

    def __init__(self, command: list[str], env: Mapping[str, str], size: tuple[int, int]) -> None:
        self.ours, self.theirs = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.theirs)
        unwanted = ("NO_COLOR", "COLORTERM", "TMUX", "TEXTUAL")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        self.process = subprocess.Popen(
            command,
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            env={**clean, "TERM": "xterm-256color", **env},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.heard = ""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def read(self, seconds: float = 0.05) -> None:
        while select.select([self.ours], [], [], seconds)[0]:
            self.heard += os.read(self.ours, 65536).decode("utf-8", "replace")
            seconds = 0

    def until(self, holds: Callable[[], object], what: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                pytest.fail(f"{what}: not within {seconds:g} s; heard {self.heard[-2000:]!r}")
            self.read()

    def shows(self, word: str) -> None:
        self.until(lambda: word in self.heard, f"{word!r} on the terminal")

    def ends(self) -> int:
        self.until(lambda: self.process.poll() is not None, "the end")
        self.read()
        return int(self.process.returncode)

    def children(self) -> list[int]:
        return [int(n) for n in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for number in (self.ours, self.theirs):
            with contextlib.suppress(OSError):
                os.close(number)


@pytest.fixture
def on_terminal(samples: Settings) -> Iterator[Callable[..., Terminal]]:
    """Starts the explorer (or the code of a script) on a terminal."""
    started: list[Terminal] = []

    def start(*words: str, code: str = "", size: tuple[int, int] = (120, 40), **env: str) -> Terminal:
        opened = ["-m", "fer_tui", "open", "--device", "cpu", "--cache", str(samples.cache)]
        started.append(Terminal([sys.executable, *(["-c", code] if code else opened), *words], env, size))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def is_running(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def check_left_as_it_was(terminal: Terminal) -> None:
    assert terminal.heard.count("\x1b[?1049h") == terminal.heard.count("\x1b[?1049l") == 1
    assert terminal.heard.rindex("\x1b[?25h") > terminal.heard.rindex("\x1b[?25l"), "the cursor is hidden"
    for mode in ("1000", "1003", "1006", "2004"):  # mouse, and pasting in brackets
        assert terminal.heard.rfind(f"\x1b[?{mode}h") <= terminal.heard.rfind(f"\x1b[?{mode}l"), mode
    assert termios.tcgetattr(terminal.theirs) == terminal.before
    assert "Traceback" not in terminal.heard


@pytest.mark.parametrize(
    ("when", "how", "code"),
    [
        ("accuracy", "q", 0),
        ("accuracy", "\x03", 0),
        ("350 images", signal.SIGTERM, 143),
        ("accuracy", signal.SIGHUP, 129),
        ("starting", signal.SIGTERM, 143),
        ("starting", "q", 0),
    ],
)
def test_it_leaves_the_terminal_as_it_was(
    on_terminal: Callable[..., Terminal], when: str, how: str | signal.Signals, code: int
) -> None:
    terminal = on_terminal()
    terminal.shows(when)
    terminal.until(lambda: terminal.children() or when == "starting", "the compute process")
    children = terminal.children()
    if isinstance(how, str):
        terminal.type(how)
    else:
        terminal.process.send_signal(how)
    assert terminal.ends() == code
    check_left_as_it_was(terminal)
    terminal.until(lambda: not any(map(is_running, children)), "the end of the compute process")


def test_it_ends_with_its_terminal(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal()
    terminal.shows("accuracy")
    children = terminal.children()
    assert children
    terminal.process.send_signal(signal.SIGCONT)  # as it comes with SIGHUP
    terminal.type("jjjj")
    os.close(terminal.ours)
    os.close(terminal.theirs)
    assert terminal.process.wait(30) != 0
    end = time.monotonic() + 30
    while any(map(is_running, children)):
        assert time.monotonic() < end, "the compute process is left"
        time.sleep(0.05)


def test_a_killed_explorer_leaves_no_compute_process(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal()
    terminal.shows("accuracy")
    children = terminal.children()
    terminal.process.kill()
    assert terminal.ends() == -signal.SIGKILL
    terminal.until(lambda: not any(map(is_running, children)), "the end of the compute process")


def test_it_follows_the_size_of_the_window(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(size=(20, 5))
    terminal.shows("too small")
    terminal.resize(120, 40)
    terminal.shows("accuracy")
    terminal.type("G")
    terminal.shows("349")
    terminal.type("q")
    assert terminal.ends() == 0


def test_a_terminal_without_a_size_is_no_fault(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(size=(0, 0))
    terminal.shows("accuracy")
    terminal.type("q")
    assert terminal.ends() == 0
    check_left_as_it_was(terminal)


def test_what_cannot_be_opened_is_one_line(on_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    bad = tmp_path / "bad\x1b[31m.npz"
    bad.write_bytes(b"no archive")
    terminal = on_terminal("--data", str(bad))
    assert terminal.ends() == 2
    check_left_as_it_was(terminal)
    after = terminal.heard.rpartition("\x1b[?25h")[2].split("\r\n")
    lines = [line for line in after if "fer-tui: " in line]
    assert len(lines) == 1 and r"bad\x1b[31m.npz" in lines[0] and "\x1b[31m" not in terminal.heard


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_without_a_terminal_it_says_so(stream: str, on_terminal: Callable[..., Terminal]) -> None:
    ours, theirs = pty.openpty()
    streams: dict[str, Any] = {"stdin": theirs, "stdout": theirs, stream: subprocess.DEVNULL}
    command = [sys.executable, "-m", "fer_tui", "open"]
    done = subprocess.run(command, **streams, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{stream}: is no terminal" in line


def test_live_objects_from_a_script(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(code=MADE_BY_A_USER)
    terminal.shows("accuracy")
    terminal.shows("Saliency of")
    (screen,) = terminal.children()
    terminal.type("?")
    terminal.shows("five down")
    terminal.type("qq")
    terminal.shows("BACK")
    assert terminal.ends() == 0
    assert "BACK 0 True True False 1 True" in terminal.heard
    assert terminal.heard.index("\x1b[?1049l") < terminal.heard.index("BACK")
    check_left_as_it_was(terminal)
    assert not is_running(screen)


def test_live_objects_need_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MADE_BY_A_USER], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "InputError" in done.stderr.splitlines()[-1] and "must be a terminal" in done.stderr.splitlines()[-1]


def test_the_terminal_process_loads_nothing_heavy(samples: Settings) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(samples.cache)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_ctrl_z_goes_to_the_shell_where_there_is_one(on_terminal: Callable[..., Terminal], samples: Settings) -> None:
    shell = on_terminal(code="import os; os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])")
    shell.type(f"{sys.executable} -m fer_tui open --device cpu --cache {samples.cache}\r")
    shell.shows("accuracy")
    shell.type("\x1a")
    shell.shows("Stopped")
    assert shell.heard.count("\x1b[?1049l") == 1
    shell.type("fg\r")
    shell.until(lambda: shell.heard.count("\x1b[?1049h") == 2, "the explorer again")
    shell.type("G")
    shell.shows("349")
    shell.type("q")
    shell.until(lambda: shell.heard.count("\x1b[?1049l") == 2, "the shell again")
    shell.until(lambda: "bash-" in shell.heard.rpartition("\x1b[?1049l")[2], "its prompt: it reads what is typed")
    shell.type("exit\r")
    assert shell.ends() == 0

    alone = on_terminal()  # leads its session, as under `ssh -t`: nobody could ever continue it
    alone.shows("accuracy")
    alone.type("\x1a")
    alone.shows("no shell waits")
    alone.type("q")
    assert alone.ends() == 0
