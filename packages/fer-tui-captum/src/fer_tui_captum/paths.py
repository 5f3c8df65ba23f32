"""Methods that take many steps along a path, in one call of captum's: made stoppable from one pass to the next."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import torch
from torch import Tensor

from .unrolled import Network

_FEW = 8  # all steps by those of the early map
_EARLY, _LATE = 1 / _FEW, 0.95  # the share that is done after the early map, and before the last number is there


def along_path(
    network: Network, steps: int, size: int, run: Callable[[int], Tensor], *, hooked: bool = False
) -> Iterator[tuple[Tensor, float]]:
    """(run(steps), 1.0), before it the same of few steps: once it is there, and again at each pass of `network`.

    size: inputs a pass. hooked: `run` hangs hooks on the network, which must not be there while it is paused.
    """

    def all_at_once(count: int) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            return run(count)

    if steps < 2 * _FEW:
        yield all_at_once(steps), 1.0
        return
    early = all_at_once(steps // _FEW)
    yield early, _EARLY
    if hooked:
        yield all_at_once(steps), 1.0
        return
    passes, expected = 0, math.ceil(steps / size)
    with closing(_stepwise(network, lambda: all_at_once(steps))) as going:
        while True:
            try:
                next(going)
            except StopIteration as end:
                found: Tensor = end.value
                break
            passes += 1
            if passes > 1:
                yield early, min(_LATE, _EARLY + (1 - _EARLY) * (passes - 1) / expected)
    yield found, 1.0


class _Closed(BaseException):
    """The generator was closed: captum is to clean up and end."""


def _stepwise(network: Network, run: Callable[[], Tensor]) -> Generator[None, None, Tensor]:
    """Yields before each pass of `network` that `run` makes, and returns what it does.

    `run` has a thread of its own, which goes on only while this generator is asked: never do two run at once.
    """
    go, paused = threading.Semaphore(0), threading.Semaphore(0)
    closed = False
    made: list[Tensor] = []
    failed: list[BaseException] = []

    def pause() -> None:
        paused.release()
        go.acquire()
        if closed:
            raise _Closed

    def work() -> None:
        try:
            made.append(run())
        except BaseException as error:
            failed.append(error)
        finally:
            paused.release()

    thread = threading.Thread(target=work, name="captum", daemon=True)
    network.before_pass = pause
    try:
        thread.start()
        while True:
            paused.acquire()
            if made or failed:
                break
            yield
            go.release()
    finally:
        closed = True
        go.release()
        thread.join()
        network.before_pass = None
    if failed:
        raise failed[0]
    return made[0]
