"""On which line of a TOML file a key stands: `tomllib` does not tell."""

from __future__ import annotations

import re

_PART = r"""(?:"[^"]*"|'[^']*'|[\w-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEAD = re.compile(rf"\s*\[+\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")


def line_of(text: str, *path: str) -> str:
    """':12' for the line of the key at the end of `path` (tables, then the key), or of the table nearest to it.

    '' where it cannot be told.
    """
    table: tuple[str, ...] = ()
    best, found = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if (head := _HEAD.match(line)) is not None:
            table = here = _parts(head[1])
        elif (key := _KEY.match(line)) is not None:
            here = (*table, *_parts(key[1]))
        else:
            continue
        shared = here[: len(path)]
        if len(shared) > best and path[: len(shared)] == shared:
            best, found = len(shared), f":{number}"
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
