"""The store: finished explanations in one SQLite file in the user's cache folder. It never is a reason to fail.

Several processes may use it at once. A full disk, a folder that cannot be written to or a damaged file only turn it
off: `note` says why.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fer_tui.folders import cache_folder

FILE_NAME = "store.sqlite"
LIMIT = 2 << 30  # bytes of explanations
_FORMAT = 1
_ROOM = 0.95  # eviction goes down to this share of the limit
_STEP = 64  # entries evicted, pages given back, in one step
_MOST_USED = 512  # uses remembered before they are written
_PATIENCE = 5.0  # seconds to wait for another process's write
_NETWORKS = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "fuse.sshfs", "9p")
_SCHEMA = f"""
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, method TEXT NOT NULL, kind TEXT NOT NULL,
    size INTEGER NOT NULL, used REAL NOT NULL, checksum INTEGER NOT NULL, blob BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_use ON entries (used);
CREATE INDEX IF NOT EXISTS by_method ON entries (method, size);
CREATE TABLE IF NOT EXISTS total (bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM total);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON entries BEGIN UPDATE total SET bytes = bytes + new.size; END;
CREATE TRIGGER IF NOT EXISTS gone AFTER DELETE ON entries BEGIN UPDATE total SET bytes = bytes - old.size; END;
PRAGMA user_version = {_FORMAT};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a store holds: entries, their bytes, the file's bytes, and (entries, bytes) by method."""

    path: Path
    limit: int
    entries: int
    bytes: int
    file_bytes: int
    by_method: Mapping[str, tuple[int, int]]


class Store:
    """Packed explanations by key; the least recently used are evicted above `limit` bytes.

    Nothing here raises: a store that is off (see `note`) gives None and keeps nothing.
    """

    def __init__(self, path: Path, limit: int, read_only: bool = False) -> None:
        self.path, self.limit, self.note = path, limit, ""
        self._read_only, self._apart = read_only, ""
        self._lock = threading.Lock()
        self._used: dict[bytes, float] = {}
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def open(cls, folder: Path | None = None, *, limit_bytes: int = LIMIT, read_only: bool = False) -> Self:
        """The store in `folder` (None: FER_TUI_CACHE, else the user's cache folder), made where it is not there."""
        store = cls((folder or cache_folder()) / FILE_NAME, limit_bytes, read_only)
        try:
            if not read_only:
                store.path.parent.mkdir(parents=True, exist_ok=True)
            store._connection = _connected(store.path, read_only)
        except (OSError, sqlite3.Error, ValueError) as error:
            store._turn_off(error)
        return store

    def apart(self, name: str) -> Store:
        """The same file, for what is kept under `name` alone: what others put there is not found, nor the reverse."""
        twin = copy.copy(self)
        twin._apart = name
        return twin

    def _name(self, key: str) -> bytes:
        if not self._apart:
            return bytes.fromhex(key)
        return hashlib.blake2b(f"{self._apart} {key}".encode(), digest_size=16).digest()

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
            self._do("DELETE FROM entries WHERE key = ?", (name,))
            return None
        self._used[name] = time.time()
        if len(self._used) >= _MOST_USED:
            self._write_uses()
        return bytes(blob)

    def has(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` that are there."""
        return {key for key in keys if self._do("SELECT 1 FROM entries WHERE key = ?", (self._name(key),))}

    def put(self, key: str, blob: bytes, *, method: str, kind: str = "") -> None:
        """Keep `blob` under `key`; seen by other processes at once."""
        if len(blob) > self.limit:
            return
        row = (self._name(key), method, kind, len(blob), time.time(), zlib.crc32(blob), blob)
        self._do("DELETE FROM entries WHERE key = ?", row[:1])  # REPLACE would not fire the trigger
        columns = "key, method, kind, size, used, checksum, blob"
        self._do(f"INSERT OR IGNORE INTO entries ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self._evict()

    def delete(self, method: str | None = None) -> int:
        """Delete the explanations of `method`, or all; how many."""
        count = self._count(method)
        if method is None:
            self._do("DELETE FROM entries")
        else:
            self._do("DELETE FROM entries WHERE method = ?", (method,))
        self._shrink(0)
        self._do("PRAGMA wal_checkpoint(TRUNCATE)")
        return count - self._count(method)

    def usage(self) -> Usage:
        """How much is there."""
        rows = self._do("SELECT method, count(*), sum(size) FROM entries GROUP BY method ORDER BY method")
        by_method = {method: (count, size) for method, count, size in rows}
        files = [self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-journal"))]
        return Usage(
            self.path,
            self.limit,
            sum(count for count, _ in by_method.values()),
            sum(size for _, size in by_method.values()),
            sum(file.stat().st_size for file in files if file.is_file()),
            by_method,
        )

    def verify(self) -> list[str]:
        """What is wrong with the file, in plain words; nothing where it is sound. Damaged explanations are deleted."""
        faults = [str(text) for (text,) in self._do("PRAGMA integrity_check") if text != "ok"]
        damaged = [
            number
            for (number,) in self._do("SELECT id FROM entries")
            for blob, checksum in self._do("SELECT blob, checksum FROM entries WHERE id = ?", (number,))
            if zlib.crc32(blob) != checksum
        ]
        for number in damaged:
            self._do("DELETE FROM entries WHERE id = ?", (number,))
        return faults + ([f"{len(damaged)} damaged explanations were deleted"] if damaged else [])

    def close(self) -> None:
        """Write when entries were last used, and close the file."""
        self._write_uses()
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.close()
                self._connection = None

    def _count(self, method: str | None) -> int:
        where, values = ("", ()) if method is None else (" WHERE method = ?", (method,))
        rows = self._do(f"SELECT count(*) FROM entries{where}", values)
        return int(rows[0][0]) if rows else 0

    def _evict(self) -> None:
        """Delete the least recently used entries, in small steps, once the limit is passed."""
        if self._total() <= self.limit:
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
        rows = self._do("SELECT bytes FROM total")
        return int(rows[0][0]) if rows else 0

    def _do(self, statement: str, values: Iterable[object] = ()) -> list[Any]:
        """The rows of one statement, committed at once; none where the store is off or is turned off by it."""
        with self._lock:
            if self._connection is None:
                return []
            try:
                return self._connection.execute(statement, tuple(values)).fetchall()
            except (sqlite3.Error, OSError) as error:
                self._turn_off(error)
                return []

    def _shrink(self, pages: int) -> None:
        """Give free pages back to the file system (0: all)."""
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):  # executescript: execute would take one step, one page
                    self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def _write_uses(self) -> None:
        with self._lock:
            uses, self._used = self._used, {}
            if self._connection is None or not uses or self._read_only:
                return
            with contextlib.suppress(sqlite3.Error):  # another process may be writing: the order is a hint only
                self._connection.execute("BEGIN IMMEDIATE")
                rows = [(when, key) for key, when in uses.items()]
                self._connection.executemany("UPDATE entries SET used = ? WHERE key = ?", rows)
                self._connection.execute("COMMIT")

    def _turn_off(self, error: Exception) -> None:
        self.note = f"the store is off: {self.path}: {_reason(error)}"
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def on_network(folder: Path, mounts: str | None = None) -> bool:
    """Whether `folder` lies on a network file system, where SQLite's WAL does not work; `mounts`: /proc/mounts."""
    try:
        table = mounts if mounts is not None else Path("/proc/mounts").read_text(errors="replace")
    except OSError:
        return False
    best, kind = "", ""
    place = folder.resolve()
    for line in table.splitlines():
        _, at, found, *_ = [*line.split(" "), "", "", ""]
        if len(at) >= len(best) and place.is_relative_to(at or "?"):
            best, kind = at, found
    return kind.startswith(_NETWORKS)


def _connected(path: Path, read_only: bool) -> sqlite3.Connection:
    """A connection that commits each statement. ValueError where a newer fer-tui wrote the file."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > _FORMAT:
            raise ValueError("a newer fer-tui wrote it")
        if read_only:
            return connection
        if found < _FORMAT:
            connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA journal_mode = {'DELETE' if on_network(path.parent) else 'WAL'}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("SELECT bytes FROM total").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
