"""What explainers do not give back: memory, threads, open files, child processes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fer_tui.oversight import Origin, tell

MOST = 256 << 20  # bytes that the runs of an explainer may leave in all, the first one not counted
_RUNS = 3  # that must have left something: one may fill a cache, or begin a pool


@dataclass(frozen=True, slots=True)
class _Kind:
    """count: how much of it this process has now. most: that the runs of an explainer may leave. told: in words."""

    count: Callable[[], int]
    most: int
    told: Callable[[int], str]


@dataclass(slots=True)
class _Left:
    """runs: so many were there. first: what there was after the first one, by kind. total: what the runs after it have
    added, in so many of them as `grew` says. is_told: by kind.
    """

    runs: int = 0
    first: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    grew: dict[str, int] = field(default_factory=dict)
    is_told: set[str] = field(default_factory=set)


class Footprint:
    """How much each explainer's runs left, in the process and on the GPU; what only grows is told once."""

    def __init__(self) -> None:
        self._left: dict[str, _Left] = {}

    @contextmanager
    def watched(self, whose: Origin, *, wanted: bool = True) -> Iterator[None]:
        """One run of an explainer."""
        if not wanted:
            yield
            return
        before = {name: kind.count() for name, kind in _KINDS.items()}
        try:
            yield
        finally:
            left = self._left.setdefault(whose.name, _Left())
            left.runs += 1
            for name, kind in _KINDS.items():
                if left.runs == 1:  # it may import a library, fill a cache, begin a pool
                    left.first[name] = kind.count()
                elif name not in left.is_told:
                    self._add(whose, left, name, before[name])

    def _add(self, whose: Origin, left: _Left, name: str, before: int) -> None:
        kind = _KINDS[name]
        now = kind.count()
        left.total[name] = left.total.get(name, 0) + now - before
        left.grew[name] = left.grew.get(name, 0) + (now > before)
        if self._left_by(left, name, now) >= kind.most and left.grew[name] >= _RUNS:
            gc.collect()  # what is only waiting to be collected has not been left
            after = kind.count()
            left.total[name] -= now - after
            if (found := self._left_by(left, name, after)) >= kind.most:
                left.is_told.add(name)
                tell(whose, f"{kind.told(found)} more after {left.runs} runs")

    @staticmethod
    def _left_by(left: _Left, name: str, now: int) -> int:
        """What its runs have added, as far as it is still there: it may have been begun in a run and ended after it."""
        return min(left.total[name], now - left.first[name])


def _memory() -> int:
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


def _files() -> int:
    """Descriptors that are open: files, sockets, pipes."""
    return _entries("/proc/self/fd")


def _threads() -> int:
    """Threads, also those of libraries; else Python's own."""
    return _entries("/proc/self/task") or threading.active_count()


def _children() -> int:
    """Processes that this one has begun and that have not ended, or nobody has waited for."""
    count = 0
    for each in Path("/proc/self/task").glob("*/children"):
        try:
            count += len(each.read_text().split())
        except OSError:  # a thread that has just ended
            continue
    return count


def _entries(folder: str) -> int:
    try:
        return sum(1 for _ in Path(folder).iterdir())
    except OSError:
        return 0


_KINDS = {
    "memory": _Kind(_memory, MOST, lambda found: f"it keeps memory: {found >> 20:,} MiB"),
    "threads": _Kind(_threads, 8, lambda found: f"it leaves threads running: {found}"),
    "files": _Kind(_files, 16, lambda found: f"it leaves files open: {found}"),
    "children": _Kind(_children, 4, lambda found: f"it leaves processes behind: {found}"),
}
