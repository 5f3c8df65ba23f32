"""The file of a store: its tables, how it is opened by one who writes and by many who read, and where it lies."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

FILE_NAME = "store.sqlite"
FORMAT = 2
_PATIENCE = 5.0  # seconds to wait for another process's write
_NETWORKS = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "fuse.sshfs", "9p")
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


def connected(path: Path) -> sqlite3.Connection:
    """A connection that commits each statement; the file is made, or brought to this format, where it has to be.

    ValueError where a newer fer-tui wrote it.
    """
    connection = _connection(path, "mode=rwc")
    try:
        if format_of(connection) < FORMAT:
            _made(connection)
        if on_network(path.parent):
            settle(connection)
        else:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if not is_busy(error):  # others read just now: then as it was
                    raise
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.execute("SELECT 1 FROM totals, entries LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def readable(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection that only reads, of any format up to this one; whether it takes the file for one that never changes.

    A file that was left in WAL mode cannot be read in a folder that one may not write to, for SQLite wants to make its
    index of the log there. Where there is no log nobody writes, and it is read as a file that does not change.
    """
    if not path.is_file():
        raise FileNotFoundError(2, "there is no store")
    connection = _connection(path, "mode=ro")
    try:
        format_of(connection)
        connection.execute("SELECT 1 FROM entries LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        is_written = any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))
        if is_written or not is_forbidden(error):
            raise
        return _unchanging(path), True
    except BaseException:
        connection.close()
        raise
    return connection, False


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
        return bool(mode == "delete")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_PATIENCE * 1000)}")


def is_busy(error: Exception) -> bool:
    """Whether another process has locked the file for now."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_forbidden(error: Exception) -> bool:
    """Whether it cannot be written to, or nothing be made beside it."""
    return isinstance(error, PermissionError) or _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def format_of(connection: sqlite3.Connection) -> int:
    """The format of the file, 0 where it is empty. ValueError where a newer fer-tui wrote it."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise ValueError("a newer fer-tui wrote it")
    return int(found)


def stamp(path: Path) -> tuple[int, ...]:
    """What changes where the file is written to."""
    found: list[int] = []
    for each in (path, path.with_name(path.name + "-wal")):
        try:
            about = each.stat()
            found += [about.st_mtime_ns, about.st_size]
        except OSError:
            found += [0, 0]
    return tuple(found)


def bytes_of(path: Path) -> int:
    """Of the file and its log."""
    files = [path, *(path.with_name(path.name + end) for end in ("-wal", "-journal"))]
    return sum(file.stat().st_size for file in files if file.is_file())


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


def _connection(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )


def _made(connection: sqlite3.Connection) -> None:
    try:
        connection.executescript(_SCHEMA)
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
