"""What real terminals answered to queries, recorded in them (recordings.json), and how an answer fits another size.

Each was 100 x 30 cells of 8 x 17 pixels. wezterm was not at hand: its answers are written down from its source.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .parsing import Csi, String

QUERIES = {
    "kitty graphics": "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",
    "colour registers": "\x1b[?1;1;0S",
    "sixel geometry": "\x1b[?2;1;0S",
    "sixel geometry maximum": "\x1b[?2;4;0S",
    "window pixels": "\x1b[14t",
    "cell pixels": "\x1b[16t",
    "cells": "\x1b[18t",
    "DECRQM 2026": "\x1b[?2026$p",
    "DECRQM 2048": "\x1b[?2048$p",
    "DECRQM 80": "\x1b[?80$p",
    "DECRQM 8452": "\x1b[?8452$p",
    "XTVERSION": "\x1b[>q",
    "kitty keyboard": "\x1b[?u",
    "DSR": "\x1b[5n",
    "CPR": "\x1b[6n",
    "OSC 10": "\x1b]10;?\x1b\\",
    "OSC 11": "\x1b]11;?\x1b\\",
    "DECRQSS SGR": "\x1bP$qm\x1b\\",
    "XTGETTCAP RGB": "\x1bP+q524742\x1b\\",
    "XTGETTCAP TN": "\x1bP+q544e\x1b\\",
    "DA3": "\x1b[=c",
    "DA2": "\x1b[>c",
    "DA1": "\x1b[c",
}
NAMES = (
    "kitty", "kitty-0.26", "xterm", "xterm-sixel", "xterm-sixel-398", "foot", "wezterm", "mute",
    "kitty-tmux-3.3a", "kitty-tmux-3.5a", "kitty-tmux-3.3a-defaults", "xterm-sixel-tmux-3.3a",
    "xterm-sixel-tmux-3.5a", "foot-tmux-3.5a", "xterm-ssh-tmux-3.5a-defaults",
)  # fmt: skip

_FEATURES = (
    "display -p #{client_termname}|#{client_termfeatures}|#{client_termtype}|#{client_name}"
    "|#{client_cell_width}x#{client_cell_height}"
)


@dataclass(frozen=True)
class Recording:
    """One terminal. environment: what it sets for programs in it. tmux_answers: arguments of tmux -> its output."""

    name: str
    environment: dict[str, str]
    replies: dict[str, str]
    through_tmux: dict[str, str]
    tmux_answers: dict[str, str]
    kitty: bool
    placeholders: bool
    sixel: bool
    cell: tuple[int, int] = (8, 17)

    @property
    def tmux(self) -> bool:
        return bool(self.tmux_answers)

    @property
    def passthrough(self) -> bool:
        """Whether tmux hands wrapped sequences on."""
        return self.tmux_answers.get("show -gv allow-passthrough", "").strip() in ("on", "all")

    @property
    def tmux_draws_sixel(self) -> bool:
        """Whether the tmux of this recording takes sixels for itself and draws them on the terminal outside of it."""
        features = self.tmux_answers.get(_FEATURES, "").split("|")
        return len(features) > 1 and "sixel" in features[1].split(",") and ";4" in self.replies.get("DA1", "")

    def reply(
        self,
        name: str,
        through: bool,
        data: bytes,
        csi: Csi | None,
        cursor: tuple[int, int],
        size: tuple[int, int],
    ) -> bytes:
        """The recorded answer, for the size and the cursor (column, row) that this terminal has now."""
        known = self.through_tmux if through else self.replies
        if name == "DECRQM":
            (mode, *_) = csi.groups[0] if csi else (0,)
            name = f"DECRQM {mode}"
            if name not in known and known.get("DECRQM 2026"):
                return f"\x1b[?{mode};0$y".encode()
        answer = known.get(name, "")
        if not answer:
            return b""
        width, height = size[0] * self.cell[0], size[1] * self.cell[1]
        if name == "kitty graphics":
            identity = re.search(rb"i=(\d+)", data)
            answer = answer.replace("i=31", f"i={identity[1].decode()}" if identity else "i=0")
        elif name == "window pixels":
            answer = f"\x1b[4;{height};{width}t"
        elif name == "cells":
            swapped = answer.startswith("\x1b[8;100;")  # tmux 3.3a tells columns first
            answer = f"\x1b[8;{size[0]};{size[1]}t" if swapped else f"\x1b[8;{size[1]};{size[0]}t"
        elif name == "sixel geometry" and answer.startswith("\x1b[?2;0;"):
            answer = f"\x1b[?2;0;{width};{height}S"
        elif name == "CPR":
            answer = f"\x1b[{cursor[1] + 1};{min(cursor[0], size[0] - 1) + 1}R"
        return answer.encode("latin-1")


def query_of(token: Csi | String) -> str:
    """The query that a token is, '' where it is none."""
    if isinstance(token, String):
        if token.kind == "_" and re.match(rb"G(.*,)?a=q", token.data):
            return "kitty graphics"
        return _strings().get((token.kind, token.data), "")
    if token.prefix == "?" and token.final == "$p":
        return "DECRQM"
    numbers = tuple(group[0] for group in token.groups)
    if token.final in ("c", "q") and numbers in ((None,), (0,)):
        numbers = (None,)
    return _sequences().get((token.prefix, numbers, token.final), "")


@cache
def _strings() -> dict[tuple[str, bytes], str]:
    found = {}
    for name, query in QUERIES.items():
        if query[1] in "P]":
            found[query[1], query[2:-2].encode()] = name
    return found


@cache
def _sequences() -> dict[tuple[str, tuple[int | None, ...], str], str]:
    found = {}
    for name, query in QUERIES.items():
        if match := re.fullmatch(r"\x1b\[([<-?]?)([\d;]*)([a-zA-Z])", query):
            numbers = tuple(int(number) if number else None for number in match[2].split(";"))
            found[match[1], numbers, match[3]] = name
    return found


@cache
def _all() -> dict[str, Recording]:
    file = Path(__file__).with_name("recordings.json")
    recordings = json.loads(file.read_text("utf-8"))
    return {name: Recording(name, **{**each, "cell": tuple(each["cell"])}) for name, each in recordings.items()}


def recorded(name: str) -> Recording:
    """A terminal by name, one of NAMES."""
    return _all()[name]
