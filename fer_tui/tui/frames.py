"""Several explanations at a time: those of one image under neighbouring checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fer_tui.engine.messages import Message

from .asking import Answered, Asking, Request


class Frames:
    """An explanation for each number; what is not wanted any more is cancelled."""

    def __init__(self, make: Callable[[], Asking]) -> None:
        self._make = make
        self._asking: dict[int, Asking] = {}

    @property
    def is_working(self) -> bool:
        return any(each.is_working for each in self._asking.values())

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those that are wanted, or were looked at."""
        return tuple(self._asking)

    def asking(self, number: int) -> Asking:
        """The explanation of that number, wanted or not."""
        if number not in self._asking:
            self._asking[number] = self._make()
        return self._asking[number]

    def answered(self, number: int) -> Answered:
        return self.asking(number).answered

    def want(self, requests: Mapping[int, Request], *, again: bool = False) -> None:
        """Show these from now on, the first of them first."""
        for number in [number for number in self._asking if number not in requests]:
            self._asking.pop(number).stop()
        for number, request in requests.items():
            self.asking(number).want(request, again=again)

    def stop(self) -> bool:
        """Cancel the work, keep what there is; whether there was work."""
        stopped = [each.stop() for each in self._asking.values()]
        return any(stopped)

    def take(self, message: Message) -> bool:
        """Take what the compute process says; whether it was about one of these."""
        return any(each.take(message) for each in self._asking.values())
