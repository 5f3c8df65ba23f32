"""What lies parsed in a cache folder, to be seen and to be deleted."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from .layout import FOLDER, META


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed dataset: the name of its source, its rows, the bytes that it takes on disk."""

    folder: Path
    name: str
    rows: int
    bytes: int


def parsed_datasets(cache: Path) -> tuple[Parsed, ...]:
    """The parsed datasets in a cache folder, by name; half ones, of killed processes, are left out."""
    found: list[Parsed] = []
    folder = cache / FOLDER
    for each in folder.iterdir() if folder.is_dir() else ():
        try:
            meta = json.loads((each / META).read_bytes())
            size = sum(file.stat().st_size for file in each.iterdir())
            found.append(Parsed(each, str(meta["name"]), int(meta["count"]), size))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return tuple(sorted(found, key=lambda parsed: (parsed.name, str(parsed.folder))))


def delete_parsed(cache: Path) -> int:
    """Delete all that is parsed in a cache folder; how many datasets. Who has one mapped keeps it."""
    found = parsed_datasets(cache)
    for parsed in found:
        shutil.rmtree(parsed.folder)
    return len(found)
