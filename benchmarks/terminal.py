"""Pictures on a terminal, fer-tui's beside textual-image's own widgets: python benchmarks/terminal.py [--part ...]

Each app runs under a pseudo-terminal that a modelled terminal reads (tests/terminal/terminal_model), which answers as
kitty or as xterm with and without sixels. It decodes what it was sent, so that
the picture that is seen can be compared with the one that is meant. A link has a round trip of 50 ms and 5 Mbit/s, and
times are to the last byte at the terminal's end. In turn; medians.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "terminal"))
import numpy as np
from PIL import Image
from terminal_app import SIZES, as_mosaic, as_sheet, filter_outputs, heat_pictures
from terminal_model import AppRun, Frame, recorded

APP = Path(__file__).with_name("terminal_app.py")
LINK = {"round_trip": 0.05, "kbit": 5000.0}
TERMINALS = {"kitty": "kitty", "sixel": "xterm-sixel", "blocks": "xterm", "blocks, 256 colours": "xterm"}


@dataclass(frozen=True)
class Contender:
    """Who draws, and how."""

    who: str
    how: str

    def start(self, what: str, **link: float) -> AppRun:
        way = self.how.partition(",")[0]
        terminal = recorded(TERMINALS[self.how])
        if "256" in self.how:  # it does not tell that it has more
            told = {name: answer for name, answer in terminal.replies.items() if name != "DECRQSS SGR"}
            terminal = replace(terminal, replies=told, environment={"TERM": "xterm-256color"})
        command = [sys.executable, str(APP), self.who, what, way]
        run = AppRun(command, terminal, environment={"TEXTUAL_FPS": "120"}, **link)
        run.wait_for("ready")
        run.settle(1.0)
        return run


def contenders() -> list[Contender]:
    return [Contender(who, how) for how in TERMINALS for who in ("fer-tui", "textual-image")]


def likeness(run: AppRun, what: str, who: str) -> float:
    """The correlation of what is seen with the picture that is meant, whichever of the apps' pictures it is."""
    columns, rows = SIZES[what]
    seen = run.terminal.pixels(0, 0, columns + 1, rows).astype(float)
    drawn = (seen != seen[0, -1]).any(-1)  # the last column is background
    down, across = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    seen = seen[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    if what == "sheet":
        made = [(as_sheet if who == "fer-tui" else as_mosaic)(each) for each in filter_outputs()]
    else:
        made = heat_pictures(what)
    size = seen.shape[1], seen.shape[0]
    expected = (np.asarray(each.convert("RGB").resize(size, Image.Resampling.BOX), float) for each in made)
    return max(float(np.corrcoef(seen.ravel(), each.ravel())[0, 1]) for each in expected)


def presses(run: AppRun, count: int) -> Iterator[Frame]:
    for _ in range(count):
        yield run.press(b"n", quiet=0.2)


def each_key(what: str, repeats: int) -> None:
    print(f"\n{what}, {SIZES[what][0]} x {SIZES[what][1]} cells: for each key press")
    print("| | bytes | here | 50 ms, 5 Mbit/s | held for 1 s: until it rests | bytes | likeness |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for each in contenders():
        with each.start(what) as run:
            near = list(presses(run, repeats))
            alike = likeness(run, what, each.who)
        with each.start(what, **LINK) as run:
            far = list(presses(run, repeats))
            held = run.hold(b"n", 30)
        size, here, there = (
            statistics.median(values)
            for values in ([f.size for f in near], [f.last for f in near], [f.last for f in far])
        )
        print(
            f"| {each.who}: {each.how} | {size / 1000:.1f} kB | {here * 1000:.0f} ms | {there * 1000:.0f} ms "
            f"| {held.last:.2f} s | {held.size / 1000:.0f} kB | {alike:.3f} |",
            flush=True,
        )


def memory(count: int) -> None:
    """Key presses as fast as they are drawn; the app's resident memory and the terminal's pictures."""
    print("\nafter many key presses: the app's resident memory, and the pictures in kitty's memory")
    for each in contenders():
        if "256" in each.how:
            continue
        many = count if each.who == "fer-tui" else min(count, 200)
        told = []
        with each.start("smooth") as run:
            for number in range(1, many + 1):
                run.press(b"n", quiet=0.02)
                if number in (many // 10, many // 2, many):
                    held = f", {run.terminal.memory / 1e6:.2f} MB" if each.how == "kitty" else ""
                    told.append(f"{number}: {run.resident / 1e6:.1f} MB{held}")
            run.type(b"q")
            run.wait()
            left = f"; after the end {run.terminal.memory} bytes, usable: {run.terminal.usable}"
        print(f"| {each.who}: {each.how} | {' | '.join(told)} |{left}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", nargs="*", default=["smooth", "rough", "sheet", "memory"])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--presses", type=int, default=2000)
    arguments = parser.parse_args()
    used = ", ".join(f"{name} {version(name)}" for name in ("textual", "textual-image", "pillow"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {used}")
    for part in arguments.part:
        if part == "memory":
            memory(arguments.presses)
        else:
            each_key(part, arguments.repeats)


if __name__ == "__main__":
    main()
