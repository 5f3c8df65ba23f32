"""Memory that one pass through a network frees is kept for the next one."""

from __future__ import annotations

import ctypes
import functools

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in malloc.h
_KEPT = 256 << 20  # bytes
_LARGEST = 32 << 20  # bytes of one block; more is not allowed


@functools.cache
def keep_freed_memory() -> bool:
    """Ask the C library to keep what is freed, once in a process; whether it can (glibc can).

    Else it gives the larger activations back to the system after each pass and gets fresh pages for the next one, which
    doubles the time of small networks on a CPU.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT))
