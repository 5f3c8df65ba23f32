"""The store keeps, evicts, shares and survives; and when it cannot, it is only off."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fer_tui.engine import storefile
from fer_tui.engine.store import Store
from fer_tui.folders import cache_folder

WRITER = """
import sys
from pathlib import Path
from fer_tui.engine.store import Store
store, name, count = Store.open(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
for n in range(count):
    store.put(f"{name:016x}{n:016x}", bytes([n % 256]) * 3000, method=f"m{name}")
    if n == 20:
        print("going", flush=True)
print(store.note, flush=True)
store.close()
"""


def key(number: int) -> str:
    return f"{number:032x}"


def write(folder: Path, name: int, count: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, str(folder), str(name), str(count)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_round_trip_and_usage(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.put(key(1), b"one", method="saliency", kind="heatmap")
    store.put(key(2), b"two", method="cam")
    store.put(key(1), b"eleven", method="saliency", kind="heatmap")
    assert (store.get(key(1)), store.get(key(2)), store.get(key(3))) == (b"eleven", b"two", None)
    assert store.has([key(1), key(3)]) == {key(1)}
    usage = store.usage()
    assert (usage.entries, usage.bytes, usage.by_method) == (2, 9, {"saliency": (1, 6), "cam": (1, 3)})
    assert usage.file_bytes >= usage.bytes
    store.close()
    again = Store.open(tmp_path)
    assert again.get(key(1)) == b"eleven"
    assert again.delete("cam") == 1 and again.get(key(2)) is None and again.get(key(1)) is not None
    assert again.delete() == 1 and again.usage().entries == 0
    again.close()


def test_the_least_recently_used_go_first_and_the_file_stays_small(tmp_path: Path) -> None:
    store = Store.open(tmp_path, limit_bytes=100_000)
    for n in range(90):
        store.put(key(n), bytes(1000), method="m")
    assert store.get(key(0)) is not None  # used now: younger than all others
    for n in range(90, 400):
        store.put(key(n), bytes(1000), method="m")
        store.get(key(0))
        assert store.usage().bytes <= 100_000
    assert store.get(key(0)) is not None and store.get(key(1)) is None and store.get(key(399)) is not None
    store.delete()
    assert store.usage().file_bytes < 100_000
    assert store.get(key(0)) is None
    store.put(key(5), bytes(200_000), method="m")  # larger than the whole store: not kept
    assert store.get(key(5)) is None and not store.note
    store.close()


def test_two_processes_write_while_a_third_reads(tmp_path: Path) -> None:
    reader = Store.open(tmp_path)
    writers = [write(tmp_path, name, 400) for name in (1, 2)]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        seen = max(seen, len(reader.has(f"{1:016x}{n:016x}" for n in range(400))))
    assert [writer.communicate()[0].split("\n")[1] for writer in writers] == ["", ""]
    assert seen > 0
    assert reader.usage().by_method == {"m1": (400, 1_200_000), "m2": (400, 1_200_000)}
    assert reader.get(f"{2:016x}{7:016x}") == bytes([7]) * 3000
    assert not reader.note
    reader.close()


def test_a_killed_writer_leaves_a_sound_store(tmp_path: Path) -> None:
    writer = write(tmp_path, 1, 100_000)
    assert writer.stdout is not None and writer.stdout.readline() == "going\n"
    time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    store = Store.open(tmp_path)
    assert store.verify() == [] and store.usage().entries > 20
    assert store.get(f"{1:016x}{20:016x}") == bytes([20]) * 3000
    store.put(key(1), b"on", method="m")
    assert store.get(key(1)) == b"on"
    store.close()


def test_a_full_disk_only_turns_it_off(tmp_path: Path) -> None:
    script = """
import resource, signal, sys
from pathlib import Path
from fer_tui.engine.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open(Path(sys.argv[1]))
store.put("0" * 32, b"first", method="m")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # every write past it fails, as on a full disk
for n in range(1, 200):
    store.put(f"{n:032x}", bytes(5000), method="m")
assert not store.is_on and "the store is off" in store.note, store.note
assert store.get("0" * 32) is None and store.usage().entries == 0
store.close()
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert Store.open(tmp_path).get("0" * 32) == b"first"


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_file_only_turns_it_off(tmp_path: Path, content: bytes) -> None:
    (tmp_path / storefile.FILE_NAME).write_bytes(content)
    store = Store.open(tmp_path)
    assert "the store is off" in store.note and str(tmp_path) in store.note
    store.put(key(1), b"x", method="m")
    assert store.get(key(1)) is None and store.delete() == 0 and store.verify() == []
    store.close()


def test_a_folder_that_cannot_be_made_only_turns_it_off(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Store.open(tmp_path / "file" / "cache")
    assert not store.is_on and "the store is off" in store.note


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with sqlite3.connect(tmp_path / storefile.FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "newer" in Store.open(tmp_path).note


def test_a_damaged_entry_is_none_and_goes(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for n in (1, 2, 3):
        store.put(key(n), b"right", method="m")
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE entries SET blob = ? WHERE id < 3", (b"wrong",))
    connection.close()
    assert store.get(key(1)) is None
    assert store.verify() == ["1 damaged explanations were deleted"]
    assert store.usage().entries == 1 and store.verify() == []
    store.close()


def test_read_only(tmp_path: Path) -> None:
    writer = Store.open(tmp_path)
    writer.put(key(1), b"x", method="m")
    reader = Store.open(tmp_path, read_only=True)
    assert reader.get(key(1)) == b"x"
    reader.close()
    writer.close()
    assert "the store is off" in Store.open(tmp_path / "none", read_only=True).note


def test_the_folder_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_TUI_CACHE", str(tmp_path / "here"))
    store = Store.open()
    assert store.path == tmp_path / "here" / storefile.FILE_NAME and store.is_on
    store.close()
    monkeypatch.delenv("FER_TUI_CACHE")
    assert cache_folder() == Path(os.environ["XDG_CACHE_HOME"]) / "fer-tui"
