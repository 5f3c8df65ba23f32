"""A promise: its name, why it is asked, and the check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fer_tui.testing.bench import Bench


@dataclass(frozen=True, slots=True)
class Promise:
    """`check` raises Broken, or NotAsked where it does not apply. once: it is of the class, not of some parameters."""

    name: str
    why: str
    check: Callable[[Bench], None]
    once: bool = False
