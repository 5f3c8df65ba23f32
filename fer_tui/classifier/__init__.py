"""Open a PyTorch classifier. Importing this door loads no torch; opening does."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classifier import TorchClassifier
    from .device import choose_device
    from .opening import open_classifier

_ROOMS = {
    "TorchClassifier": "classifier",
    "choose_device": "device",
    "open_classifier": "opening",
}

__all__ = ["TorchClassifier", "choose_device", "open_classifier"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)
