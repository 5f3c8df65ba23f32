"""Outside of the process that explainers run in: who is at work there, what they told and printed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from .marks import Splitter
from .origin import Origin

_KEPT = 32 << 10  # bytes of the last that each explainer printed
_HOUSE = ""  # printed while no explainer was at work


@dataclass(frozen=True, slots=True)
class Work:
    """An explainer's code that runs. since: on the monotonic clock."""

    origin: Origin
    doing: str
    since: float


@dataclass(frozen=True, slots=True)
class Told:
    """What an explainer did. stops: it ended its work, and is told by who asked for that."""

    origin: Origin
    fault: str
    stops: bool


class Lookout:
    """Reads what a process with a witness prints.

    work: the explainer that is at work; it stays when the process dies. ended: the code of the process's farewell.
    """

    def __init__(self) -> None:
        self.work: Work | None = None
        self.ended: int | None = None
        self._splitter = Splitter()
        self._printed: dict[str, bytearray] = {}

    def feed(self, data: bytes) -> Iterator[Told]:
        """Take what was printed; what was told among it. To be run to its end."""
        for part in self._splitter.feed(data):
            if isinstance(part, bytes):
                self._keep(part)
            elif "at" in part:
                at = part["at"]
                self.work = Work(Origin(*at), str(part["doing"]), time.monotonic()) if at is not None else None
            elif "done" in part:
                self.ended = int(part["done"])
            elif "told" in part:
                yield Told(Origin(*part["told"]), str(part["fault"]), bool(part["stops"]))

    def begin(self) -> None:
        """A new process: nobody is at work yet; what was printed before stays."""
        self.work, self.ended, self._splitter = None, None, Splitter()

    def last_words(self) -> str:
        """The end of what was printed by nobody in particular: the house, a library, the system."""
        return _text(self._printed.get(_HOUSE, b""))

    def printed(self) -> dict[str, str]:
        """The end of what each explainer printed, by its name and origin."""
        return {name: _text(text) for name, text in self._printed.items() if name != _HOUSE}

    def printed_by(self, name: str) -> str:
        """The end of what the explainer of that name printed."""
        return "\n".join(text for whose, text in self.printed().items() if whose.partition(" ")[0] == name)

    def _keep(self, text: bytes) -> None:
        kept = self._printed.setdefault(str(self.work.origin) if self.work is not None else _HOUSE, bytearray())
        kept += text
        del kept[:-_KEPT]


def _text(kept: bytes | bytearray) -> str:
    return bytes(kept).decode("utf-8", "replace")
