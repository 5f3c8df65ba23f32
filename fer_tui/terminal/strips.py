"""A line of a picture that the terminal draws itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

Write = Callable[[int, int, ColorSystem], str]


class PictureStrip(Strip):
    """Columns of a line. It writes its escape sequences itself; its segments, for who tints, are the same in blocks.

    write: what the terminal gets for columns `start` to `stop` in so many colours. blocks: the whole line in blocks.
    """

    __slots__ = ("_blocks", "_start", "_stop", "_write")

    def __init__(self, write: Write, blocks: Callable[[], Strip], start: int, stop: int) -> None:
        super().__init__((), stop - start)
        self._write, self._blocks, self._start, self._stop = write, blocks, start, stop

    @property
    def _segments(self) -> list[Segment]:
        return list(self._blocks().crop(self._start, self._stop))

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        """Strip's own: there are none until someone asks."""

    @property
    def cell_count(self) -> int:
        return self._stop - self._start

    def __bool__(self) -> bool:
        return self._stop > self._start

    def crop(self, start: int, end: int | None = None) -> Strip:
        length = self._stop - self._start
        start, end = max(0, start), length if end is None else min(end, length)
        if end <= start:
            return Strip([], 0)
        return PictureStrip(self._write, self._blocks, self._start + start, self._start + end)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        cuts = [cut for cut in cuts if cut <= self._stop - self._start]
        return [self.crop(start, stop) for start, stop in zip([0, *cuts], cuts, strict=False)]

    def render(self, console: Console) -> str:
        return self._write(self._start, self._stop, console._color_system or ColorSystem.TRUECOLOR)
