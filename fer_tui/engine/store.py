"""The store: finished explanations in one SQLite file in the user's cache folder. It never is a reason to fail.

Several processes may use it at once. A full disk, a folder that cannot be written to or a damaged file only turn it
off: `note` says why.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import random
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from fer_tui.folders import cache_folder

from . import storefile
from .claims import Claimed
from .entries import Entry, Usage
from .networks import on_network
from .storefile import FILE_NAME

LIMIT = 2 << 30  # bytes of explanations
_ROOM = 0.95  # eviction goes down to this share of the limit
_STEP = 64  # entries evicted, pages given back, in one step
_MOST_USED = 512  # uses remembered before they are written
_ASKED = 900  # keys in one question: SQLite takes 999 values at the least
_LISTED = 256  # entries that are listed at once
_SAMPLE = 1000  # entries that a quick check looks at
_DENSE = 8  # times as many entries as are asked for, at most, to read all of them
_TRIES = 12  # times that a batch waits for another process's write
_PATIENCE, _MOMENT, _BLINK = 1.0, 0.25, 0.01  # seconds that one who opens, who reads waits for a write; of each look
_ANOTHER = (-1,)  # no file's stamp
_PUT = """
INSERT INTO entries (key, method, kind, size, used, checksum, blob) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET method = excluded.method, kind = excluded.kind, size = excluded.size,
used = excluded.used, checksum = excluded.checksum, blob = excluded.blob
"""
_ENTRY = "key, method, kind, checksum, blob, id"
_MISCOUNTED = """
SELECT method, entries FROM totals WHERE entries > 0 EXCEPT SELECT method, count(*) FROM entries GROUP BY method
"""
_COUNT_AGAIN = """
UPDATE totals SET entries = (SELECT count(*) FROM entries WHERE entries.method = totals.method),
bytes = (SELECT coalesce(sum(size), 0) FROM entries WHERE entries.method = totals.method)
"""

Row = tuple[str, bytes, str, str]  # key, blob, method, kind
Key = TypeVar("Key", str, bytes)


class Store:
    """Packed explanations by key; the least recently used are evicted above `limit` bytes, where there is one.

    Nothing here raises: a store that is off (see `note`) gives None and keeps nothing. A file that may not be written
    to is only read; `note` says that, too.
    """

    def __init__(self, path: Path, limit: int | None, read_only: bool = False) -> None:
        self.path, self.limit, self.note = path, limit, ""
        self._read_only, self._apart = read_only, ""
        self._lock = threading.Lock()
        self._used: dict[bytes, float] = {}
        self._connection: sqlite3.Connection | None = None
        self._stamp: tuple[int, ...] = ()  # of a file that is read as one that does not change
        self._waits = True  # for another's write to end; not again, once that was in vain

    @classmethod
    def open(cls, folder: Path | None = None, *, limit_bytes: int | None = LIMIT, read_only: bool = False) -> Self:
        """The store in `folder` (None: FER_TUI_CACHE, else the user's cache folder), made where it is not there.

        limit_bytes: holds where the file remembers no other limit. None: no limit, and the file remembers it, so that
        whoever opens it later evicts nothing.
        """
        store = cls((folder or cache_folder()) / FILE_NAME, limit_bytes, read_only)
        try:
            if not read_only and not store.path.is_file():
                store.path.parent.mkdir(parents=True, exist_ok=True)
            store._connect(_PATIENCE)
        except (OSError, sqlite3.Error, ValueError) as error:
            store._turn_off(error)
            return store
        if limit_bytes is None and not store._read_only:
            store.remember_limit(None)
        else:
            store.limit = store._remembered()
        return store

    def apart(self, name: str) -> Store:
        """The same file, for what is kept under `name` alone: what others put there is not found, nor the reverse."""
        twin = copy.copy(self)
        twin._apart = name
        return twin

    @property
    def is_on(self) -> bool:
        return self._connection is not None

    def get(self, key: str) -> bytes | None:
        """The blob under `key`; a damaged one is deleted and None."""
        name = self._name(key)
        rows = self._do("SELECT blob, checksum FROM entries WHERE key = ?", (name,))
        if not rows:
            return None
        blob, checksum = rows[0]
        if zlib.crc32(blob) != checksum:
            if not self._read_only:
                self._do("DELETE FROM entries WHERE key = ?", (name,))
            return None
        if self.limit is not None and not self._read_only:
            self._used[name] = time.time()
            if len(self._used) >= _MOST_USED:
                self._write_uses()
        return bytes(blob)

    def has(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` that are there."""
        asked = list(keys)
        return set(asked).difference(self.missing(asked))

    def missing(self, keys: Sequence[Key]) -> list[Key]:
        """Those of `keys` (32 hexadecimal digits, or 16 bytes each) that are not there, in their order.

        A million take a second or two.
        """
        names = [self._name(key) for key in keys]
        asked = sorted(names)  # in the order of the index, so that each of its pages is read once
        dense = len(asked) > _ASKED and self.usage().entries < _DENSE * len(asked)
        there: set[bytes] = set()
        for part in (asked[at : at + _ASKED] for at in range(0, len(asked), _ASKED)):
            if dense:  # then all that lies between is had sooner than each by itself
                rows = self._do("SELECT key FROM entries WHERE key BETWEEN ? AND ?", (part[0], part[-1]))
                there.update({name for (name,) in rows}.intersection(part))
            else:
                rows = self._do(f"SELECT key FROM entries WHERE key IN ({','.join('?' * len(part))})", part)
                there.update(name for (name,) in rows)
        return [key for key, name in zip(keys, names, strict=True) if name not in there]

    def put(self, key: str, blob: bytes, *, method: str, kind: str = "") -> None:
        """Keep `blob` under `key`; seen by other processes at once."""
        self._put([(key, blob, method, kind)], tries=1)

    def put_many(self, rows: Iterable[Row]) -> bool:
        """Keep them all in one transaction; False where that failed, and none of them is kept.

        A row is (key, blob, method, kind). One that is larger than the whole store is left out. Waits up to a minute
        for another process that writes.
        """
        return self._put(rows, tries=_TRIES)

    def _put(self, rows: Iterable[Row], tries: int) -> bool:
        if self._read_only:
            return False
        now, most = time.time(), self.limit
        values = [
            (self._name(key), method, kind, len(blob), now, zlib.crc32(blob), blob)
            for key, blob, method, kind in rows
            if most is None or len(blob) <= most
        ]
        done = self._written(_PUT, values, tries)
        if most is not None:
            self._evict()
        return done

    def delete(self, method: str | None = None) -> int:
        """Delete the explanations of `method`, or all; how many."""
        count = self._count(method)
        if method is None:
            self._do("DELETE FROM entries")
        else:
            self._do("DELETE FROM entries WHERE method = ?", (method,))
        self._do("DELETE FROM totals WHERE entries = 0")
        self._shrink(0)
        self._do("PRAGMA wal_checkpoint(TRUNCATE)")
        return count - self._count(method)

    def usage(self) -> Usage:
        """How much is there; from counts that the file keeps, so that it takes no longer where there are millions."""
        by_method = self._totals()
        entries, size = (sum(each[n] for each in by_method.values()) for n in (0, 1))
        return Usage(self.path, self.limit, entries, size, storefile.bytes_of(self.path), by_method)

    def entries(self, method: str | None = None, after: int = 0) -> Iterator[Entry]:
        """All that is there (of `method`), in the order it was put, one after another: none stays in memory.

        after: those with a larger number than that. What is put or deleted meanwhile may be among them or not.
        """
        also, values = ("", ()) if method is None else (" AND method = ?", (method,))
        last = after
        listed = f"SELECT id FROM entries WHERE id > ?{also} ORDER BY id LIMIT {_LISTED}"
        while numbers := self._do(listed, (last, *values)):
            for (last,) in numbers:
                for row in self._do(f"SELECT {_ENTRY} FROM entries WHERE id = ?", (last,)):
                    yield Entry(*row)

    def verify(self, tell: Callable[[str, float | None], None] | None = None, *, quick: bool = False) -> list[str]:
        """What is wrong with the file, in plain words; nothing where it is sound. Damaged explanations are deleted.

        tell: what is being done, and the share of it that is done. quick: the counts and a sample of entries only.
        """
        tell = tell or (lambda what, share: None)
        faults, damaged = [], []
        if not quick:
            tell("the file", None)
            faults = [str(text) for (text,) in self._do("PRAGMA integrity_check") if text != "ok"]
        total = max(1, self.usage().entries)
        for number, entry in enumerate(self._sample() if quick else self.entries(), 1):
            if not entry.is_sound:
                damaged.append(entry)
            if number % _LISTED == 0:
                tell("its entries", min(1.0, number / (_SAMPLE if quick else total)))
        if self._has_totals() and self._do(_MISCOUNTED):
            faults.append("the counts by method are wrong" + ("" if self._read_only else ", and were made anew"))
            if not self._read_only:
                self._do(_COUNT_AGAIN)
        if damaged and not self._read_only:
            for entry in damaged:
                self._do("DELETE FROM entries WHERE key = ?", (entry.key,))
        if damaged:
            faults.append(f"{len(damaged)} damaged explanations" + ("" if self._read_only else " were deleted"))
        return faults

    def _sample(self) -> Iterator[Entry]:
        """Some entries from anywhere."""
        (ends,) = self._do("SELECT min(id), max(id) FROM entries") or [(None, None)]
        first, last = ends if ends[0] is not None else (1, 0)
        near = f"SELECT {_ENTRY} FROM entries WHERE id >= ? ORDER BY id LIMIT 1"
        for number in sorted(random.sample(range(first, last + 1), min(_SAMPLE, last + 1 - first))):
            for row in self._do(near, (number,)):
                yield Entry(*row)

    def remember_limit(self, limit: int | None) -> None:
        """Evict above that many bytes from now on, whoever opens the file; None: never."""
        self._do("INSERT OR REPLACE INTO about VALUES ('limit', ?)", (-1 if limit is None else limit,))
        self.limit = limit
        if limit is not None:
            self._evict()
            self._shrink(0)

    def settle(self) -> bool:
        """End a time of writing: leave one file, which can also be read by those who may not write to its folder.

        False where another process has it open, and it stays as it is. What is put afterwards is as safe, and slower.
        """
        with self._lock:
            return self._connection is None or storefile.settle(self._connection)

    def close(self) -> None:
        """Write when entries were last used, and close the file; one without limit is settled."""
        self._write_uses()
        if self.limit is None and not self._read_only:
            self.settle()
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.close()
                self._connection = None

    def _name(self, key: str | bytes) -> bytes:
        if not self._apart:
            return bytes.fromhex(key) if isinstance(key, str) else key
        text = key if isinstance(key, str) else key.hex()
        return hashlib.blake2b(f"{self._apart} {text}".encode(), digest_size=16).digest()

    def _connect(self, patience: float = 0.0) -> None:
        self._stamp = _ANOTHER  # where this fails, the next statement tries it again
        if not self._read_only:
            try:
                self._connection, self._stamp = storefile.connected(self.path), ()
                return
            except (sqlite3.OperationalError, OSError) as error:
                if not storefile.is_forbidden(error) or not self.path.is_file():
                    raise
                why = f": {error.strerror}" if isinstance(error, Claimed) else " cannot be written to"
                self._read_only, self.note = True, f"the store is only read: {self.path}{why}"
        stamp = storefile.stamp(self.path)
        self._connection, unchanging = storefile.readable(self.path, patience)
        self._stamp = stamp if unchanging else ()

    def _remembered(self) -> int | None:
        """The limit that the file remembers, else the one that this store was opened with."""
        if not self._do("SELECT 1 FROM sqlite_master WHERE name = 'about'"):
            return self.limit
        rows = self._do("SELECT value FROM about WHERE name = 'limit'")
        return (None if rows[0][0] < 0 else int(rows[0][0])) if rows else self.limit

    def _totals(self) -> dict[str, tuple[int, int]]:
        counted = "SELECT method, entries, bytes FROM totals WHERE entries > 0 ORDER BY method"
        if not self._has_totals():
            counted = "SELECT method, count(*), sum(size) FROM entries GROUP BY method ORDER BY method"
        return {method: (count, size) for method, count, size in self._do(counted)}

    def _has_totals(self) -> bool:
        """Not where the file is an older one that is only read."""
        return bool(self._do("SELECT 1 FROM sqlite_master WHERE name = 'totals'"))

    def _count(self, method: str | None) -> int:
        totals = self._totals()
        return sum(count for name, (count, _) in totals.items() if method in (None, name))

    def _evict(self) -> None:
        """Delete the least recently used entries, in small steps, once the limit is passed."""
        if self.limit is None or self._total() <= self.limit:
            return
        self.limit = self._remembered()  # another process may have lifted it since
        if self.limit is None or self._total() <= self.limit:
            return
        self._write_uses()
        surplus = self._total() - self.limit * _ROOM
        while self.is_on and surplus > 0:
            for number, size in self._do("SELECT id, size FROM entries ORDER BY used LIMIT ?", (_STEP,)):
                if surplus > 0:
                    self._do("DELETE FROM entries WHERE id = ?", (number,))
                    surplus -= size
            self._shrink(_STEP)

    def _total(self) -> int:
        rows = self._do("SELECT sum(bytes) FROM totals")
        return int(rows[0][0] or 0) if rows else 0

    def _do(self, statement: str, values: Iterable[object] = ()) -> list[Any]:
        """The rows of one statement, committed at once; none where the store is off or is turned off by it."""
        given, end = tuple(values), time.monotonic() + (_MOMENT if self._waits else 0.0)
        while True:
            with self._lock:
                if self._connection is None:
                    return []
                try:
                    rows = self._current().execute(statement, given).fetchall()
                    self._waits = True
                    return rows
                except (sqlite3.Error, OSError, ValueError) as error:
                    if not storefile.is_passing(error, self.path):
                        if not storefile.is_busy(error):
                            self._turn_off(error)
                        return []
                    self._stamp = _ANOTHER
            if time.monotonic() > end:
                self._waits = False
                return []
            time.sleep(_BLINK)

    def _current(self) -> sqlite3.Connection:
        """The connection, opened anew where the file is another one. Unsettled where it may not be used just now."""
        assert self._connection is not None
        if self._stamp and self._stamp != storefile.stamp(self.path):
            self._connection.close()
            self._connect()
        elif on_network(self.path.parent):
            storefile.check_log(self.path)
        return self._connection

    def _written(self, statement: str, rows: Sequence[tuple[object, ...]], tries: int) -> bool:
        """All rows in one transaction; whether they are in."""
        for _ in range(tries):
            with self._lock:
                if self._connection is None:
                    return False
                try:
                    connection = self._current()
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany(statement, rows)
                    connection.execute("COMMIT")
                    return True
                except (sqlite3.Error, OSError) as error:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                    if not storefile.is_busy(error):
                        self._turn_off(error)
                        return False
        return False

    def _shrink(self, pages: int) -> None:
        """Give free pages back to the file system (0: all)."""
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):  # executescript: execute would take one step, one page
                    self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def _write_uses(self) -> None:
        with self._lock:
            uses, self._used = self._used, {}
        if uses:
            rows = [(when, key) for key, when in uses.items()]
            self._written("UPDATE entries SET used = ? WHERE key = ?", rows, tries=1)

    def _turn_off(self, error: Exception) -> None:
        self.note = f"the store is off: {self.path}: {storefile.reason(error)}"
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
