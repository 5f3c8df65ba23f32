"""One piece of work of the compute process at a time: begun, cancelled, or ended by what that process says."""

from __future__ import annotations

from fer_tui.engine.messages import Done, Failed, Message

from .asking import Computes


class Job:
    """fault: why the work that was begun last failed, '' where it did not."""

    def __init__(self, compute: Computes) -> None:
        self._compute = compute
        self._number: int | None = None
        self.fault = ""

    @property
    def is_working(self) -> bool:
        return self._number is not None

    def begin(self, number: int) -> None:
        """The work of this number is under way; what was before it was stopped."""
        self._number, self.fault = number, ""

    def stop(self) -> bool:
        """Cancel the work; what it made stays. Whether there was any."""
        number, self._number = self._number, None
        if number is not None:
            self._compute.cancel(number)
        return number is not None

    def has(self, number: int | None) -> bool:
        """Whether it is the work of that number."""
        return number is not None and number == self._number

    def take(self, message: Message) -> bool:
        """Take the end of the work; whether it was this one's."""
        if not isinstance(message, Done | Failed) or not self.has(message.job):
            return False
        self._number = None
        if isinstance(message, Failed):
            self.fault = message.fault
        return True
