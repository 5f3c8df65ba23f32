"""An entry of a store, as its file has it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them. key: 16 bytes."""

    key: bytes
    method: str
    kind: str
    checksum: int
    blob: bytes

    @property
    def is_sound(self) -> bool:
        return zlib.crc32(self.blob) == self.checksum
