"""Runs explainers: in process, in the compute process, as a batch; and keeps what they made.

The door opens lazily: a terminal process takes the client and the messages and never loads torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .api import explain, explain_many, judge
    from .client import Compute
    from .engine import Engine
    from .session import Session, open_session
    from .settings import Settings
    from .shelf import Shelf
    from .store import Store
    from .stores import Storage, Stores

_ROOMS = {
    "Compute": "client",
    "Engine": "engine",
    "Session": "session",
    "Settings": "settings",
    "Shelf": "shelf",
    "Storage": "stores",
    "Store": "store",
    "Stores": "stores",
    "explain": "api",
    "explain_many": "api",
    "judge": "api",
    "open_session": "session",
}

__all__ = [
    "Compute",
    "Engine",
    "Session",
    "Settings",
    "Shelf",
    "Storage",
    "Store",
    "Stores",
    "explain",
    "explain_many",
    "judge",
    "open_session",
]

__getattr__ = door(__name__, _ROOMS)
