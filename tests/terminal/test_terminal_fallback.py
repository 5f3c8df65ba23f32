"""textual-image in our widget: right pictures through the driver, nothing left behind, nothing loaded unasked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from terminal_model import AppRun, recorded

APP = str(Path(__file__).with_name("picture_app.py"))


@pytest.mark.parametrize(("name", "graphics"), [("kitty", "kitty"), ("xterm-sixel", "sixel"), ("xterm", "")])
def test_it_draws_what_our_own_painters_draw(name: str, graphics: str) -> None:
    seen = []
    for way in ("textual-image", "auto"):
        with AppRun([sys.executable, APP, way], recorded(name), 60, 30) as run:
            run.settle(0.8)
            for _ in range(3):
                run.press(b"n")
            screen = run.terminal
            assert bool(screen.screen.kitty.stored) == (graphics == "kitty")
            assert bool(screen.sixel_pictures) == (graphics == "sixel")
            assert len(screen.screen.kitty.stored) <= 1 and screen.screen.kitty.faults == screen.lost == []
            seen.append(screen.pixels(0, 1, 40, 19).astype(int))
            run.type(b"q")
            assert run.wait() == 0
            assert run.terminal.memory == 0 and run.terminal.usable
    assert abs(seen[0] - seen[1]).mean() < 6  # it scales before it sends; its sixels have their own colours
    assert seen[0].std() > 10


def test_without_columns_or_a_terminal_it_stands_aside() -> None:
    program = "from fer_tui.terminal.fallback import prepare; print('prepared', prepare())"
    with AppRun([sys.executable, "-c", program], recorded("kitty"), 0, 0) as run:
        assert run.wait() == 0
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stdout.startswith("prepared ")


def test_nothing_else_loads_it() -> None:
    program = (
        "import sys; from fer_tui.terminal import Picture, PictureDriver, Probe; import fer_tui.tui.app\n"
        "import fer_tui.terminal.cells, fer_tui.terminal.painters, fer_tui.terminal.fallback\n"
        "print([name for name in sys.modules if name.startswith('textual_image')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
