"""A batch beside a bare loop: python benchmarks/batch.py [--rows N] [--repeats N] [--methods M,...]

FER2013's training images on hhccode, found through FER_TUI_TEST_DATA. Contenders, each in an order that changes: a loop
of explain_many in a process of its own, on one thread and on all cores, which keeps nothing; and `fer-tui batch` with
one and with two workers of one thread, as it is by default, and with two workers of dask, into a new store each time.
Rates are maps per second, medians, between two shares of all maps (STEADY): by then every worker has begun, and none
waits for the others to end. Whole runs, with starts and ends, are told, too, and the CPU time of all processes. One
class is explained, so that nothing is predicted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

Figures = tuple[float, float, float]
CLASSES = "angry,disgust,fear,happy,sad,surprise,neutral"
STEADY = (0.3, 0.95)  # of all maps
_LOOP = """
import json, sys, time
from fer_tui.contract import Place
from fer_tui.engine import Engine, Settings, open_session
import torch
settings, method, rows, threads, size = json.loads(sys.argv[1])
session = open_session(Settings.from_dict(settings))
torch.set_num_threads(threads)
engine = Engine(session.classifier.steady(), session.dataset)
def run(start, stop):
    for _ in engine.explain_many(method, [Place(row, 3) for row in range(start, stop)]):
        pass
run(0, 128)
began, cpu = time.perf_counter(), time.process_time()
for start in range(128, rows, size):
    run(start, min(start + size, rows))
print(json.dumps([(rows - 128) / (time.perf_counter() - began), (time.process_time() - cpu) / (rows - 128)]))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=16000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", default="saliency,cam")
    arguments = parser.parse_args()
    shared = Path(os.environ["FER_TUI_TEST_DATA"])
    cores = len(os.sched_getaffinity(0))
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{cores} cores, {load}; {arguments.rows} rows, {arguments.repeats} interleaved repeats\n")
    with tempfile.TemporaryDirectory() as folder:
        for method in arguments.methods.split(","):
            contenders = {
                "loop, one thread": lambda m=method: loop(m, shared, folder, arguments.rows, 1),
                "loop, all cores": lambda m=method: loop(m, shared, folder, arguments.rows, cores),
                "batch, 1 worker": lambda m=method: batch(m, shared, folder, arguments.rows, "1"),
                "batch, 2 workers": lambda m=method: batch(m, shared, folder, arguments.rows, "2"),
                "batch, default": lambda m=method: batch(m, shared, folder, arguments.rows, ""),
                "dask, 2 workers": lambda m=method: batch(m, shared, folder, arguments.rows, "2", "dask"),
            }
            found: dict[str, list[Figures]] = {name: [] for name in contenders}
            for _ in range(arguments.repeats):
                for name in random.sample(list(contenders), len(contenders)):
                    found[name].append(contenders[name]())
            medians = {name: list(map(statistics.median, zip(*runs, strict=True))) for name, runs in found.items()}
            tell(method, medians)


def tell(method: str, found: dict[str, list[float]]) -> None:
    print(f"{method}: maps/s, CPU ms a map, whole run s")
    for name, (rate, cpu, whole) in found.items():
        print(f"  {name:18} {rate:8.1f} {cpu * 1e3:8.3f} {whole:8.1f}")
    (one, *_), (cores, *_), (w1, *_), (w2, *_), (default, *_), (dask, *_) = found.values()
    print(f"  overhead of one worker over the loop   {one / w1 - 1:+.1%}  (at most +10%)")
    print(f"  two workers beside one                 {w2 / w1:.2f} x  (at least 1.8)")
    print(f"  two workers beside a loop on all cores {w2 / cores:.2f} x")
    print(f"  the default beside a loop on all cores {default / cores:.2f} x  (at least 1)")
    print(f"  dask beside the same without it        {dask / w2:.2f} x  (at least 0.9)\n")


def settings_of(shared: Path, folder: str, rows: int) -> dict[str, Any]:
    models = shared / "models"
    return {
        "data": str(shared / "data" / "fer2013_trainval.npz"),
        "split": "Training",
        "limit": rows,
        "model": f"{models / 'nets.py'}:MobileGap3",
        "weights": [str(models / "hhccode_mobilenetv1.pt")],
        "classes": CLASSES.split(","),
        "device": "cpu",
        "cache": folder,
    }


def loop(method: str, shared: Path, folder: str, rows: int, threads: int) -> Figures:
    """Maps in a second, CPU seconds of a map, seconds of the whole process."""
    given = json.dumps([settings_of(shared, folder, rows), method, rows, threads, 512])
    began, environment = time.perf_counter(), {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", _LOOP, given]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    rate, cpu = json.loads(done.stdout)
    return rate, cpu, time.perf_counter() - began


def batch(method: str, shared: Path, folder: str, rows: int, workers: str, engine: str = "local") -> Figures:
    """The same of the command, by its events."""
    settings = settings_of(shared, folder, rows)
    store = tempfile.mkdtemp(dir=folder)
    flags = [f"--{name}={_flag(value)}" for name, value in settings.items()]
    flags += ["--targets=3", f"--out={store}", f"--engine={engine}"]
    flags += [f"--workers={workers}"] if workers else []
    began, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "fer_tui", "batch", method, "--events", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    seen = [(time.perf_counter(), json.loads(line)) for line in process.stdout]
    if process.wait():
        raise SystemExit(f"batch {method} ended with code {process.returncode}")
    whole, after = time.perf_counter() - began, os.times()
    shutil.rmtree(store)
    made = [(when, event["made"]) for when, event in seen if event["stage"] == "maps"]
    steady = [each for each in made if STEADY[0] * rows <= each[1] <= STEADY[1] * rows]
    (start, first), (end, last) = steady[0], steady[-1]
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (last - first) / (end - start), cpu / rows, whole


def _flag(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main()
