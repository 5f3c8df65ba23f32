"""Which way of drawing follows from what real terminals, and tmux, answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from terminal_model import NAMES, recorded
from test_terminal_replies import heard

from fer_tui.terminal import tmux
from fer_tui.terminal.facts import Terminal, true_colour_by_name
from fer_tui.terminal.probe import queries
from fer_tui.terminal.tmux import Outer

WAYS = {
    "kitty": "kitty", "kitty-0.26": "blocks", "xterm": "blocks", "xterm-sixel": "sixel", "xterm-sixel-398": "sixel",
    "foot": "sixel", "wezterm": "sixel", "mute": "blocks", "kitty-tmux-3.3a": "kitty", "kitty-tmux-3.5a": "kitty",
    "kitty-tmux-3.3a-defaults": "blocks", "xterm-sixel-tmux-3.3a": "blocks", "xterm-sixel-tmux-3.5a": "sixel",
    "foot-tmux-3.5a": "sixel", "xterm-ssh-tmux-3.5a-defaults": "blocks",
}  # fmt: skip


def outer_of(name: str) -> Outer | None:
    """What the recorded tmux told, in the form in which it is asked now."""
    told = recorded(name).tmux_answers
    if not told:
        return None
    displayed = next(value for key, value in told.items() if key.startswith("display"))
    termname, features, termtype, client, _ = displayed.strip().split("|")
    version = told["-V"].split()[1]
    parts = (termname, features, termtype, told["show -gv allow-passthrough"].strip(), version, client)
    return tmux.read("\t".join(parts) + "\n")


def terminal(name: str, **changes: Any) -> Terminal:
    around = Terminal.around(recorded(name).environment)
    return replace(around, answers=heard(name), outer=outer_of(name), **changes)


@pytest.mark.parametrize("name", NAMES)
def test_the_way_of_each_terminal(name: str) -> None:
    assert terminal(name).way == WAYS[name]


@pytest.mark.parametrize("name", NAMES)
def test_before_it_answers_there_are_blocks(name: str) -> None:
    assert Terminal.around(recorded(name).environment).way == "blocks"


def test_the_user_decides() -> None:
    for way in ("kitty", "sixel", "blocks", "none", "textual-image"):
        assert terminal("mute", wanted=way).way == way
    assert terminal("kitty", plain=True).way == "blocks"
    assert terminal("kitty", plain=True, wanted="kitty").way == "blocks"
    assert terminal("kitty", plain=True, wanted="none").way == "none"


def test_where_tmux_lets_nothing_through_one_line_helps() -> None:
    assert terminal("kitty-tmux-3.3a-defaults").hint == "tmux set -g allow-passthrough on"
    assert (
        terminal("kitty-tmux-3.3a").hint
        == terminal("xterm-ssh-tmux-3.5a-defaults").hint
        == terminal("kitty").hint
        == ""
    )


def test_kitty_in_tmux_is_not_taken_for_sixel() -> None:
    outer = outer_of("kitty-tmux-3.5a")
    assert outer is not None and "sixel" in outer.features
    assert replace(terminal("kitty-tmux-3.5a"), outer=replace(outer, passthrough=False)).way == "blocks"


def test_tmux_before_3_3_lets_all_through() -> None:
    for version, passes in (("3.2a", True), ("2.9", True), ("3.3a", False), ("next-3.6", False)):
        outer = tmux.read(f"xterm-kitty\t\tkitty(0.41.1)\t\t{version}\t7\n")
        assert outer is not None and outer.passthrough is passes
    assert tmux.read("no server running\n") is None


def test_another_client_is_another_terminal() -> None:
    here = terminal("kitty-tmux-3.3a")
    assert here.outer is not None
    assert replace(here, outer=replace(here.outer, client="/dev/pts/9")).drawing != here.drawing


def test_true_colour_without_colorterm() -> None:
    assert true_colour_by_name("xterm-kitty") and not true_colour_by_name("xterm-256color")
    assert terminal("xterm").true_colour and terminal("kitty-tmux-3.3a").true_colour
    assert not terminal("kitty-tmux-3.3a-defaults").true_colour and not terminal("mute").true_colour


def test_the_hops_in_words() -> None:
    assert terminal("kitty").words == "kitty"
    assert terminal("xterm-ssh-tmux-3.5a-defaults").words == "blocks/ssh/tmux"


def test_the_size_of_a_cell() -> None:
    assert terminal("kitty").cell == (8, 17)
    assert terminal("xterm-sixel", pixels=(9, 18)).cell == (9, 18)
    assert terminal("mute").cell == (8, 16)


def test_tmux_is_not_asked_by_what_it_takes_for_a_picture() -> None:
    inside = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux-0/default,1,0"}
    assert "\x1bP" not in queries(inside) and "\x1b_G" not in queries(inside) and queries(inside).endswith("\x1b[c")
    assert "\x1bP$qm" in queries({"TERM": "xterm-256color"})
