"""doctor asks the terminal, and says what would make pictures better."""

from __future__ import annotations

import sys

import pytest
from terminal_model import AppRun
from test_terminal_driver import terminal

CODE = "from fer_tui.cli import terminals\nfor f in terminals.findings(): print(f'{f.name}: {f.value} {f.mend}')"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("kitty", "graphics: kitty's protocol, kitty(0.41.1), cell 8 x 17 px"),
        ("xterm-sixel", "graphics: sixel, XTerm(379), cell 8 x 17 px, 256 colours"),
        (
            "kitty-tmux-3.3a-defaults",
            "graphics: blocks, kitty(0.41.1), tmux 3.3a, cell 8 x 17 px for pictures in pixels: ",
        ),
        ("mute", "graphics: blocks, the terminal answers nothing"),
    ],
)
def test_doctor_tells_what_the_terminal_answers(name: str, told: str) -> None:
    with AppRun([sys.executable, "-c", CODE], terminal(name), 160, 30) as run:
        run.wait()
        lines = [run.terminal.text(row) for row in range(30)]
    assert any(line.startswith(told) for line in lines), lines
    assert not any("_G" in line or "[?" in line for line in lines)
