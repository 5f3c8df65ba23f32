"""An entry of a store, as its file has it, and how much there is of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them. key: 16 bytes. number: those that were put later have a larger one."""

    key: bytes
    method: str
    kind: str
    checksum: int
    blob: bytes
    number: int

    @property
    def is_sound(self) -> bool:
        return zlib.crc32(self.blob) == self.checksum


@dataclass(frozen=True, slots=True)
class Usage:
    """What a store holds: entries, their bytes, the file's bytes, and (entries, bytes) by method.

    limit: None where there is none.
    """

    path: Path
    limit: int | None
    entries: int
    bytes: int
    file_bytes: int
    by_method: Mapping[str, tuple[int, int]]
