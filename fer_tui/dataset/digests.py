"""Digests of images, kept beside the index as they are made: no image is decoded a second time for its name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 16  # bytes of a digest; where they are all zero it is not known yet


def image_digest(image: NDArray[np.uint8]) -> str:
    """32 hexadecimal digits that name an image's shape and values."""
    return digest_of(image).hex()


def digest_of(image: NDArray[np.uint8]) -> bytes:
    """The same, as it is kept."""
    return blake2b(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes(), digest_size=SIZE).digest()


class Digests:
    """The digests of all images of a source, in a file that several processes fill: whoever is second writes the same.

    Where the file cannot be written they stay in memory.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._path = path
        self._known: NDArray[np.uint8] = np.asarray(np.memmap(path, np.uint8, "r", shape=(count, SIZE)))
        self._descriptor: int | None = None
        self._own: dict[int, bytes] | None = None  # where the file cannot be written

    def known(self, rows: Sequence[int]) -> list[bytes | None]:
        """Those of some rows, None where one is not known."""
        found = [each.tobytes() for each in self._known[list(rows)]]
        own = self._own or {}
        return [each if any(each) else own.get(row) for row, each in zip(rows, found, strict=True)]

    def keep(self, row: int, digest: bytes) -> None:
        """Take the digest of a row. It lies within one sector of the disk, so that it is there as a whole or not."""
        if self._own is None and self._descriptor is None:
            try:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            except OSError:
                self._own = {}
        if self._own is not None:
            self._own[row] = digest
            return
        assert self._descriptor is not None
        with contextlib.suppress(OSError):  # a full disk: it is made again
            os.pwrite(self._descriptor, digest, row * SIZE)

    def __del__(self) -> None:
        if getattr(self, "_descriptor", None) is not None:
            os.close(self._descriptor)  # type: ignore[arg-type]
