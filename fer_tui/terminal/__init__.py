"""Pictures in a terminal: one widget, whatever the terminal can show. Importing it loads neither NumPy nor Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .driver import PictureDriver, TerminalChanged
    from .facts import VARIABLE, WAYS, Terminal
    from .picture import Picture
    from .probe import Probe
    from .sheet import Sheet

__all__ = ["VARIABLE", "WAYS", "Picture", "PictureDriver", "Probe", "Sheet", "Terminal", "TerminalChanged"]

_ROOMS = {
    "Picture": "picture", "PictureDriver": "driver", "TerminalChanged": "driver", "Probe": "probe", "Sheet": "sheet",
    "Terminal": "facts", "VARIABLE": "facts", "WAYS": "facts",
}  # fmt: skip

__getattr__ = door(__name__, _ROOMS)
