"""Bytes as people write them, and the room of a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fer_tui.amounts import UNITS, size

if TYPE_CHECKING:
    from fer_tui.engine.entries import Usage


def bytes_of(text: str) -> int:
    """`500M`, `20G`, `1.5 TiB` or a number of bytes; ValueError else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?|B)?", text.strip(), re.ASCII | re.IGNORECASE)
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{text!r} is no size such as 500M or 20G")
    power = next((power for unit, power in UNITS if unit[0] == (match[2] or "").upper()), 0)
    return int(float(match[1]) * (1 << power))


def room(usage: Usage) -> str:
    """The bytes that a store's file takes, and may take."""
    most = f"of at most {size(usage.limit)}" if usage.limit is not None else "without limit"
    return f"{size(usage.file_bytes)} {most}"
