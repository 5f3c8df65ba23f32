"""Several explanations at a time: of one image under neighbouring checkpoints, or the cells of a grid."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from fer_tui.engine.messages import Done, Failed, Message

from .asking import Answered, Asking, Request

K = TypeVar("K", bound=Hashable)


class Frames(Generic[K]):
    """An explanation for each key; what is not wanted any more is cancelled.

    at_once: how many are asked for at a time, None for all: what comes first can still be changed for the others.
    """

    def __init__(self, make: Callable[[], Asking], at_once: int | None = None) -> None:
        self._make, self._at_once = make, at_once
        self._asking: dict[K, Asking] = {}
        self._due: list[K] = []  # not at hand, and not asked for yet

    @property
    def is_working(self) -> bool:
        return bool(self._due) or any(each.is_working for each in self._asking.values())

    @property
    def left(self) -> int:
        """How many are being made, or wait for that."""
        return len(self._due) + sum(each.is_working for each in self._asking.values())

    @property
    def numbers(self) -> tuple[K, ...]:
        """Those that are wanted, or were looked at."""
        return tuple(self._asking)

    def asking(self, key: K) -> Asking:
        """The explanation of that key, wanted or not."""
        if key not in self._asking:
            self._asking[key] = self._make()
        return self._asking[key]

    def answered(self, key: K) -> Answered:
        return self.asking(key).answered

    def is_coming(self, key: K) -> bool:
        """Whether this one is being made, or waits for that."""
        return key in self._due or self.asking(key).is_working

    def want(self, requests: Mapping[K, Request], *, again: bool = False) -> None:
        """Show these from now on: those at hand at once, the others as they are made, the first of them first."""
        for key in [key for key in self._asking if key not in requests]:
            self._asking.pop(key).stop()
        waited, self._due = set(self._due), []
        for key, request in requests.items():
            asking = self.asking(key)
            if asking.answered.request != request:
                asking.look(request)
            elif key not in waited and (asking.is_working or not again):
                continue
            if not asking.answered.final:
                self._due.append(key)
        self._go_on()

    def _go_on(self) -> None:
        """Ask for as many as may be asked for at a time."""
        working = sum(each.is_working for each in self._asking.values())
        while self._due and (self._at_once is None or working < self._at_once):
            asking = self.asking(self._due.pop(0))
            asking.want(asking.answered.request, again=True)
            working += asking.is_working

    def stop(self) -> bool:
        """Cancel the work, keep what there is; whether there was work."""
        waited, self._due = bool(self._due), []
        stopped = [each.stop() for each in self._asking.values()]
        return any(stopped) or waited

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about one of these."""
        taken = any(each.take(message) for each in self._asking.values())
        if taken and isinstance(message, Done | Failed):
            self._go_on()
        return taken
