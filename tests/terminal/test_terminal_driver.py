"""A real app on modelled terminals: the picture that is seen, keys, slow links, and what is left when it ends."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import picture_app
import pytest
from numpy.typing import NDArray
from PIL import Image
from terminal_model import AppRun, Recording, difference, recorded
from test_terminal_facts import WAYS, outer_of

from fer_tui.terminal import tmux

COMMAND = [sys.executable, picture_app.__file__]
SIZE = (80, 30)
FEW = ("kitty", "foot-tmux-3.5a", "xterm")  # one of each way


def terminal(name: str) -> Recording:
    """A recorded terminal; its tmux answers what it is asked now."""
    recording, outer = recorded(name), outer_of(name)
    if outer is None:
        return recording
    passthrough = "on" if outer.passthrough else "off"
    version = recording.tmux_answers["-V"].split()[1]
    told = (outer.termname, ",".join(outer.features), outer.termtype, passthrough, version, "77")
    answers = {**recording.tmux_answers, f"display -p {tmux._FORMAT}": "\t".join(told) + "\n"}
    return replace(recording, tmux_answers=answers)


def started(name: str, *words: str, **options: object) -> AppRun:
    return AppRun([*COMMAND, *words], terminal(name), *SIZE, **options)  # type: ignore[arg-type]


def blobs(number: int) -> Image.Image:
    """The picture of the app."""
    y, x = np.mgrid[0:48, 0:48] / 48
    heat = np.exp(-((x - 0.2 - 0.6 * (number * 0.37 % 1)) ** 2 + (y - 0.5) ** 2) * 20)
    pixels = np.stack([120 * (1 - heat) + 250 * heat * part for part in (x, 1 - x, y)], -1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def seen(run: AppRun) -> NDArray[np.uint8]:
    return run.terminal.pixels(0, picture_app.TOP, picture_app.COLUMNS, picture_app.ROWS)


def check_shows(run: AppRun, number: int, limit: float = 12.0) -> None:
    """The picture is on the screen, wherever in its widget, and nothing is left beside it."""
    pixels = seen(run)
    lit = np.argwhere(pixels.max(-1) > 60)
    (top, left), (bottom, right) = lit.min(0), lit.max(0) + 1
    assert bottom - top > 250 and right - left > 250, (top, left, bottom, right)
    meant = np.asarray(blobs(number).resize((right - left, bottom - top), Image.Resampling.BOX))
    assert difference(pixels[top:bottom, left:right], meant) < limit


def number_seen(run: AppRun) -> int:
    """Which of the app's first pictures it is that the lower half of the widget shows."""
    lower = seen(run)[170:]
    lit = np.argwhere(lower.max(-1) > 60)
    (_, left), (bottom, right) = lit.min(0), lit.max(0) + 1
    size = right - left, bottom  # the pictures fill the height
    meant = [np.asarray(blobs(n).crop((0, 24, 48, 48)).resize(size, Image.Resampling.BOX)) for n in range(5)]
    return int(np.argmin([difference(lower[:bottom, left:right], each) for each in meant]))


def ready(run: AppRun, name: str) -> None:
    run.wait_for(f"| {WAYS[name]}")
    run.settle(0.15)


@pytest.mark.parametrize("name", WAYS)
def test_the_picture_is_right_in_every_terminal(name: str) -> None:
    with started(name) as run:
        ready(run, name)
        check_shows(run, 0)
        run.press(b"n")
        check_shows(run, 1)
        assert "first line" in run.terminal.text(0) and "the line below" in run.terminal.text(21)
        assert run.terminal.lost == [] and run.terminal.screen.kitty.faults == []
        run.type(b"q")
        assert os.waitstatus_to_exitcode(run.wait()) == 0
        assert run.terminal.usable and run.terminal.memory == 0
        assert run.terminal.title == "", "tmux takes kitty's query for a title"


@pytest.mark.parametrize("name", FEW)
def test_popups_screens_and_sizes_leave_no_trace(name: str) -> None:
    with started(name) as run:
        ready(run, name)
        before = seen(run)
        run.press(b"m")
        dimmed = seen(run)
        assert 0.3 < dimmed.mean() / before.mean() < 0.7
        assert "popup" in "".join(run.terminal.text(row) for row in range(SIZE[1]))
        run.press(b"m")
        np.testing.assert_array_equal(seen(run), before)
        run.press(b"s")
        assert "another screen" in run.terminal.text(0)
        assert len(np.unique(seen(run)[34:].reshape(-1, 3), axis=0)) == 1
        run.press(b"s")
        np.testing.assert_array_equal(seen(run), before)
        for size in ((1, 1), (30, 12), SIZE):
            run.resize(*size)
            run.settle(0.35)
        check_shows(run, 0)


@pytest.mark.parametrize("name", FEW)
def test_pictures_go_on_beside_popups_and_are_there_after_them(name: str) -> None:
    with started(name) as run:
        ready(run, name)
        run.press(b"c")
        run.press(b"n")
        assert "small" in run.terminal.text(SIZE[1] - 3) and number_seen(run) == 1
        run.press(b"q")
        assert number_seen(run) == 1
        run.press(b"o")
        run.press(b"n")
        assert run.terminal.text(0).startswith("small")
        run.press(b"q")
        assert number_seen(run) == 2
        run.press(b"no", quiet=0.3)  # the popup is there before the picture is
        assert run.terminal.text(0).startswith("small") and number_seen(run) == 3
        run.press(b"q")
        assert number_seen(run) == 3


@pytest.mark.parametrize("name", FEW)
def test_it_is_tinted_and_scrolled(name: str) -> None:
    with started(name) as run:
        ready(run, name)
        before = seen(run).astype(int)
        run.press(b"d")
        scrolled = seen(run).astype(int)
        assert difference(scrolled[: 15 * 17 - 20], before[5 * 17 : -20]) < 12, "five lines further up"
        run.press(b"t")
        assert (seen(run)[:200, 60:260, 0].astype(int) > scrolled[:200, 60:260, 0] + 20).mean() > 0.8


@pytest.mark.parametrize("name", FEW)
def test_large_pictures_are_drawn_beside(name: str) -> None:
    with started(name) as run:
        ready(run, name)
        run.hold(b"b", 8, 0.02)
        run.wait_for(f"{WAYS[name]}{'/tmux' if 'tmux' in name else ''} 8")
        run.settle(0.3)
        check_shows(run, 8)
        run.press(b"n")
        check_shows(run, 9)


def test_a_removed_picture_is_freed() -> None:
    with started("kitty") as run:
        ready(run, "kitty")
        assert run.terminal.memory > 0
        run.press(b"u")
        assert run.terminal.memory == 0


def test_the_terminal_keeps_one_picture() -> None:
    with started("kitty") as run:
        ready(run, "kitty")
        for _ in range(40):
            run.press(b"n", quiet=0.03)
            assert len(run.terminal.screen.kitty.stored) == 1
        run.settle(0.2)
        check_shows(run, 40)


@pytest.mark.parametrize("name", ["kitty", "mute"])
def test_keys_are_kept_and_answers_are_none(name: str) -> None:
    """Typed before the app takes keys, with answers a second away; some of them no ASCII."""
    with started(name, round_trip=1.0 if name != "mute" else 0.0, environment={"SLOW_IMPORT": "0.3"}) as run:
        run.type("aä漢".encode(), after=0.25)
        run.type(b"\x1b[A", after=0.7)
        run.type(b"z", after=1.4)
        run.wait_for("keys aä漢upz|")
        run.wait_for(f"| {WAYS[name]}", 5)
        run.settle(1.2)
        (line,) = [run.terminal.text(row) for row in range(SIZE[1]) if "keys " in run.terminal.text(row)]
        assert line.startswith("keys aä漢upz|")
        check_shows(run, 0)
        run.type(b"q")
        run.wait()
        assert run.terminal.usable and all(run.terminal.text(row) == "" for row in range(SIZE[1]))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("kitty", "q"), ("kitty", "\x03"), ("kitty", "x"), ("kitty", signal.SIGTERM), ("kitty", signal.SIGHUP),
        ("xterm-sixel", signal.SIGTERM),
    ],
)  # fmt: skip
def test_nothing_is_left_when_it_ends(name: str, how: str | signal.Signals) -> None:
    with started(name, round_trip=0.05) as run:
        ready(run, name)
        run.press(b"n", quiet=0.02)
        if isinstance(how, str):
            run.type(b"n" + how.encode())
        else:
            run.end(how)
        run.wait()
        assert run.terminal.usable and run.terminal.memory == 0
        lines = "\n".join(run.terminal.text(row) for row in range(SIZE[1]))
        assert "[0n" not in lines and "_G" not in lines, "the shell gets no answers"
        assert how == "x" or lines.strip() == ""


def test_stopped_and_continued_it_goes_on() -> None:
    with started("kitty") as run:
        ready(run, "kitty")
        os.kill(run.pid, signal.SIGCONT)  # without a stop before it
        run.press(b"n")
        check_shows(run, 1)
        os.kill(run.pid, signal.SIGTSTP)
        run.settle(0.3)
        assert run.terminal.usable and run.terminal.memory == 0, "the shell has the terminal"
        os.kill(run.pid, signal.SIGCONT)
        run.wait_for("| kitty 1")
        run.settle(0.2)
        check_shows(run, 1)
        run.type(b"q")
        run.wait()
        assert run.terminal.usable and run.terminal.memory == 0


@pytest.mark.parametrize("name", ["kitty-tmux-3.3a", "mute"])
def test_killed_it_leaves_a_terminal_that_can_be_used(name: str) -> None:
    with started(name) as run:
        ready(run, name)
        assert run.end(signal.SIGKILL) == signal.SIGKILL
        run.settle(0.3)
        assert run.terminal.usable and run.terminal.memory == 0
        assert all(run.terminal.text(row) == "" for row in range(SIZE[1]))


@pytest.mark.parametrize("name", ["kitty", "xterm-sixel"])
def test_on_a_slow_link_only_the_newest_is_sent(name: str) -> None:
    with started(name, round_trip=0.05, kbit=300) as run:
        ready(run, name)
        frame = run.hold(b"n", 60, 0.02)
        run.wait_for(f"{WAYS[name]} 60")
        assert frame.last < 1.5, "seconds after the key was let go"
        sent = run.terminal.screen.kitty.sent if name == "kitty" else len(run.terminal.sixel_pictures)
        assert sent < 50
        check_shows(run, 60, 25)


def test_the_user_forces_blocks() -> None:
    with started("kitty", "blocks") as run:
        run.wait_for("| blocks")
        run.settle(0.15)
        check_shows(run, 0)
        assert run.terminal.screen.kitty.sent == 0


def test_the_user_wants_no_pictures() -> None:
    with started("kitty", "none") as run:
        run.wait_for("| none")
        run.settle(0.15)
        assert len(np.unique(seen(run).reshape(-1, 3), axis=0)) == 1


def test_tmux_attached_from_another_terminal() -> None:
    with started("kitty-tmux-3.3a") as run:
        ready(run, "kitty-tmux-3.3a")
        (script,) = Path(run._folder.name).glob("tmux")
        script.write_text(script.read_text().replace("kitty(0.41.1)", "XTerm(379)"))
        run.settle(2.1)  # no key for a while
        run.press(b"a")
        run.wait_for("keys a| blocks/tmux")
        run.settle(0.2)
        check_shows(run, 0)
        assert run.terminal.memory == 0, "the picture is taken back"


def test_without_colour_there_is_no_picture_protocol() -> None:
    with started("kitty", environment={"NO_COLOR": "1"}) as run:
        run.wait_for("| blocks")
        run.settle(0.15)
        assert run.terminal.screen.kitty.sent == 0


def test_a_write_that_is_broken_off_goes_on_also_without_a_buffer() -> None:
    with started("xterm", environment={"PYTHONUNBUFFERED": "1"}, kbit=4000, buffer=1 << 12) as run:
        ready(run, "xterm")
        for number in range(1, 4):
            run.type(b"n", 0.1 * number)
        for _ in range(60):  # the link is slow: most of these come amid a write
            run.settle(0.005, 0.01)
            os.kill(run.pid, signal.SIGSTOP)
            os.kill(run.pid, signal.SIGCONT)
        run.settle(0.3)
        check_shows(run, 3)
        assert run.terminal.lost == []
