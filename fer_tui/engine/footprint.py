"""The memory that explainers do not give back."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_tui.oversight import Origin, tell

MOST = 256 << 20  # bytes that the runs of an explainer may leave in all, the first one not counted
_RUNS = 3  # that must have left something: one may fill a cache


@dataclass(slots=True)
class _Left:
    runs: int = 0
    grew: int = 0
    total: int = 0
    is_told: bool = False


class Footprint:
    """How much memory each explainer's runs left, of the process and of the GPU; what only grows is told once."""

    def __init__(self) -> None:
        self._left: dict[str, _Left] = {}

    @contextmanager
    def watched(self, whose: Origin, *, wanted: bool = True) -> Iterator[None]:
        """One run of an explainer."""
        if not wanted:
            yield
            return
        before = _used()
        try:
            yield
        finally:
            self._add(whose, before)

    def _add(self, whose: Origin, before: int) -> None:
        left = self._left.setdefault(whose.name, _Left())
        left.runs += 1
        if left.runs == 1 or left.is_told:  # the first one may import a library, or fill a cache
            return
        now = _used()
        left.total += now - before
        left.grew += now > before
        if left.total > MOST and left.grew >= _RUNS:
            gc.collect()  # what is only waiting to be collected has not been left
            left.total -= now - _used()
            if left.total > MOST:
                left.is_told = True
                tell(whose, f"it keeps memory: {left.total >> 20:,} MiB more after {left.runs} runs")


def _used() -> int:
    """Bytes of this process in memory, and of its tensors on the GPUs; 0 where the system does not tell."""
    import torch

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        pages = 0
    used = pages * _page()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        used += sum(torch.cuda.memory_allocated(number) for number in range(torch.cuda.device_count()))
    return used


def _page() -> int:
    import resource

    return resource.getpagesize()
