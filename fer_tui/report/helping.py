"""A process that makes parts of another one's report, into their common store: `python -m fer_tui.report.helping`.

From stdin it reads what to open (a line of JSON), then a part a line; of each it says on stdout `made` or `failed`, and
before that `at it` with every result. It ends when stdin does.
"""

from __future__ import annotations

import json
from pathlib import Path

from fer_tui.batch import pipes
from fer_tui.engine import Engine, Settings

from .parts import Part


def engine_of(opened: str | bytes) -> Engine:
    """The engine that makes the same bits as the report's own."""
    from fer_tui.engine.session import open_data, open_network

    from .making import steady_engine

    told = json.loads(opened)
    settings = Settings.from_dict(told["settings"])
    dataset = open_data(settings)
    return steady_engine(open_network(settings, dataset), dataset, Path(told["store"]))


def main() -> None:
    import torch

    answers, lines = pipes.own_stdout(), pipes.lines()
    torch.set_num_threads(1)
    engine = engine_of(next(lines))
    for line in lines:
        try:
            for _ in Part.from_dict(json.loads(line)).steps(engine):
                pipes.tell(answers, b"at it\n")
            answer = b"made\n"
        except Exception:  # the report comes to it itself, and then says what is wrong
            answer = b"failed\n"
        pipes.tell(answers, answer)


if __name__ == "__main__":
    main()
