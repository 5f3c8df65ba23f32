"""Ctrl+Z: to the shell that the explorer was started from, which brings it back by `fg`."""

from __future__ import annotations

import os
from typing import Any

from textual.screen import Screen


def has_shell() -> bool:
    """Whether a shell waits for this very process and can go on with it.

    It does where it made the process a job: the leader of a group of its own, in a session that another leads. Under
    `ssh -t host fer-tui`, in a script, or behind `fer_tui.explore` nobody could ever continue what is stopped.
    """
    return os.getpid() == os.getpgrp() != os.getsid(0)


def suspend(screen: Screen[Any]) -> bool:
    """Stop until the shell goes on with us; False where there is none."""
    if not has_shell():
        return False
    screen.app.action_suspend_process()
    return True
