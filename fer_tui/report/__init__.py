"""The report: the homework's figures and the answer to "why", from any network and data. The door to the room."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asked import RULES, Asked
    from .folder import check_folder, fill
    from .making import Made, inputs_of, made
    from .manifest import MANIFEST, TOLERANCE, Manifest, changed, compared
    from .painting import FORMATS

_ROOMS = {
    "Asked": "asked",
    "FORMATS": "painting",
    "MANIFEST": "manifest",
    "Made": "making",
    "Manifest": "manifest",
    "RULES": "asked",
    "TOLERANCE": "manifest",
    "changed": "manifest",
    "check_folder": "folder",
    "compared": "manifest",
    "fill": "folder",
    "inputs_of": "making",
    "made": "making",
}

__all__ = [
    "FORMATS",
    "MANIFEST",
    "RULES",
    "TOLERANCE",
    "Asked",
    "Made",
    "Manifest",
    "changed",
    "check_folder",
    "compared",
    "fill",
    "inputs_of",
    "made",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)
