"""Explainers of somebody else for tests of the batch; each row that is explained is written into a file.

The tests install this file as the module of a distribution; nothing imports it from here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_tui.contract import Axis, Explainer, Heatmap, Parameters, Result, Subject

DEADLY, FAULTY, SLOW, STUBBORN = 7, 11, 13, 14  # rows
FIT = -1  # stands in the file for what is made once and kept for all rows


class Counted(Explainer[Parameters]):
    """The image itself as the map."""

    name = "counted"
    title = help = "For tests."
    version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    seconds = 0.03

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        row = subject.place.image
        assert subject.image is not None and row is not None
        time.sleep(self.seconds)
        self.misbehave(row)
        self.log(row)
        image = subject.classifier.shown(subject.image)
        yield Result(subject.place, Heatmap(values=image.astype(np.float32), image=image), True, 1.0)

    def misbehave(self, row: int) -> None: ...

    def log(self, row: int) -> None:
        with Path(os.environ["BATCHKIT_LOG"]).open("a") as log:
            log.write(f"{row}\n")


class Slow(Counted):
    name = "slow"
    seconds = 0.45


class Deadly(Counted):
    name = "deadly"
    seconds = 0.0

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        assert subject.kept is not None
        if subject.kept.get("fit") is None:
            subject.kept.put("fit", {"weights": np.ones(3, np.float32)})
            self.log(FIT)
        yield from super().explain(subject, parameters)

    def misbehave(self, row: int) -> None:
        if row == DEADLY:
            os.kill(os.getpid(), signal.SIGSEGV)
        if row == FAULTY:
            raise ValueError("no luck with \x1b[31mthis one")


class Holding(Deadly):
    name = "holding"

    def misbehave(self, row: int) -> None:
        super().misbehave(row)
        if row == SLOW:
            time.sleep(3600)
        while row == STUBBORN:
            with contextlib.suppress(BaseException):
                time.sleep(3600)
