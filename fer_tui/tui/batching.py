"""What a batch is asked for from the explorer, the command that makes it, and what that command tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fer_tui.batch import Asked
from fer_tui.contract import Description
from fer_tui.folders import cache_folder

from .command import flagged, flags_of, parameter_flags

if TYPE_CHECKING:
    from fer_tui.engine import Settings


def words_for(
    asked: Asked,
    description: Description,
    classes: Sequence[str],
    settings: Settings,
    *,
    out: Path | None = None,
) -> list[str]:
    """The words of the command behind `fer-tui`. out: the folder of the store that is written to, None: the own one."""
    words = ["batch", asked.method, *parameter_flags(description, asked.parameters, settings)]
    if asked.where:
        words += flagged("--where", asked.where)
    if asked.targets is not None:
        words += flagged("--targets", classes[asked.targets] if isinstance(asked.targets, int) else asked.targets)
    for name, value in (("--layers", asked.layers), ("--checkpoints", asked.checkpoints)):
        if value is not None:
            words += flagged(name, value if isinstance(value, str) else ",".join(map(str, value)))
    if asked.half:
        words.append("--half")
    if out is not None:
        words += flagged("--out", str(out))
        if settings.cache != "none":  # what it has is not made again
            settings = replace(settings, stores=(settings.cache or str(cache_folder()), *settings.stores))
    return [*words, *flags_of(settings)]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: maps in all, still missing, made by it; maps in a second, seconds left, bytes made.

    stage: `predictions` come first where they are needed, then `maps`. aside: places given up.
    """

    total: int = 0
    missing: int = 0
    made: int = 0
    rate: float | None = None
    left: float | None = None
    bytes: int = 0
    aside: int = 0
    stage: str = ""
    done: bool = False

    @classmethod
    def read(cls, line: str) -> Self | None:
        """What a line of `--events` tells; None where it is none."""
        found = _object(line)
        if found is None or not isinstance(found.get("total"), int):
            return None
        return cls(**{name: found[name] for name in cls.__dataclass_fields__ if name in found})

    @property
    def share(self) -> float | None:
        """The share of all maps that is there, 0 to 1; None before the count is known."""
        return (self.total - self.missing) / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a batch would be: maps in all, missing ones, seconds and bytes for these (None: not known)."""

    total: int
    missing: int
    seconds: float | None = None
    bytes: int | None = None

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `--dry-run --json` tells; None where it tells something else."""
        found = _object(text)
        if found is None or not all(isinstance(found.get(name), int) for name in ("total", "missing")):
            return None
        return cls(found["total"], found["missing"], found.get("seconds"), found.get("bytes"))


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
