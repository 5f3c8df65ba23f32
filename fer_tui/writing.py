"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PART = ".part"  # how the names of files end that are being written


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Writes beside `path`, then renames: nobody sees half a file, and two that write at once do not mix theirs.

    durable: it is on the disk before it takes the place of the old one, whatever becomes of the machine.
    """
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}{PART}")
    try:
        with beside.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file as `whole` does."""
    with whole(path, durable=durable) as file:
        file.write(content)
