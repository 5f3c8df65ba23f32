"""The two pipes of a process that works for another one: lines in, answers out."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO


def own_stdout() -> BinaryIO:
    """Stdout for the answers alone: what a network or an explainer prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


def answer(answers: BinaryIO, data: bytes) -> None:
    """Write an answer, to be read at once."""
    answers.write(data)
    answers.flush()


def lines() -> Iterator[bytes]:
    """The lines of stdin. The process ends with it, even while it is at work: nobody waits for that any more."""
    read: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin.buffer:
            read.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield read.get()
