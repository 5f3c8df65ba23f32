"""A store on a network, on a file system that is only read, and after a power cut: never damaged, told in one line."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fer_tui.engine import networks
from fer_tui.engine.store import Store
from fer_tui.engine.storefile import FILE_NAME

KILLED = """
import sys
from pathlib import Path
from fer_tui.engine import networks
from fer_tui.engine.store import Store
networks._on_network = lambda folder: True
store = Store.open(Path(sys.argv[1]))
store._do("PRAGMA cache_size = 1")  # so that the file is written to before the transaction ends
store._do("BEGIN IMMEDIATE")
for n in range(100, 200):
    store._do("INSERT INTO entries VALUES (NULL, ?, 'm', '', 4000, 0, 0, zeroblob(4000))", (n.to_bytes(16, "big"),))
print("in the middle", flush=True)
sys.stdin.read()
"""
AWAY = "it is written to on the machine whose disk it is: it can be used from here when that has ended"


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Says whether what follows sees all folders over a network."""
    return lambda yes: monkeypatch.setattr(networks, "_on_network", lambda folder: yes)


def key(number: int) -> str:
    return f"{number:032x}"


def put(store: Store, *numbers: int) -> None:
    assert store.put_many([(key(n), f"blob {n}".encode(), "m", "") for n in numbers]), store.note


def mode_of(folder: Path) -> int:
    """2: the file is in WAL mode, 1: in that of a journal."""
    return (folder / FILE_NAME).read_bytes()[18]


def test_network_file_systems_are_known(tmp_path: Path) -> None:
    mounts = f"/dev/vda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\ntmpfs {tmp_path}/local tmpfs rw 0 0\n"
    mounts += f"me@box:/d {tmp_path}/local/my\\040box fuse.sshfs rw 0 0\n/dev/vdb {tmp_path}/local/usb fuseblk rw 0 0\n"
    assert networks.on_network(tmp_path / "cache", mounts)
    assert not networks.on_network(tmp_path / "local" / "cache", mounts)
    assert networks.on_network(tmp_path / "local" / "my box" / "maps", mounts)
    assert not networks.on_network(tmp_path / "local" / "usb", mounts)
    assert not networks.on_network(Path("/"), mounts)
    assert networks.lacks_locks(tmp_path / "local" / "my box", mounts)
    assert not networks.lacks_locks(tmp_path / "cache", mounts)


def test_what_its_own_machine_writes_is_not_touched_from_afar(tmp_path: Path, away: Callable[[bool], None]) -> None:
    away(False)
    own = Store.open(tmp_path)
    put(own, 1)
    own.close()
    away(True)
    reader = Store.open(tmp_path, read_only=True)  # in WAL mode, and nobody writes
    assert reader.get(key(1)) == b"blob 1" and [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
    away(False)
    own = Store.open(tmp_path)
    put(own, 2)
    beside = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    away(True)
    assert reader.get(key(1)) is None and reader.is_on  # for now
    for other in (Store.open(tmp_path), Store.open(tmp_path, read_only=True)):
        assert not other.is_on and other.note.endswith(AWAY)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == beside
    own.close()
    assert reader.get(key(2)) == b"blob 2" and reader.note == ""
    writer = Store.open(tmp_path)
    assert mode_of(tmp_path) == 1 and writer.get(key(2)) == b"blob 2"
    put(writer, 3)
    assert reader.get(key(3)) == b"blob 3"
    away(False)
    own = Store.open(tmp_path)
    put(own, 4)
    away(True)
    assert not writer.put_many([(key(5), b"", "m", "")]) and writer.get(key(1)) is None
    own.close()
    put(writer, 5)
    assert (
        writer.get(key(4)) == b"blob 4"
        and writer.verify() == []
        and reader.has(map(key, range(9))) == {key(n) for n in range(1, 6)}
    )
    writer.close()
    reader.close()


def test_a_write_that_was_killed_on_a_network_is_undone(tmp_path: Path, away: Callable[[bool], None]) -> None:
    away(True)
    store = Store.open(tmp_path)
    put(store, 1)
    store.close()
    reader = Store.open(tmp_path, read_only=True)
    assert reader.get(key(1)) == b"blob 1"
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "in the middle\n"
        writer.send_signal(signal.SIGKILL)
    assert (tmp_path / f"{FILE_NAME}-journal").stat().st_size > 0
    late = Store.open(tmp_path, read_only=True)
    assert late.note.endswith("fer-tui cache verify, by one who may write there, mends it")
    assert reader.get(key(1)) is None and reader.is_on
    again = Store.open(tmp_path)
    assert again.verify() == [] and again.usage().entries == 1
    assert reader.get(key(1)) == b"blob 1"
    again.close()
    reader.close()


def test_who_looks_at_a_file_does_not_unlock_it(tmp_path: Path, away: Callable[[bool], None]) -> None:
    away(True)
    writer = Store.open(tmp_path)
    put(writer, 1)
    writer._do("BEGIN IMMEDIATE")
    for read_only in (True, False):  # in the same process, as the explorer does with a store that is named twice
        Store.open(tmp_path, read_only=read_only).close()
    begin = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0.1).execute('BEGIN IMMEDIATE')"
    other = subprocess.run([sys.executable, "-c", begin, str(writer.path)], capture_output=True, text=True, timeout=60)
    assert "database is locked" in other.stderr
    writer._do("COMMIT")
    writer.close()


def test_without_locks_one_machine_writes(
    tmp_path: Path, away: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    away(True)
    monkeypatch.setattr(networks, "_lacks_locks", lambda folder: True)
    store, beside = Store.open(tmp_path), Store.open(tmp_path)  # two of one machine see each other's locks
    put(store, 1)
    put(beside, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: "gpu-2")
        other = Store.open(tmp_path)
        assert "has it open for writing, and this disk has no locks (if not: delete " in other.note
        assert other.get(key(2)) == b"blob 2" and not other.put_many([(key(3), b"", "m", "")])
        store.close()
        beside.close()
        last = Store.open(tmp_path)
        put(last, 3)
        assert other.get(key(3)) == b"blob 3" and not last.note
        last.close()
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        pass
    left = tmp_path / f"{FILE_NAME}-writer-{socket.gethostname()}-{ended.pid}-0123abcd"  # of one that was killed
    left.touch()
    again = Store.open(tmp_path)
    put(again, 4)
    assert not left.exists()
    again.close()
    other.close()


@contextmanager
def seen_read_only(folder: Path, at: Path) -> Iterator[Path]:
    """The same folder on a file system that nobody can write to."""
    at.mkdir(exist_ok=True)
    try:
        subprocess.run(["mount", "--bind", folder, at], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can mount a folder a second time")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", at], check=True)
        yield at
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


def test_on_a_file_system_that_is_only_read(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    store = Store.open(folder)
    put(store, 1)
    store.close()
    assert mode_of(folder) == 2
    with seen_read_only(folder, tmp_path / "seen") as seen:
        reader, own = Store.open(seen, read_only=True), Store.open(seen)  # as another's, as one's own
        assert reader.get(key(1)) == own.get(key(1)) == b"blob 1"
        assert not reader.note and own.note.endswith("cannot be written to")
        store = Store.open(folder)  # somebody else can write there
        put(store, 2)
        assert reader.get(key(2)) == own.get(key(2)) == b"blob 2"
        copy = tmp_path / "copy"  # of what is being written, as a backup makes one
        copy.mkdir()
        for end in ("", "-wal"):
            shutil.copyfile(f"{store.path}{end}", copy / f"{FILE_NAME}{end}")
        for each in (reader, own, store):
            each.close()
    with seen_read_only(copy, tmp_path / "seen") as seen:
        late = Store.open(seen, read_only=True)
        assert late.note.endswith("fer-tui cache verify, by one who may write there, mends it")


def test_a_log_that_is_cut_off_anywhere_loses_the_last_writes_alone(tmp_path: Path) -> None:
    together, count = 20, 600
    store = Store.open(tmp_path / "running", limit_bytes=None)
    every = [(key(n), random.Random(n).randbytes(3000), "m", "") for n in range(count)]
    for start in range(0, count, together):
        assert store.put_many(every[start : start + together])
    assert store._do("PRAGMA synchronous") == [(1,)]  # NORMAL: in WAL mode that is safe
    chance, seen = random.Random(5), set()
    for number in range(12):
        copy = tmp_path / str(number)
        copy.mkdir()
        for end in ("", "-wal"):
            shutil.copyfile(f"{store.path}{end}", copy / f"{FILE_NAME}{end}")
        log = copy / f"{FILE_NAME}-wal"
        cut = chance.randrange(log.stat().st_size)
        os.truncate(log, cut)
        if number % 2:  # the rest of a block that was not written
            with log.open("ab") as file:
                file.write(chance.randbytes(5000))
        with closing(Store.open(copy)) as left:
            assert left.is_on and left.verify() == [], left.note
            there = left.usage().entries
            assert there % together == 0
            missing = left.missing([name for name, *_ in every])
            assert missing == [name for name, *_ in every[there:]]
            assert left.put_many(row for row in every if row[0] in set(missing))
            assert all(left.get(name) == blob for name, blob, *_ in every) and left.usage().entries == count
        seen.add(there)
    assert len(seen) > 4 and min(seen) < count
    assert store.settle() and store._do("PRAGMA synchronous") == [(2,)]  # FULL
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
