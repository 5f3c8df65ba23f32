"""How many inputs one pass through a network takes: found by timing the work as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

T = TypeVar("T")

_FIRST = 16  # small inputs: near the best on every CPU that was tried
_FIRST_VALUES = 4 * 3 * 224 * 224  # input values of a first pass at most, so that one over large pictures ends soon
_ACCELERATED, _ACCELERATED_VALUES = 128, 8  # times as many on an accelerator
_NEW_SHAPE = 32  # passes that must be to come for a new size to be tried there: its libraries take long over the first
_LONGEST = 0.3  # seconds that a pass may take: nothing else can be done meanwhile
_TRIALS = 3  # passes of one size, the first of which only warms up
_BETTER = 0.97  # of the time for one input: less of a gain is chance


class Batching:
    """The best batch size of one network on one device, for each kind of work (a gradient's is another's).

    together: whether inputs may share a pass at all. steady: keep to the first size: sums round by the size of a pass,
    so that a size that is found by timing gives other last digits from run to run.
    """

    def __init__(
        self, shape: tuple[int, int, int], device: torch.device, *, together: bool = True, steady: bool = False
    ) -> None:
        channels, height, width = shape
        most, values = _FIRST, _FIRST_VALUES
        if device.type != "cpu":
            most, values = most * _ACCELERATED, values * _ACCELERATED_VALUES
        self._first = max(1, min(most, values // (channels * height * width)))
        self._device = device
        self._worth = 1 if device.type == "cpu" else _NEW_SHAPE
        self._together, self._steady = together, steady
        self._searches: dict[str, _Search] = {}

    @property
    def first(self) -> int:
        """How many inputs a pass of any kind takes at first."""
        return self._first if self._together else 1

    def run(self, count: int, run: Callable[[int, int], T], kind: str, given: int = 0) -> Iterator[tuple[int, int, T]]:
        """(start, stop, run(start, stop)) over 0 to `count`; half as many at a time once memory runs out.

        given: a size that is not to be found but kept to. On an accelerator the next pass is asked for before the one
        before it is handed over, so that the device works while the host does, but for passes that are timed.
        """
        if given or not self._together:
            search = _Search(given or 1, searching=False)
        else:
            search = self._searches.setdefault(kind, _Search(self._first, searching=not self._steady))
        start, asked = 0, list[tuple[int, int, T]]()  # what has been asked for and not handed over: one pass at most
        while start < count:
            size = search.size_for(count - start, self._worth)
            stop = min(start + size, count)
            timed = self._device.type == "cpu" or search.tries(count - start, self._worth)
            began = time.perf_counter()
            try:
                made = [run(start, stop)]
                if timed:
                    _finish(self._device)
            except torch.OutOfMemoryError:
                if stop - start == 1 and not asked:
                    raise
                made = []
            seconds = time.perf_counter() - began
            yield from asked
            asked = []
            if not made:  # only here, past the error, is the memory of the failed pass free
                search.exceeded(stop - start)
                torch.cuda.empty_cache()
                continue
            if timed and stop - start == size:
                search.took(size, seconds)
            asked = [(start, stop, made[0])]
            if timed:
                yield from asked
                asked = []
            start = stop
        yield from asked


def _finish(device: torch.device) -> None:
    """Wait until the device has done what it was asked for."""
    if device.type in ("cuda", "mps", "xpu"):
        getattr(torch, device.type).synchronize()


class _Search:
    """Climbs from a first size by doubling, or else by halving, for as long as one input gets cheaper."""

    def __init__(self, first: int, *, searching: bool = True) -> None:
        self.size = self._first = self._fastest = first
        self._searching = searching
        self._growing = True
        self._least = float("inf")  # seconds for one input at the fastest size
        self._trials: list[float] = []

    def size_for(self, left: int, worth: int) -> int:
        """The size of the next pass. A new one is only tried where `worth` passes of it are left to be made."""
        return self.size if self._trials or left >= worth * self.size else self._fastest

    def tries(self, left: int, worth: int) -> bool:
        """Whether the next pass is one of a size that is still being tried."""
        return self._searching and (bool(self._trials) or left >= worth * self.size)

    def exceeded(self, size: int) -> None:
        """A pass of `size` did not fit into the memory: no larger one is tried again."""
        self.size = self._fastest = max(1, size // 2)
        self._searching = False

    def took(self, size: int, seconds: float) -> None:
        """A pass of `size` took so long."""
        if not self._searching or size != self.size:
            return
        self._trials.append(seconds)
        if len(self._trials) < _TRIALS:
            return
        taken, self._trials = min(self._trials[1:]), []
        if taken / self.size < _BETTER * self._least:
            self._least, self._fastest = taken / self.size, self.size
            if self._growing and 2 * taken > _LONGEST:
                self._growing = False
            self._go_on(2 * self.size if self._growing else self.size // 2)
        elif self._growing and self._fastest == self._first:
            self._growing = False
            self._go_on(self._first // 2)
        else:
            self._go_on(0)

    def _go_on(self, size: int) -> None:
        self._searching = size > 0
        self.size = size or self._fastest
