"""A process that makes chunks of a batch: `python -m fer_tui.batch.worker`.

From stdin it reads what to open, a line of JSON, then a chunk a line; to stdout it writes a frame that tells whether it
could open that, then a frame for each chunk. It ends when stdin does.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

from fer_tui.contract import FerTuiError
from fer_tui.oversight import Origin, Witness, grace, limits

from . import frames
from .chunks import Chunk
from .work import Spec, opened, work

_OFTEN = 0.2  # seconds between two settings of the alarm that ends this process


def main() -> None:
    answers, lines = _own_stdout(), _lines()
    try:
        engine = opened(Spec.from_dict(json.loads(next(lines))))
    except FerTuiError as error:
        _answer(answers, frames.encode_told(str(error)))
        return
    _answer(answers, frames.encode_told(""))
    warden = Warden()
    for line in lines:
        with warden.present():
            outcome = work(engine, Chunk.from_dict(json.loads(line)))
        warden.rest()
        _answer(answers, frames.encode(outcome))


class Warden(Witness):
    """Keeps the time of explainers: one that gives nothing for too long is broken off, and so is its place; one that
    does not let itself be broken off is ended with this process.
    """

    def __init__(self) -> None:
        self._null = os.open(os.devnull, os.O_WRONLY)
        super().__init__(self._null, limits())
        self._armed = -math.inf

    @contextlib.contextmanager
    def at_work(self, origin: Origin, doing: str) -> Iterator[None]:
        limit, now = self._limits.get(doing, 0.0), time.monotonic()
        if limit and now - self._armed > _OFTEN:
            faulthandler.dump_traceback_later(limit + grace(limit), exit=True, file=self._null)
            self._armed = now
        with super().at_work(origin, doing):
            yield

    def rest(self) -> None:
        """No explainer is at work."""
        faulthandler.cancel_dump_traceback_later()
        self._armed = -math.inf


def _answer(answers: BinaryIO, frame: bytes) -> None:
    answers.write(frame)
    answers.flush()


def _own_stdout() -> BinaryIO:
    """Stdout for the answers alone: what a network or an explainer prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


def _lines() -> Iterator[bytes]:
    """The lines of stdin. The process ends with it, even while a chunk is made: nobody waits for that any more."""
    read: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin.buffer:
            read.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield read.get()


if __name__ == "__main__":
    main()
