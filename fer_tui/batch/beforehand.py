"""What a batch finds out before it makes any map: what is predicted, which images there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.engine.scores import CHUNK

from .chunks import Chunk
from .state import Meter, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.engine import Engine

    from .driver import Driver


def predict(driver: Driver, engine: Engine, checkpoints: Iterable[int]) -> Iterator[State]:
    """Have the scores of the whole dataset made under each checkpoint, as far as the store lacks them."""
    assert engine.dataset is not None
    count = len(engine.dataset)
    chunks = [Chunk(0, "scores", (row,), each) for each in checkpoints for row in range(0, count, CHUNK)]
    keys = [engine.scores_of(each.checkpoint).key(each.rows[0] or 0) for each in chunks]
    missing = set(driver.store.missing(keys))
    wanted = [chunk for chunk, key in zip(chunks, keys, strict=True) if key in missing]

    def rows(chunk: Chunk) -> int:
        return min(CHUNK, count - (chunk.rows[0] or 0))

    total, left, made, meter = sum(map(rows, chunks)), sum(map(rows, wanted)), 0, Meter()
    with closing(driver.through(iter(wanted))) as outcomes:
        for outcome in outcomes:
            made += rows(outcome.chunk) if outcome is not None else 0
            yield meter.state("predictions", total, left - made, made)
    driver.aside.clear()  # such rows are predicted one by one later on, so that each is told by itself
    driver.flush()


def predicted(engine: Engine, checkpoint: int) -> NDArray[np.int32]:
    """The predicted class of every row, from the store; -1 where it is not known, or no score is finite."""
    assert engine.dataset is not None
    found: NDArray[np.int32] = np.full(len(engine.dataset), -1, np.int32)
    scores = engine.scores_of(checkpoint)
    for start in range(0, len(engine.dataset), CHUNK):
        known = scores.known(start)
        if known is not None:
            finite = np.isfinite(known).all(1)
            found[start : start + len(known)] = np.where(finite, known.argmax(1), -1)
    return found


def look(driver: Driver, rows: Sequence[int]) -> Iterator[State]:
    """Have the images of rows looked at, so that their keys are known, where nobody has done so yet."""
    known = driver.dataset.known_digests(rows)
    unknown = [row for row, digest in zip(rows, known, strict=True) if digest is None]
    parts = (unknown[at : at + CHUNK] for at in range(0, len(unknown), CHUNK))
    done, meter = 0, Meter()
    with closing(driver.through(Chunk(0, "digests", tuple(part)) for part in parts)) as outcomes:
        for outcome in outcomes:
            done += len(outcome.chunk) if outcome is not None else 0
            yield meter.state("images", len(rows), len(unknown) - done, done)
    driver.aside.clear()  # whoever comes to them tells it again
