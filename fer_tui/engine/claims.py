"""Who writes to a store on a disk without locks: a file beside it for each writer, so that no two machines write."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
from pathlib import Path

_NAME = re.compile(r"-writer-(?P<host>.+)-(?P<process>\d+)-[0-9a-f]{8}")


class Claimed(PermissionError):
    """Another machine has the store open for writing. strerror: which."""


class Claim:
    """This process writes to the store in `path`, until `end`. Processes of one machine may do so side by side.

    Claimed where another machine does. Two that begin at once may both be refused, never both admitted. A claim that a
    killed process of this machine left is withdrawn; one of another machine is told by its file.
    """

    def __init__(self, path: Path, host: str | None = None) -> None:
        host = re.sub(r"[^\w.-]", "_", host or socket.gethostname())
        self._file = path.with_name(f"{path.name}-writer-{host}-{os.getpid()}-{secrets.token_hex(4)}")
        self._file.touch()
        for other in path.parent.glob(f"{path.name}-writer-*"):
            told = _NAME.fullmatch(other.name.removeprefix(path.name))
            if told is None:
                continue
            if told["host"] != host:
                self.end()
                words = f"{told['host']} has it open for writing, and this disk has no locks (if not: delete {other})"
                raise Claimed(1, words)
            if not _is_alive(int(told["process"])):
                other.unlink(missing_ok=True)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    return True
