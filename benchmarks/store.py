"""A store of a million maps: writing, opening, reading at random, asking what is missing, counting, checking.

python benchmarks/store.py FOLDER [--entries 1000000] [--bytes 10000] [--keep]

The entries are noise of that size. Cold: after the kernel was told to forget the file's pages (posix_fadvise).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fer_tui.engine.store import Store

TOGETHER = 512  # rows in a transaction
READS = 2000
T = TypeVar("T")


def key(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def seconds(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def write(folder: Path, count: int, size: int) -> float:
    """Entries a second."""
    noise = os.urandom(size + count // 1000 + 1)
    store = Store.open(folder, limit_bytes=None)
    began = time.perf_counter()
    for start in range(0, count, TOGETHER):
        numbers = range(start, min(start + TOGETHER, count))
        rows = [(key(n).hex(), noise[n // 1000 :][:size], f"method{n % 3}", "heatmap") for n in numbers]
        assert store.put_many(rows), store.note
    store.close()
    return count / (time.perf_counter() - began)


def forget(folder: Path) -> None:
    """Let the kernel drop the file from its cache."""
    os.sync()
    with (folder / "store.sqlite").open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def reads(store: Store, count: int, seed: int) -> float:
    """Milliseconds of a random read, the median."""
    times = []
    for number in random.Random(seed).sample(range(count), min(READS, count)):
        name = key(number).hex()
        took, blob = seconds(lambda name=name: store.get(name))
        assert blob is not None
        times.append(took * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=10_000)
    parser.add_argument("--keep", action="store_true", help="use what an earlier call with --keep has written")
    arguments = parser.parse_args()
    folder, count = arguments.folder, arguments.entries
    if not (folder / "store.sqlite").exists():
        print(f"written: {write(folder, count, arguments.bytes):,.0f} entries/s of {arguments.bytes} bytes")
    forget(folder)

    def first() -> Store:
        store = Store.open(folder, read_only=True)
        assert store.get(key(count // 2).hex()) is not None
        return store

    took, store = seconds(first)
    print(f"opened and the first read: {took * 1000:.1f} ms cold", end="")
    took, _ = seconds(lambda: first().close())
    print(f", {took * 1000:.1f} ms warm")
    print(f"random read: {reads(store, count, 1):.3f} ms cold, {reads(store, count, 1):.3f} ms again")
    asked = [key(n) for n in range(count // 2, count // 2 + count)]
    forget(folder)
    took, missing = seconds(lambda: store.missing(asked))
    print(f"missing, {len(asked):,} keys, {len(missing):,} of them: {took:.2f} s cold", end="")
    took, _ = seconds(lambda: store.missing(asked))
    print(f", {took:.2f} s again")
    took, usage = seconds(store.usage)
    assert usage.entries == count
    print(
        f"usage: {took * 1000:.2f} ms; the file has {usage.file_bytes / 1e9:.2f} GB, {usage.bytes / 1e9:.2f} of entries"
    )
    store.close()
    forget(folder)
    writer = Store.open(folder)
    took, faults = seconds(lambda: writer.verify(quick=True))
    assert not faults
    print(f"verify --quick: {took:.2f} s cold", end="")
    took, faults = seconds(writer.verify)
    assert not faults
    print(f"; verify: {took:.1f} s")
    writer.close()
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if not arguments.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
