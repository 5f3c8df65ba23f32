"""First parse of fer2013.csv, opening it again, and opening a million rows again; beside a plain parser.

FER_TUI_TEST_DATA=... python benchmarks/parse.py [--rounds N] [--rows 1000000]

Each number is of a process of its own. The plain parser reads with the csv module and numpy.fromstring, row by row.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

OPEN = """
import json, sys, time
import numpy
from fer_tui.dataset import open_dataset
began = time.perf_counter()
dataset = open_dataset(sys.argv[1], cache=sys.argv[2])
dataset[len(dataset) // 2].image.sum(), dataset.labels[-1]
seconds = time.perf_counter() - began
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
print(json.dumps([seconds, peak, "torch" in sys.modules, int(dataset[7].image.sum())]))
"""

PLAIN = """
import csv, json, sys, time
import numpy as np
began = time.perf_counter()
labels, images = [], []
with open(sys.argv[1], newline="") as file:
    reader = csv.reader(file)
    next(reader)
    for label, pixels, usage in reader:
        values = np.fromstring(pixels, np.int16, sep=" ")
        assert len(values) == 2304 and values.min() >= 0 and values.max() <= 255
        images.append(values.astype(np.uint8))
        labels.append(int(label))
images = np.stack(images)
seconds = time.perf_counter() - began
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
print(json.dumps([seconds, peak, "torch" in sys.modules, int(images[7].sum(dtype=int))]))
"""


def measured(code: str, source: Path, cache: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a process that runs `code`."""
    run = subprocess.run(
        [sys.executable, "-c", code, str(source), str(cache)], capture_output=True, text=True, check=True
    )
    seconds, peak, torch, _ = json.loads(run.stdout)
    assert not torch
    return seconds, peak


def write_csv(archive: Path, target: Path) -> None:
    data = np.load(archive)
    usages = ("Training", "PublicTest")
    with target.open("w", newline="") as file:
        file.write("emotion,pixels,Usage\n")
        for image, label, usage in zip(data["images"], data["labels"], data["usage"], strict=True):
            file.write(f"{label},{' '.join(map(str, image.ravel().tolist()))},{usages[usage]}\n")


def told(name: str, runs: list[tuple[float, float]]) -> float:
    seconds = statistics.median(run[0] for run in runs)
    print(f"{name:34} {seconds * 1000:9.1f} ms {max(run[1] for run in runs):7.0f} MiB peak   {len(runs)} runs")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    archive = Path(os.environ["FER_TUI_TEST_DATA"], "data", "fer2013_trainval.npz")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = folder / "fer2013.csv"
        write_csv(archive, table)
        print(f"fer2013.csv: {table.stat().st_size / 1e6:.0f} MB")
        first, plain = [], []
        for number in range(arguments.rounds):
            first.append(measured(OPEN, table, folder / f"cache{number}"))
            plain.append(measured(PLAIN, table, folder))
        ours = told("first parse", first)
        print(f"{'plain parser / ours':34} {told('plain parser', plain) / ours:9.2f} x")
        again = told("opened again", [measured(OPEN, table, folder / "cache0") for _ in range(arguments.rounds)])
        rows = np.random.default_rng(0).integers(0, 256, (arguments.rows, 48, 48), np.uint8)
        million = folder / "million.npz"
        np.savez(million, images=rows, labels=np.arange(arguments.rows) % 7)
        del rows
        told(f"{arguments.rows:,} rows, first parse", [measured(OPEN, million, folder / "cache0")])
        large = told("opened again", [measured(OPEN, million, folder / "cache0") for _ in range(arguments.rounds)])
        print(f"{'opened again, many rows / few':34} {large / again:9.2f} x")


if __name__ == "__main__":
    main()
