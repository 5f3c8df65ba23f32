"""The two pipes of a process that works for another one: lines in, answers out."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import IO, BinaryIO


def started(module: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A process that runs a module with both pipes at hand; environment: what is its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
        start_new_session=True,  # the terminal's Ctrl+C is for the one that ends it
    )


def own_stdout() -> BinaryIO:
    """Stdout for the answers alone: what a network or an explainer prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


def tell(pipe: IO[bytes], data: bytes) -> None:
    """Write something, to be read at once."""
    pipe.write(data)
    pipe.flush()


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
