"""The command that is copied, and shown for where that does not work."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from .popups import Details


def copy(screen: Screen[Any], line: str) -> None:
    """Copy a line for a shell, and show it."""
    screen.app.copy_to_clipboard(line)
    driver = getattr(screen.app, "pictures", None)
    way = "tmux does (set -s set-clipboard on)" if driver and driver.terminal.in_tmux else "the terminal does"
    title = f"copied, if {way} what OSC 52 asks; else mark it with the mouse and Shift"
    screen.app.push_screen(Details(title, line))
