"""tmux between the program and the terminal: which terminal is outside, and how to reach it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_SECONDS = 1.0  # that tmux may take to answer
_NAMES = ("client_termname", "client_termfeatures", "client_termtype", "allow-passthrough", "version", "client_pid")
_FORMAT = "\t".join(f"#{{{name}}}" for name in _NAMES)
ALLOW = "tmux set -g allow-passthrough on"


@dataclass(frozen=True, slots=True)
class Outer:
    """The terminal that shows the tmux client. termtype: its name and version, as it tells them itself.

    client: changes when tmux is attached again, perhaps from another terminal, which has no pictures of ours.
    """

    termname: str = ""
    features: frozenset[str] = frozenset()
    termtype: str = ""
    passthrough: bool = False
    client: str = ""


def inside(env: Mapping[str, str]) -> bool:
    """Whether the program runs in tmux."""
    return bool(env.get("TMUX"))


class Question:
    """Asks tmux of the client that was used last; it answers, in some milliseconds, while others work."""

    def __init__(self, env: Mapping[str, str]) -> None:
        pane = ("-t", env["TMUX_PANE"]) if env.get("TMUX_PANE") else ()
        command = ("tmux", "display", *pane, "-p", _FORMAT)
        null, pipe = subprocess.DEVNULL, subprocess.PIPE
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(command, stdin=null, stdout=pipe, stderr=null, env=dict(env))

    def answer(self) -> Outer | None:
        """Wait for the answer; None where there is none."""
        if self._process is None:
            return None
        try:
            told, _ = self._process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return None
        return read(told.decode("utf-8", "replace"))


def read(answer: str) -> Outer | None:
    """tmux's answer as an `Outer`."""
    parts = answer.rstrip("\n").split("\t")
    if len(parts) != len(_NAMES):
        return None
    termname, features, termtype, allowed, version, client = parts
    passthrough = allowed in ("on", "all", "1") or (not allowed and _before_it_could_be_forbidden(version))
    return Outer(termname, frozenset(features.split(",")) - {""}, termtype, passthrough, client)


def _before_it_could_be_forbidden(version: str) -> bool:
    """tmux has had the option since 3.3; before, everything passed."""
    major, _, minor = version.partition(".")
    digits = "".join(character for character in minor if character.isdigit())
    return major.isdigit() and (int(major), int(digits or 0)) < (3, 3)


def through(sequence: str) -> str:
    """An escape sequence for the terminal outside."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
