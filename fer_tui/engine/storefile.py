"""The file of a store: its tables, how it is opened by one who writes and by many who read, and where it lies."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from functools import cache
from pathlib import Path

from .claims import Claim
from .networks import lacks_locks, on_network

FILE_NAME = "store.sqlite"
FORMAT = 2
_PATIENCE = 5.0  # seconds to wait for another process's write
_BLINK = 0.05  # seconds between two looks at whether another's write has ended
_LEFT = "somebody writes to it, or was killed at that: fer-tui cache verify, by one who may write there, mends it"
_FAR = "it is written to on the machine whose disk it is: it can be used from here when that has ended"
_CACHE = 32 << 10  # KiB of pages in memory: the index of a million keys, so that a random key is written at once
# `totals` counts by method, so that nobody reads 10 GB to say how much there is; `about` is what the file remembers.
_SCHEMA = f"""
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, method TEXT NOT NULL, kind TEXT NOT NULL,
    size INTEGER NOT NULL, used REAL NOT NULL, checksum INTEGER NOT NULL, blob BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_use ON entries (used);
CREATE INDEX IF NOT EXISTS by_method ON entries (method);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (
    method TEXT PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
DELETE FROM totals;
INSERT INTO totals SELECT method, count(*), sum(size) FROM entries GROUP BY method;
DROP TRIGGER IF EXISTS added;
DROP TRIGGER IF EXISTS gone;
DROP TRIGGER IF EXISTS changed;
DROP TABLE IF EXISTS total;
CREATE TRIGGER added AFTER INSERT ON entries BEGIN
    INSERT INTO totals VALUES (new.method, 1, new.size)
    ON CONFLICT (method) DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER gone AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.size WHERE method = old.method;
END;
CREATE TRIGGER changed AFTER UPDATE OF method, size ON entries BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.size WHERE method = old.method;
    INSERT INTO totals VALUES (new.method, 1, new.size)
    ON CONFLICT (method) DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
END;
PRAGMA user_version = {FORMAT};
COMMIT;
"""


class Unsettled(OSError):
    """Somebody is at work on the file whom one cannot wait for, or was killed at it: it may not be used just now."""

    def __init__(self, fault: str) -> None:
        super().__init__(errno.EBUSY, fault)


def connected(path: Path) -> sqlite3.Connection:
    """A connection that commits each statement; the file is made, or brought to this format, where it has to be.

    ValueError where a newer fer-tui wrote it; Unsettled where it lies on a network and is open on its own machine;
    Claimed where it has no locks and another machine writes.
    """
    is_far = on_network(path.parent)
    if is_far:
        check_log(path)
    claim = Claim(path) if lacks_locks(path.parent) else None
    try:
        connection = _connection(path, "mode=rwc", claim)
    except BaseException:
        if claim is not None:
            claim.end()
        raise
    try:
        if is_far and _has_wal(path):
            _settle_alone(connection)
        if format_of(connection) < FORMAT:
            _made(connection)
        if not is_far:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if not is_busy(error):  # others read just now: then as it was
                    raise
        _secure(connection)
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.execute("SELECT 1 FROM totals, entries LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def readable(path: Path, patience: float = 0.0) -> tuple[sqlite3.Connection, bool]:
    """A connection that only reads, of any format up to this one; whether it takes the file for one that never changes.

    A file that was left in WAL mode cannot be read in a folder that one may not write to, for SQLite wants to make its
    index of the log there, nor on a network. Where there is no log nobody writes, and it is read as a file that does
    not change. Unsettled where another's write does not end within so many seconds, or was never ended.
    """
    if not path.is_file():
        raise FileNotFoundError(2, "there is no store")
    end = time.monotonic() + patience
    while True:
        try:
            return _readable(path)
        except (sqlite3.Error, Unsettled) as error:
            if not is_passing(error, path):
                raise
            if time.monotonic() > end:
                raise error if isinstance(error, Unsettled) else Unsettled(_LEFT) from None
        time.sleep(_BLINK)


def _readable(path: Path) -> tuple[sqlite3.Connection, bool]:
    if on_network(path.parent):
        check_log(path)
        if _has_wal(path):
            return _unchanging(path), True
    connection = _connection(path, "mode=ro")
    try:
        if not format_of(connection) and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise ValueError("it is empty, no store yet")
        connection.execute("SELECT 1 FROM entries LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if not is_forbidden(error):
            raise
        if _beside(path, "-wal").exists():
            raise Unsettled(_LEFT) from None
        if _beside(path, "-journal").exists():
            raise
        return _unchanging(path), True
    except BaseException:
        connection.close()
        raise
    return connection, False


def check_log(path: Path) -> None:
    """Unsettled where somebody on the machine whose disk it is writes there, which a network cannot share."""
    if bytes_of(_beside(path, "-wal")):
        raise Unsettled(_FAR)


def _unchanging(path: Path) -> sqlite3.Connection:
    connection = _connection(path, "mode=ro&immutable=1")
    try:
        format_of(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def settle(connection: sqlite3.Connection) -> bool:
    """Leave the file in DELETE mode, for colleagues who may read but not write; False where another has it open."""
    try:
        connection.execute("PRAGMA busy_timeout = 0")  # who has it open may have it so for hours
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        _secure(connection)
        return bool(mode == "delete")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_PATIENCE * 1000)}")


def _settle_alone(connection: sqlite3.Connection) -> None:
    """Out of WAL mode without the shared memory that it has, which no network can share."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    connection.execute("PRAGMA locking_mode = NORMAL")
    connection.execute("PRAGMA user_version").fetchone()  # lets go of the lock


def _secure(connection: sqlite3.Connection) -> None:
    """A power cut must not damage the file: in WAL mode the last writes may be lost, else each waits for the disk."""
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")


def is_busy(error: Exception) -> bool:
    """Whether another process has locked the file for now."""
    return isinstance(error, Unsettled) or _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def reason(error: Exception) -> str:
    """What is wrong, in a line."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def is_passing(error: Exception, path: Path) -> bool:
    """Whether one who reads has met another's write, unlocked as on some networks, or one that was never ended.

    Its journal is there, which one may not undo, or just went, or what was read is of before and after.
    """
    if isinstance(error, Unsettled) or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK:
        return True
    torn = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR)
    return _code(error) in torn and on_network(path.parent)


def is_forbidden(error: Exception) -> bool:
    """Whether it cannot be written to, or nothing be made beside it."""
    return isinstance(error, PermissionError) or _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def format_of(connection: sqlite3.Connection) -> int:
    """The format of the file, 0 where it is empty. ValueError where a newer fer-tui wrote it, or another program."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "entries" not in tables:
        raise ValueError("it is a database of another program")
    if found > FORMAT:
        raise ValueError("a newer fer-tui wrote it")
    return int(found)


def stamp(path: Path) -> tuple[int, ...]:
    """What changes where the file is written to."""
    found: list[int] = []
    for each in (path, _beside(path, "-wal")):
        try:
            about = each.stat()
            found += [about.st_mtime_ns, about.st_size]
        except OSError:
            found += [0, 0]
    return tuple(found)


def bytes_of(path: Path) -> int:
    """Of the file and its log."""
    files = [path, *(_beside(path, end) for end in ("-wal", "-journal"))]
    return sum(file.stat().st_size for file in files if file.is_file())


class _Connection(sqlite3.Connection):
    """One that ends its claim with itself."""

    claim: Claim | None = None

    def close(self) -> None:
        super().close()
        if self.claim is not None:
            self.claim.end()


def _connection(path: Path, how: str, claim: Claim | None = None) -> sqlite3.Connection:
    made = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
    )
    made.claim = claim
    return made


def _made(connection: sqlite3.Connection) -> None:
    try:
        connection.executescript(_SCHEMA)
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _has_wal(path: Path) -> bool:
    """Whether the file's header says that it is in WAL mode (bytes 18 and 19: 2)."""
    try:
        return os.pread(_descriptor(path, path.stat().st_ino), 20, 0)[18:] == b"\2\2"
    except FileNotFoundError:
        return False


@cache
def _descriptor(path: Path, inode: int) -> int:
    """Never closed: POSIX has a process that closes a file lose all locks that it has on it, also those of SQLite."""
    return os.open(path, os.O_RDONLY)
