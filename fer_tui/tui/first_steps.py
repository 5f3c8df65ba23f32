"""The first three steps on the samples: told until each was taken once, and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import Record

STEPS = {"down": "next image", "method": "next method", "classes": "what is taken for what"}  # by the action's name


class FirstSteps:
    """record: where it is kept which were taken. wanted: whether they are to be told at all."""

    def __init__(self, record: Record, *, wanted: bool) -> None:
        self._record = record
        kept = record.values.get("steps")
        taken = kept if isinstance(kept, list) else []
        self.left = [name for name in STEPS if name not in taken] if wanted else []

    def take(self, action: str) -> bool:
        """An action was done; whether it was one of the steps that are left."""
        if action not in self.left:
            return False
        self.left.remove(action)
        taken = [name for name in STEPS if name not in self.left]
        self._record.change(lambda values: values.update(steps=taken))
        return True
