"""One store, several people: who may only read it, in every state that a writer can leave it in."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fer_tui.engine import storefile
from fer_tui.engine.store import Store

READER = """
import os, sys
from pathlib import Path
from fer_tui.engine.store import Store
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
store = Store.open(Path(sys.argv[1]), read_only=True)
for line in sys.stdin:
    number = int(line)
    blob = store.get(f"{number:032x}")
    print(store.note or (blob.decode() if blob is not None else "none"), flush=True)
store.close()
"""
WRITER = """
import sys
from pathlib import Path
from fer_tui.engine import networks
from fer_tui.engine.store import Store
if "network" in sys.argv:  # where there is no WAL
    networks._on_network = lambda folder: True
store = Store.open(Path(sys.argv[1]))
for start in range(0, 3000, 50):
    rows = [(f"{n:032x}", bytes([n % 256]) * 4000, "m", "") for n in range(start, start + 50)]
    assert store.put_many(rows), store.note
    print(start, flush=True)
store.close()
"""
COUNTER = """
import sys, time
from pathlib import Path
from fer_tui.engine.store import Store
store, keys = Store.open(Path(sys.argv[1]), read_only=True), [f"{n:032x}" for n in range(3000)]
seen, end = 0, time.monotonic() + 60
while seen < 3000 and time.monotonic() < end:
    there = store.has(keys)
    assert not store.note, store.note
    assert len(there) % 50 == 0, len(there)  # a transaction is seen whole or not at all
    for key in list(there)[:20]:
        assert store.get(key) in (None, bytes([int(key, 16) % 256]) * 4000)
    seen = max(seen, len(there))  # fewer are found where the file was locked for long
assert seen == 3000
store.close()
"""


OWN = """
import os, sys
from pathlib import Path
from fer_tui.engine.store import Store
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
store = Store.open(Path(sys.argv[1]))
print(store.note)
print(store.get(f"{1:032x}").decode())
store.put(f"{2:032x}", b"x", method="m")
print(store.put_many([(f"{2:032x}", b"x", "m", "")]), store.is_on, store.get(f"{2:032x}"))
store.close()
"""


class Colleague:
    """A process that may read the store and not write to its folder."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", READER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def reads(self, number: int) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def leaves(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may look into; pytest's own may be closed to them."""
    if os.getuid() != 0:
        pytest.skip("only root can read as somebody else")
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def put(store: Store, *numbers: int) -> None:
    assert store.put_many([(f"{n:032x}", f"blob {n}".encode(), "m", "") for n in numbers])


def test_a_settled_store_is_one_file_that_all_can_read(folder: Path) -> None:
    store = Store.open(folder)
    put(store, 1)
    assert store.settle() and [each.name for each in folder.iterdir()] == [storefile.FILE_NAME]
    colleague = Colleague(folder)
    assert colleague.reads(1) == "blob 1"
    put(store, 2)  # after it was settled
    assert colleague.reads(2) == "blob 2" and colleague.reads(3) == "none"
    colleague.leaves()
    store.close()
    batch = Store.open(folder, limit_bytes=None)
    put(batch, 4)
    batch.close()
    assert [each.name for each in folder.iterdir()] == [storefile.FILE_NAME]
    again = Store.open(folder)  # the explorer of its owner, that others need not wait for
    other = Store.open(folder)
    assert not again.settle() and again.get(f"{4:032x}") == b"blob 4"
    other.close()
    again.close()


def test_read_while_another_writes_and_after_it_was_killed(folder: Path) -> None:
    store = Store.open(folder)
    put(store, 1)
    colleague = Colleague(folder)
    assert colleague.reads(1) == "blob 1"
    put(store, 2)
    assert colleague.reads(2) == "blob 2"
    colleague.leaves()
    store.close()
    assert not Path(folder, f"{storefile.FILE_NAME}-wal").exists()
    late = Colleague(folder)  # nobody writes, but the file is in WAL mode
    assert late.reads(2) == "blob 2"
    again = Store.open(folder)
    put(again, 3)
    assert late.reads(3) == "blob 3"
    again.close()
    assert late.reads(3) == "blob 3"
    late.leaves()


def test_read_after_a_writer_was_killed(folder: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline() == "0\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert Path(folder, f"{storefile.FILE_NAME}-wal").stat().st_size > 0
    colleague = Colleague(folder)
    assert colleague.reads(0) == "\0" * 4000
    colleague.leaves()
    store = Store.open(folder)
    assert store.verify() == [] and store.settle()
    store.close()


def test_ones_own_that_may_not_be_written_to_is_only_read(folder: Path) -> None:
    store = Store.open(folder)
    put(store, 1)
    store.close()
    told = subprocess.run([sys.executable, "-c", OWN, str(folder)], capture_output=True, text=True, timeout=60)
    assert told.stderr == "" and told.stdout.splitlines() == [
        f"the store is only read: {folder / storefile.FILE_NAME} cannot be written to",
        "blob 1",
        "False True None",
    ]


@pytest.mark.parametrize("disk", ["local", "network"])
def test_many_read_while_one_writes(tmp_path: Path, disk: str) -> None:
    first = Store.open(tmp_path)
    assert first.settle()
    first.close()
    command = [sys.executable, "-c", COUNTER, str(tmp_path)]
    readers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    try:
        command = [sys.executable, "-c", WRITER, str(tmp_path), disk]
        writer = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert writer.returncode == 0, writer.stderr
        for reader in readers:
            assert (reader.communicate(timeout=60)[1], reader.returncode) == (b"", 0)
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()
    with closing(sqlite3.connect(tmp_path / storefile.FILE_NAME)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete" if disk == "network" else "wal",)
