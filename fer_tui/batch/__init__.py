"""Batches: the product over axes, explained ahead of time by several workers into the store that the explorer reads.

The door opens lazily: who only asks loads neither torch nor a crew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_tui.doors import door

if TYPE_CHECKING:
    from .asked import Asked
    from .chunks import Aside, Chunk, Outcome
    from .crew import Crew
    from .driver import Driver
    from .local import Local
    from .outbox import Outbox
    from .plan import Plan
    from .state import State
    from .work import Spec, opened

_ROOMS = {
    "Aside": "chunks",
    "Asked": "asked",
    "Chunk": "chunks",
    "Crew": "crew",
    "Driver": "driver",
    "Local": "local",
    "Outbox": "outbox",
    "Outcome": "chunks",
    "Plan": "plan",
    "Spec": "work",
    "State": "state",
    "opened": "work",
}

__all__ = [
    "Aside",
    "Asked",
    "Chunk",
    "Crew",
    "Driver",
    "Local",
    "Outbox",
    "Outcome",
    "Plan",
    "Spec",
    "State",
    "opened",
]

__getattr__ = door(__name__, _ROOMS)
