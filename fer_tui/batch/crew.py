"""Who makes the chunks of a batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fer_tui.engine.store import Row

    from .chunks import Chunk, Outcome


class Crew(Protocol):
    """Workers that take chunks and bring outcomes, in any order. A worker that dies is replaced by the crew itself."""

    @property
    def width(self) -> int:
        """How many workers there are: about twice as many chunks keep them busy."""
        ...

    def submit(self, chunk: Chunk) -> None:
        """Have it made."""
        ...

    def ended(self, timeout: float) -> Outcome | None:
        """The next chunk that is through, or whose worker died; None where there is none within so many seconds.

        InputError: no worker can open what it is to open.
        """
        ...

    def share(self, rows: Iterable[Row]) -> None:
        """Let every worker know, from now on, what one of them has made, where it cannot read it from the store."""
        ...

    def close(self) -> None:
        """Whatever is still at work is given up."""
        ...
