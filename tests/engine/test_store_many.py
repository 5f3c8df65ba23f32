"""A store of many: written in one transaction, asked for many keys at once, without limit, read by others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fer_tui.engine import storefile
from fer_tui.engine.store import Store

FIRST_FORMAT = """
PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, method TEXT NOT NULL, kind TEXT NOT NULL,
    size INTEGER NOT NULL, used REAL NOT NULL, checksum INTEGER NOT NULL, blob BLOB NOT NULL
);
CREATE INDEX by_use ON entries (used);
CREATE INDEX by_method ON entries (method, size);
CREATE TABLE total (bytes INTEGER NOT NULL);
INSERT INTO total VALUES (0);
CREATE TRIGGER added AFTER INSERT ON entries BEGIN UPDATE total SET bytes = bytes + new.size; END;
CREATE TRIGGER gone AFTER DELETE ON entries BEGIN UPDATE total SET bytes = bytes - old.size; END;
INSERT INTO entries VALUES (1, x'00000000000000000000000000000001', 'saliency', 'map', 3, 1.0, 2053932785, x'6f6e65');
INSERT INTO entries VALUES (2, x'00000000000000000000000000000002', 'cam', 'heatmap', 3, 2.0, 298486374, x'74776f');
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""


def key(number: int) -> str:
    return f"{number:032x}"


def rows(*numbers: int, size: int = 100) -> list[tuple[str, bytes, str, str]]:
    return [(key(n), bytes([n % 256]) * size, f"m{n % 2}", "heatmap") for n in numbers]


def test_rows_are_put_together_and_over_what_was_there(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.put(key(1), b"old", method="other")
    assert store.put_many(rows(*range(2000)))
    assert store.put_many([]) and store.put_many(iter(rows(7)))
    assert store.get(key(1)) == bytes([1]) * 100 and store.get(key(1999)) == bytes([1999 % 256]) * 100
    usage = store.usage()
    assert usage.by_method == {"m0": (1000, 100_000), "m1": (1000, 100_000)} and usage.bytes == 200_000
    assert store.delete("m1") == 1000 and store.usage().by_method == {"m0": (1000, 100_000)}
    store.close()


def test_a_transaction_that_fails_keeps_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with sqlite3.connect(store.path) as other:
        other.execute(
            "CREATE TRIGGER fails AFTER INSERT ON entries WHEN new.size = 5 BEGIN SELECT raise(ABORT, 'no'); END"
        )
    other.close()
    assert not store.put_many([*rows(1, 2), (key(3), b"12345", "m", "")])
    assert not store.is_on and "the store is off" in store.note
    again = Store.open(tmp_path)
    assert again.usage().entries == 0 and again.verify() == []
    again.close()


def test_missing_keeps_order_and_type(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.put_many(rows(*range(0, 5000, 2)))
    asked = [key(n) for n in range(4999, -1, -1)]
    assert store.missing(asked) == [key(n) for n in range(4999, 0, -2)]
    assert store.missing([bytes.fromhex(each) for each in asked[:4]]) == [bytes.fromhex(key(n)) for n in (4999, 4997)]
    assert store.missing([]) == []
    apart = store.apart("report")
    assert apart.missing([key(0)]) == [key(0)]
    apart.put(key(0), b"theirs", method="m0")
    assert apart.missing([key(0), key(1)]) == [key(1)] and apart.missing([bytes.fromhex(key(0))]) == []
    store.close()
    assert store.missing([key(0)]) == [key(0)]  # off


def test_without_limit_whoever_opens_it_evicts_nothing(tmp_path: Path) -> None:
    early = Store.open(tmp_path, limit_bytes=50_000)
    Store.open(tmp_path, limit_bytes=None).close()
    later = Store.open(tmp_path, limit_bytes=50_000)
    assert later.limit is None and Store.open(tmp_path, read_only=True).limit is None
    for store in (early, later):
        start = store.usage().entries
        assert store.put_many(rows(*range(start, start + 1000)))
    assert later.usage().entries == 2000 and later.usage().limit is None
    early.close()
    later.remember_limit(20_000)
    assert later.usage().bytes <= 20_000
    later.close()
    again = Store.open(tmp_path)
    assert again.limit == 20_000
    again.close()


def test_a_store_of_the_first_format_is_read_as_it_is_and_upgraded_without_loss(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / storefile.FILE_NAME) as connection:
        connection.executescript(FIRST_FORMAT)
    connection.close()
    reader = Store.open(tmp_path, read_only=True)
    assert reader.get(key(1)) == b"one" and reader.usage().by_method == {"cam": (1, 3), "saliency": (1, 3)}
    reader.close()
    store = Store.open(tmp_path)
    assert not store.note and store.verify() == []
    assert (store.get(key(1)), store.get(key(2))) == (b"one", b"two")
    store.put(key(2), b"three", method="cam")
    assert store.usage().by_method == {"cam": (1, 5), "saliency": (1, 3)}
    assert store.delete("saliency") == 1
    store.close()
    with sqlite3.connect(tmp_path / storefile.FILE_NAME) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (storefile.FORMAT,)
    connection.close()


def test_wrong_counts_are_found_and_made_anew(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.put_many(rows(*range(10)))
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE totals SET entries = entries + 1, bytes = 0 WHERE method = 'm1'")
    other.close()
    reader = Store.open(tmp_path, read_only=True)
    assert reader.verify(quick=True) == ["the counts by method are wrong"]
    reader.close()
    assert store.verify() == ["the counts by method are wrong, and were made anew"] and store.verify() == []
    assert store.usage().by_method == {"m0": (5, 500), "m1": (5, 500)}
    store.close()
