"""A process that makes parts of another one's report, into their common store: `python -m fer_tui.report.helping`.

From stdin it reads what to open (a line of JSON), then a part a line; of each it says on stdout `made` or `failed`, and
before that `at it` with every result. It ends when stdin does.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from fer_tui.engine import Engine, Settings

from .parts import Part


def engine_of(opened: str) -> Engine:
    """The engine that makes the same bits as the report's own."""
    from fer_tui.engine.session import open_data, open_network

    from .making import steady_engine

    told = json.loads(opened)
    settings = Settings.from_dict(told["settings"])
    dataset = open_data(settings)
    return steady_engine(open_network(settings, dataset), dataset, Path(told["store"]))


def main() -> None:
    import torch

    answers = _own_stdout()
    lines = _lines()
    torch.set_num_threads(1)
    engine = engine_of(next(lines))
    for line in lines:
        try:
            for _ in Part.from_dict(json.loads(line)).steps(engine):
                print("at it", file=answers, flush=True)
            answer = "made"
        except Exception:  # the report comes to it itself, and then says what is wrong
            answer = "failed"
        print(answer, file=answers, flush=True)


def _own_stdout() -> TextIO:
    """Stdout for the answers alone: what a network or an explainer prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


def _lines() -> Iterator[str]:
    """The lines of stdin. The process ends with it, even while a part is made: nobody waits for that any more."""
    read: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            read.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield read.get()


if __name__ == "__main__":
    main()
