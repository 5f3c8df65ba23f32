"""The explorer under a pseudo-terminal: python benchmarks/explorer.py DATA [--rows N] [flags of fer-tui open ...]

Key press to last byte on stored explanations and on ones not made yet, a key held for five seconds, Esc until the
screen shows that it was heard, resident memory of the terminal process. --rows makes a dataset of that many noise
images instead of DATA. A modelled terminal (tests/terminal/terminal_model) of 120 x 40 without pictures reads what
comes, so these are blocks. --cache names a store that stays: what it has is not made again, and so not measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "terminal"))
import numpy as np
from terminal_model import AppRun, recorded

EVERY = 1 / 30  # seconds between the presses of a held key
HELD = 150


def shown_row(run: AppRun) -> int:
    """The row that stands over the picture, -1 where none does."""
    found = re.search(r"(\d+)  (?:true|predicted|not) ", run.terminal.text(1)[30:])
    return int(found[1]) if found else -1


def quantiles(seconds: list[float]) -> str:
    ranked = sorted(1000 * each for each in seconds)
    return f"median {statistics.median(ranked):.1f} ms, p95 {ranked[int(0.95 * (len(ranked) - 1))]:.1f} ms"


def held(run: AppRun) -> list[float]:
    """Seconds that the place shown is behind each press of a held j. What comes is read afterwards: that takes long."""
    first, began = shown_row(run), time.perf_counter()
    for number in range(HELD):
        run.type(b"j", number * EVERY)
    came: list[tuple[float, bytes]] = []
    while time.perf_counter() < began + HELD * EVERY + 2:
        if data := run._step(0.005):
            came.append((time.perf_counter(), data))
    run._unseen.clear()
    reached = []
    for at, data in came:
        run._unseen.append(data)
        reached.append((at, shown_row(run)))
    behind = []
    for number in range(HELD):
        after = [at for at, row in reached if row >= first + number + 1]
        behind.append((after[0] if after else float("inf")) - began - number * EVERY)
    return behind


def fresh(run: AppRun, presses: int) -> list[float]:
    """Seconds to the last byte of jumps to images whose explanation is not there yet."""
    rows = int(re.search(r"([\d,]+) images", run.terminal.text(0))[1].replace(",", ""))  # type: ignore[index]
    took = []
    for number in range(presses):
        run.type(f"{(7919 * (number + 1)) % rows}".encode())
        run.settle(0.3)
        took.append(run.press(b"G", quiet=0.3).last)
    return took


WORKS = (  # where Esc has something to stop: what begins it, each time
    ("an explanation of lime", f":method lime\rpG\r\x7f{time.time_ns() % 10**9}\r\x1b", "j"),  # a seed of its own
    ("the Grid's cells", "", "gegr"),
    ("the ascent of a layer's filters", "gf", "]"),
)


def heard(run: AppRun, holds: Callable[[AppRun], bool]) -> float:
    """Seconds from Esc until the screen is so; infinite where it is not within two seconds."""
    began = time.perf_counter()
    run.type(b"\x1b")
    came: list[tuple[float, bytes]] = []
    while time.perf_counter() < began + 2:
        if data := run._step(0.002):
            came.append((time.perf_counter(), data))
    run._unseen.clear()
    reached = float("inf")
    for at, data in came:  # what came is read by now: that takes long
        run._unseen.append(data)
        reached = min(reached, at - began if holds(run) else float("inf"))
    return reached


def works(run: AppRun) -> bool:
    return "Esc stops" in run.terminal.text(run.terminal.screen.rows - 2)


def escapes(run: AppRun, times: int) -> None:
    """Esc on popups, counts, and on work of several screens."""
    for name, keys in (("a popup", ":zzz"), ("a count", "417")):

        def gone(run: AppRun, keys: str = keys[-3:]) -> bool:
            return not any(keys in run.terminal.text(row) for row in range(run.terminal.screen.rows))

        took = []
        for _ in range(times):
            run.press(keys.encode(), quiet=0.2)
            took.append(heard(run, gone))
        print(f"Esc on {name}: {quantiles(took)}")
    for name, begin, again in WORKS:
        run.press(begin.encode(), quiet=0.3)
        took = []
        for _ in range(times):
            end = time.perf_counter() + 5
            while not works(run) and time.perf_counter() < end:
                run.type(again.encode())
                for _ in range(100):
                    run._step(0.005)
                    if works(run):
                        break
            if not works(run):
                break  # all of it is stored
            took.append(heard(run, lambda run: not works(run)))
        print(f"Esc on {name}: {quantiles(took) if took else 'no work'} ({len(took)} times)")
        run.press(b"ge", quiet=0.3)


def resident(run: AppRun) -> str:
    """Resident memory: what is the process's own, and what are pages of files (libraries, the mapped dataset)."""
    lines = Path(f"/proc/{run.pid}/status").read_text().splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
    own, files = kilobytes["RssAnon"] / 1000, (kilobytes["RssFile"] + kilobytes["RssShmem"]) / 1000
    return f"resident: {own + files:.0f} MB, {own:.0f} MB its own, {files:.0f} MB of files"


def noise(rows: int, folder: Path) -> Path:
    """A dataset of noise images of 48 x 48 in seven classes, written row by row."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, path = np.random.default_rng(0), folder / "noise.npz"
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (rows, 48, 48))
    for start in range(0, rows, 1 << 14):
        part = images[start : start + (1 << 14)]
        part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
    names = np.array(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"])
    np.savez(path, images=images, labels=rng.integers(0, 7, rows), class_names=names)
    (folder / "images.npy").unlink()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--cache")
    arguments, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        data = noise(arguments.rows, Path(folder)) if arguments.rows else arguments.data
        command = [str(Path(sys.executable).with_name("fer-tui")), "open", str(data), *flags]
        command += ["--cache", arguments.cache or f"{folder}/cache"]
        began = time.perf_counter()
        with AppRun(command, recorded("xterm"), environment={"FER_TUI_STATE": "none"}) as run:
            run.wait_for(" images", 600)
            run.wait_for("Saliency of", 300)
            print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
            print(run.terminal.text(0).strip())
            print(f"opened, with the first map: {time.perf_counter() - began:.1f} s")
            run.settle(2.0, 600.0)  # no prediction is drawn any more
            print(f"not stored: {quantiles(fresh(run, arguments.presses))}")
            run.press(b"gg", quiet=0.5)
            for _ in range(arguments.presses):
                run.press(b"j", quiet=0.3)
            back = [run.press(b"k", quiet=0.2) for _ in range(arguments.presses)]
            size = statistics.median(frame.size for frame in back) / 1000
            print(f"stored: {quantiles([frame.last for frame in back])}, {size:.1f} kB")
            run.settle(1.0)
            behind = held(run)
            print(f"held: the place is behind by {quantiles(behind)}, at most {1000 * max(behind):.1f} ms")
            run.settle(1.0)
            escapes(run, arguments.presses // 3)
            print(f"{resident(run)}; {run.terminal.text(0).strip()}")


if __name__ == "__main__":
    main()
