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
    """Seconds for people, as exact as an estimate is: 3.2 s, 12 s, 4 min, 2 h 5 min, 3 d 4 h."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    step, word, small, part = (1440, "d", 60, "h") if minutes >= 2880 else (60, "h", 1, "min")
    rest = minutes % step // small
    return f"{minutes // step} {word}" + (f" {rest} {part}" if rest else "")
