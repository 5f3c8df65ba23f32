"""Packages whose names come with their modules, when they are first used: who asks for one loads no other."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def door(package: str, rooms: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package. rooms: each name's module, told from the package."""

    def come(name: str) -> Any:
        if name not in rooms:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f".{rooms[name]}", package), name)

    return come
