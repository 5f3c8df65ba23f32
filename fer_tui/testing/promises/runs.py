"""Runs: the same again, the same in a batch, growing, and stopped when they are closed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Generator, Sequence

import numpy as np
import torch

from fer_tui.contract import Result
from fer_tui.engine.agreement import TOLERANCE, difference
from fer_tui.engine.tasks import Task
from fer_tui.testing.bench import Bench, identical
from fer_tui.testing.broken import Broken, NotAsked, expect, told
from fer_tui.testing.networks import Passes, Toy

from .promise import Promise

_MOMENT = 0.03  # seconds in which a thread that works on would be seen


def _repeats(bench: Bench) -> None:
    """The same place twice, with another one in between and the global random generators elsewhere."""
    engine = bench.engine()
    here, elsewhere = bench.place(engine), bench.place(engine, row=9, target=2, layer=0, filter=3)
    made = []
    for seed, place in ((1, here), (2, elsewhere), (3, here)):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        made.append(bench.made(bench.task(engine, place)))
    if not identical(made[0], made[2]):
        gap = difference(made[0], made[2])
        raise Broken(
            f"the same place with the same seed gave another result (a difference of {gap:.1e} of the map's maximum)",
            "draw from numpy.random.default_rng(parameters.seed) or a torch.Generator of your own, and keep nothing "
            "from one run to the next",
        )


def _batches_agree(bench: Bench) -> None:
    tasks = _tasks(bench)
    alone = [bench.made(task) for task in tasks]
    subjects = [task.subject for task in tasks]
    with told("when explain_many explained five images"):
        results = [each for each in _many(bench, tasks) if each.final]
    first = [each.place for each in results if each.place in [subject.place for subject in subjects]]
    missing = [subject.place.to_dict() for subject in subjects if subject.place not in first]
    expect(not missing, f"explain_many left out {missing}", "yield a final result for every subject")
    made = {each.place: each.explanation for each in results}
    gap = max(difference(one, made[task.place]) for one, task in zip(alone, tasks, strict=True))
    expect(
        gap <= TOLERANCE,
        f"in a batch a map differs from the one alone by {gap:.1e} of its maximum; {TOLERANCE:.0e} is rounding",
        "let nothing of one image reach another: a shared mean, a shared random draw, a wrong target; or leave "
        "explain_many out",
    )


def _tasks(bench: Bench) -> list[Task]:
    """Five places, with images, targets and filters in turn, each only once."""
    if not bench.has_batches:
        raise NotAsked("it has no explain_many of its own")
    engine = bench.engine()
    places = [bench.place(engine, row=row, target=row % 3, filter=row) for row in range(5)]
    tasks = {task.place: task for task in (bench.task(engine, place) for place in places)}
    return list(tasks.values())


def _many(bench: Bench, tasks: Sequence[Task]) -> Generator[Result, None, None]:
    results = bench.explainer().explain_many([task.subject for task in tasks], tasks[0].parameters)
    yield from results


def _grows(bench: Bench) -> None:
    with told("when it explained an image of the toy network"):
        runs = [list(bench.bare(bench.task(bench.engine())))]
        if bench.has_batches:
            runs.append(list(_many(bench, _tasks(bench))))
    for results in runs:
        shares = [each.progress for each in results if each.progress is not None]
        mend = "progress is the share of the whole run that is done: 0 to 1, growing, 1 with the last result"
        expect(all(0 <= share <= 1 for share in shares), f"progress is {_listed(shares)}", mend)
        expect(sorted(shares) == shares, f"progress falls: {_listed(shares)}", mend)
        expect(not shares or shares[-1] > 1 - 1e-6, f"progress ends at {_listed(shares[-1:])}", mend)


def _listed(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:.3g}" for share in shares[:8]) + (", ..." if len(shares) > 8 else "")


def _stops(bench: Bench) -> None:
    for after in (1, 2):
        network = Toy()
        results = bench.bare(bench.task(bench.engine(module=network)))
        threads = threading.active_count()
        for _ in range(after):
            with told("when it explained an image of the toy network"):
                next(results, None)
        _close(results, network.passes, threads)


def _close(results: Generator[Result, None, None], passes: Passes, threads: int) -> None:
    before = passes.count
    try:
        results.close()
    except BaseException as error:
        raise Broken(
            f"closed in the middle, it raised {type(error).__name__}: {error}",
            "catch neither GeneratorExit nor BaseException around a yield; clean up in finally",
        ) from None
    time.sleep(_MOMENT)
    expect(
        passes.count == before and threading.active_count() <= threads,
        f"closed in the middle, it worked on: {passes.count - before} more passes through the network, "
        f"{max(0, threading.active_count() - threads)} more threads",
        "compute between the yields, in the generator itself, and let finally only clean up",
    )


PROMISES = (
    Promise("the same seed, the same result", "A result is named, stored, and made again by its command.", _repeats),
    Promise("a batch is the same as one by one", "Exports and means run in batches; the explorer does not.",
            _batches_agree),
    Promise("progress grows", "It is shown as a bar.", _grows),
    Promise("closing stops the work", "A moved cursor closes the generator, many times a minute.", _stops),
)  # fmt: skip
