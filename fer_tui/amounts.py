"""Bytes and seconds for people."""

from __future__ import annotations

UNITS = (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10))  # of bytes: name, power of 2


def size(count: float) -> str:
    """Bytes for people, such as 12.3 MiB."""
    for unit, power in UNITS:
        if count >= 1 << power:
            return f"{count / (1 << power):.1f} {unit}"
    return f"{count:.0f} B"


def duration(seconds: float) -> str:
    """Seconds for people, such as 3.2 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    for step, word, small, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= step:
            rest = whole % step // small
            return f"{whole // step} {word}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"
