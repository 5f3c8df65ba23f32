"""Who makes the chunks of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .chunks import Chunk, Outcome


class Crew(Protocol):
    """Workers that take chunks and bring outcomes, in any order. A worker that dies is replaced by the crew itself."""

    @property
    def width(self) -> int:
        """How many workers there are."""
        ...

    @property
    def window(self) -> int:
        """How many chunks are to be under way: they keep all workers busy, and no more are lost with this process."""
        ...

    def submit(self, chunk: Chunk) -> None:
        """Have it made."""
        ...

    def ended(self, timeout: float) -> Outcome | None:
        """The next chunk that is through, or whose worker died; None where there is none within so many seconds.

        InputError: no worker can open what it is to open.
        """
        ...

    def close(self) -> None:
        """Whatever is still at work is given up."""
        ...
