"""The explorer and the commands on a million images: python benchmarks/million.py [DATA] [--rows N] [flags of open ...]

Opening (first, and from a warm index), bytes in memory (all, and the process's own), the processor's time and the time
to the last byte of jumps, narrowings, sorts and of moving over stored maps, while predictions stream and when all are
there. Without DATA noise images of 48 x 48 are written; without --model a network small enough that a million
predictions take a minute. Times on a loaded machine say little: the processor's time is beside each.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from explorer import fresh, held, noise, quantiles, resident
from terminal_model import AppRun, recorded

QUIET = 0.04  # seconds after which what a key press brought is over: predictions are drawn every 0.1 s
PRESSES = 20
OPEN = """
import resource, sys, time
began, worked = time.perf_counter(), time.process_time()
from fer_tui.dataset import open_dataset
dataset = open_dataset(sys.argv[1], cache=sys.argv[2])
dataset[len(dataset) // 2]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(f"{time.perf_counter() - began:.2f} s, {time.process_time() - worked:.2f} s of work, {peak:.0f} MB at most")
"""
NETWORK = """
import torch
def Small():
    torch.manual_seed(0)
    first = torch.nn.Conv2d(1, 8, 5, 4), torch.nn.ReLU()
    return torch.nn.Sequential(*first, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 7))
"""
KEYS = (  # what is measured, and the keys: those before the last are typed before
    ("jump", b"770001", b"G"),
    ("next mistake", b"", b"n"),
    ("narrow true:fear pred:sad conf<.5", b"/true:fear pred:sad conf<.5", b"\r"),
    ("narrow wrong entropy>.5", b"/\x15wrong entropy>.5", b"\r"),
    ("list all", b"", b"\x1b"),
    ("sort by loss", b"4", b"S"),
    ("sort by score", b"2", b"S"),
    ("next mistake, sorted", b"", b"n"),
    ("narrow, sorted", b"/-wrong", b"\r"),
    ("list all, sorted", b"", b"\x1b"),
    ("dataset order", b"1", b"S"),
)


def worked(process: int) -> float:
    """Seconds of the processor's time that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pressed(run: AppRun, before: bytes, key: bytes) -> tuple[float, float]:
    """Milliseconds to the last byte, and of work."""
    if before:
        run.type(before)
        run.settle(0.25, 3)
    began = worked(run.pid)
    frame = run.press(key, quiet=QUIET, limit=5)
    return 1000 * frame.last, 1000 * (worked(run.pid) - began)


def moved(run: AppRun) -> str:
    """Moving over stored maps."""
    for _ in range(PRESSES):
        run.press(b"j", quiet=0.15, limit=3)
    began, frames = worked(run.pid), [run.press(b"k", quiet=QUIET, limit=2) for _ in range(PRESSES)]
    work = 1000 * (worked(run.pid) - began) / PRESSES
    size = statistics.median(frame.size for frame in frames) / 1000
    return f"stored: {quantiles([frame.last for frame in frames])}, {work:.0f} ms of work, {size:.1f} kB"


def measured(run: AppRun) -> Iterator[str]:
    yield f"{run.terminal.text(0).strip()}; {resident(run)}"
    yield moved(run)
    for name, before, key in KEYS:
        last, work = pressed(run, before, key)
        yield f"{name}: {last:.0f} ms, {work:.0f} ms of work"
        run.settle(0.3, 2)
    yield f"not stored: {quantiles(fresh(run, PRESSES))}"
    run.settle(1, 3)
    behind = held(run)
    yield f"held: the place is behind by {quantiles(behind)}, at most {1000 * max(behind):.1f} ms"
    yield resident(run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--streaming", action="store_true", help="do not wait for all predictions")
    arguments, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), f"{name}/cache"
        data = arguments.data or noise(arguments.rows, folder)
        for which in ("first", "again"):
            command = [sys.executable, "-c", OPEN, str(data), cache]
            print(
                f"opened {which}: {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}"
            )
        if "--model" not in flags:
            (folder / "small.py").write_text(NETWORK)
            flags += ["--model", f"{folder / 'small.py'}:Small", "--device", "cpu"]
        command = [str(Path(sys.executable).with_name("fer-tui")), "open", str(data), *flags, "--cache", cache]
        began = time.perf_counter()
        with AppRun(command, recorded("xterm"), environment={"FER_TUI_STATE": "none"}) as run:
            run.wait_for(" images", 600)
            print(f"listed after {time.perf_counter() - began:.2f} s (with the start of the program)")
            run.type(b"jk")
            run.wait_for("Saliency of", 300)
            run.settle(1, 3)
            print("\n".join(["-- while predictions stream", *measured(run)]))
            while not arguments.streaming and re.search("so far", run.terminal.text(0)):
                run.settle(5, 5)
            if not arguments.streaming:
                print("\n".join(["-- all predicted", *measured(run)]))
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
