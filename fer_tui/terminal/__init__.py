"""Pictures in a terminal: one widget, whatever the terminal can show. Importing it loads neither NumPy nor Pillow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .driver import PictureDriver, TerminalChanged
    from .facts import VARIABLE, WAYS, Terminal
    from .picture import Picture
    from .probe import Probe
    from .sheet import Sheet

__all__ = ["VARIABLE", "WAYS", "Picture", "PictureDriver", "Probe", "Sheet", "Terminal", "TerminalChanged"]

_HOMES = {
    "Picture": "picture", "PictureDriver": "driver", "TerminalChanged": "driver", "Probe": "probe", "Sheet": "sheet",
    "Terminal": "facts", "VARIABLE": "facts", "WAYS": "facts",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Loaded when asked for: the terminal is probed before Textual is imported."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
