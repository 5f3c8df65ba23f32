"""The explorer itself on modelled terminals: its pictures, its words on the terminal, and how it leaves it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from terminal_model import AppRun
from test_terminal_driver import terminal

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMMAND = [sys.executable, "-m", "fer_tui", "open", "--device", "cpu", "--cache"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(("name", "words"), [("kitty", "kitty"), ("foot-tmux-3.5a", "sixel/tmux")])
def test_it_draws_in_pixels_and_leaves_nothing(name: str, words: str, cache: str) -> None:
    with AppRun([*COMMAND, cache], terminal(name), 120, 36, round_trip=0.05) as run:
        run.wait_for("Saliency of")
        run.wait_for(f" {words}")
        run.press(b"jj", quiet=0.3)
        run.wait_for("2  true")
        run.wait_for("Saliency of")  # the map, not the bare image before it
        run.settle(0.3)
        pictures = run.terminal.screen.kitty
        assert (pictures.sent > 1 and len(pictures.stored) == 1) if name == "kitty" else run.terminal.sixel_pictures
        until = time.monotonic() + 10
        while (colours := _colours(shown := run.terminal.pixels(32, 3, 40, 20))) <= 20 and time.monotonic() < until:
            run.settle(0.3)  # in blocks so far
        assert colours > 20, "a picture is there"
        run.press(b"?")
        run.press(b"q", quiet=0.6)
        assert (run.terminal.pixels(32, 3, 40, 20) == shown).mean() > 0.99
        assert pictures.faults == [] and run.terminal.lost == []
        assert os.waitstatus_to_exitcode(run.end(signal.SIGTERM)) == 143
        assert run.terminal.usable and run.terminal.memory == 0
        assert [run.terminal.text(row) for row in range(36)] == [""] * 36


@pytest.mark.parametrize("name", ["kitty", "xterm-sixel", "xterm"])
def test_popups_leave_the_screen_as_it_was(name: str, cache: str) -> None:
    """Only where they lie is drawn: what remains must be what a whole redraw shows."""
    with AppRun([*COMMAND, cache], terminal(name), 110, 32) as run:
        run.wait_for("Saliency of")
        run.wait_for("accuracy 98.0%  ")
        run.settle(1.0)
        while not _comes_to(run, whole := _seen(run)):
            pass
        opened, closed, found, _ = (run.press(key, quiet=0.5).size for key in (b"c", b"q", b":", b"\x1b"))
        palette = [b":", *(bytes([letter]) for letter in b"pick layer"), b"\r"]  # one popup in place of another
        for keys in (
            [b"?", b"q"],
            [b":", b"q", b"u", b"\x1b"],
            [*palette, b"f", b"c", b"\x1b"],
            [b"\x14", b"j", b"\x1b"],
        ):
            for key in keys[:-1]:
                run.press(key, quiet=0.2)
            if name == "xterm-sixel" and keys[0] == b":":
                assert _is_in_pixels(run), "around popups, also where a larger one lay"
            run.press(keys[-1], quiet=0.2)
            assert _comes_to(run, whole), keys
        if name == "xterm-sixel":
            run.press(b"\x0cc", quiet=0.5)  # all is drawn again, and a popup is there before the picture is
            assert _is_in_pixels(run)
            run.press(b"q", quiet=0.5)
        again = run.press(b"\x0c", quiet=0.5).size  # all is drawn again
        assert 2 * opened < again
        assert found < 0.6 * again, "it is drawn once, when it has found its layout"
        assert name == "xterm-sixel" or opened + closed < again, "a sixel picture has to be sent whole"
        assert _comes_to(run, whole)


def _seen(run: AppRun) -> tuple[list[str], NDArray[np.uint8]]:
    """The words of the list, for one picture can be written in several ways; the pixels of all but status and hints."""
    return [run.terminal.text(row)[:30] for row in range(30)], run.terminal.pixels(0, 0, 110, 30)


def _is_in_pixels(run: AppRun) -> bool:
    """Whether no cell of the picture is blocks, and all but those under words are pixels."""
    screen = run.terminal.screen
    here = [(column, row) for row in range(2, 24) for column in range(40, 70)]
    words = {screen.cells[row][column].text for column, row in here}
    return words.isdisjoint("▀▄▌▐▘▝▖▗▚▞") and all(at in screen.sixels for at in here[:30])


def _colours(pixels: np.ndarray) -> int:
    """How many there are, about."""
    return len(set(map(tuple, pixels.reshape(-1, 3)[::97].tolist())))


def _comes_to(run: AppRun, whole: tuple[list[str], NDArray[np.uint8]]) -> bool:
    """Whether it shows the same in the end; where the machine is busy, the link seems slow and colours are coarser."""
    for _ in range(20):
        run.settle(0.2)
        text, pixels = _seen(run)
        apart = np.abs(pixels.astype(np.int16) - whole[1]).max(axis=-1)
        if text == whole[0] and (apart > 48).mean() < 0.01:
            return True
    return False


def test_it_tells_what_to_set(cache: str) -> None:
    with AppRun([*COMMAND, cache], terminal("kitty-tmux-3.3a-defaults"), 120, 36) as run:
        run.wait_for("for pictures in pixels: tmux set -g allow-passthrough on")
        run.wait_for(" blocks/tmux")


def test_a_wrong_way_is_one_line(cache: str, tmp_path: Path) -> None:
    with AppRun([*COMMAND, cache], terminal("mute"), 120, 36, environment={"FER_TUI_GRAPHICS": "kity"}) as run:
        assert os.waitstatus_to_exitcode(run.wait()) == 2
        assert "FER_TUI_GRAPHICS: 'kity' is none of auto, kitty" in run.terminal.text(0)


def test_colours_that_are_told_late_are_taken(cache: str) -> None:
    """xterm behind a slow ssh: nothing in the environment tells of true colour, and its answer takes a while."""
    far = {"COLORTERM": "", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22", "XTERM_VERSION": ""}
    with AppRun([*COMMAND, cache], terminal("xterm-sixel"), 120, 36, round_trip=0.5, environment=far) as run:
        run.wait_for(" sixel/ssh")
        for _ in range(20):  # until the answer has come and all is drawn again
            run.settle()
            header = run.terminal.pixels(60, 0, 1, 1)[0, 0].tolist()
            if header not in ([0, 0, 95], [0, 0, 0]):
                break
        assert header not in ([0, 0, 95], [0, 0, 0]) and len(set(header)) > 1, "no colour of the 256"


def test_in_a_browser_it_draws_blocks(cache: str) -> None:
    """As `textual serve` runs it: no terminal, and Textual's own protocol on stdin and stdout."""
    served = {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "COLUMNS": "120", "ROWS": "36"}
    with subprocess.Popen(
        [*COMMAND, cache], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **served}
    ) as run:
        assert run.stdout is not None
        sent, end = b"", time.monotonic() + 30
        while "▀".encode() not in sent and time.monotonic() < end:
            if select.select([run.stdout], [], [], 1)[0]:
                sent += os.read(run.stdout.fileno(), 1 << 16)
        run.kill()
    assert sent.startswith(b"__GANGLION__") and "▀".encode() in sent
    assert b"\x1b_G" not in sent and b"\x1bP" not in sent
