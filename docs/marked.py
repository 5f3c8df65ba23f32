"""The parts of the pages that are written by the code: between two comments, which no reader sees."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent
END = "<!-- end -->"


def begin(name: str, script: str) -> str:
    return f"<!-- {name}: written by docs/{script} -->"


def replaced(page: str, name: str, script: str, text: str) -> str:
    """`page` with `text` in its part `name`; a ValueError where it has no such part."""
    first = begin(name, script)
    before, found, rest = page.partition(first)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise ValueError(f"the page has no part {first} ... {END}")
    return f"{before}{first}\n{text.strip()}\n{end}{after}"


def cell(text: str) -> str:
    """`text` in a cell of a table."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def code(text: str) -> str:
    return f"`{cell(text)}`"


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines).replace("|  |", "| |").replace("|  |", "| |")
