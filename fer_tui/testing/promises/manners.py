"""Manners: everything is left as it was, whether a run ends, is closed, or breaks."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import io
import weakref
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fer_tui.classifier.state import changes, state
from fer_tui.engine.agreement import difference
from fer_tui.engine.tasks import Task
from fer_tui.testing.bench import Bench, arrays, leave, shuffle
from fer_tui.testing.broken import Broken, NotAsked, expect, told
from fer_tui.testing.networks import Toy

from .promise import Promise

_BREAKS = (0, 1, 2, 5, 9)  # passes after which the network breaks
_AFTER_A_BREAK = 1e-2  # a climb is chaotic, and a faster copy may not have been made


def _leaves_nothing(bench: Bench) -> None:
    ways = {"after a run": None, "closed after its first result": 1, "closed after its second result": 2}
    for when, results in ways.items():
        network = _with_gradients(Toy())
        task = bench.task(bench.engine(module=network))
        shuffle()
        before = state(network)
        with told("when it explained an image of the toy network"):
            run = bench.bare(task)
            list(islice(run, results))
            leave(run)
        _expect_untouched(changes(before, state(network)), when)


def _with_gradients(network: Toy) -> Toy:
    """With .grad as a training leaves it, which an explainer must not add to."""
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    return network


def _expect_untouched(changed: Sequence[str], when: str) -> None:
    mends = {
        "parameters": "change no weight or buffer; compute on a copy, or put them back",
        "hooks": "remove your hooks: handle.remove() in finally",
        "requires_grad": "put requires_grad back in finally, or ask only the input for its gradient",
        "grad": "use torch.autograd.grad(score, input) in place of backward(), which adds to every parameter's .grad",
        "modes": "leave train() and eval() alone: the network is in evaluation mode already",
        "random state": "draw from a generator of your own: numpy.random.default_rng(parameters.seed)",
    }
    if changed:
        raise Broken(f"{when}, this is not as before: {', '.join(changed)}", mends[changed[0]])


def _survives_a_break(bench: Bench) -> None:
    broke = 0
    for limit in _BREAKS:
        network = _with_gradients(Toy())
        task = bench.task(bench.engine(module=network))
        shuffle()
        before = state(network)
        network.passes.count, network.passes.limit = 0, limit
        error = _raised_by(bench, task)
        was_broken, network.passes.limit = network.passes.broke, None
        if not was_broken:
            break  # it needs fewer passes
        changed = changes(before, state(network))
        _expect_untouched(changed, "after the network had broken in the middle")
        expect(
            error is not None,
            "the network broke in the middle, and it went on as if nothing had happened",
            "let errors of the network out: catch only what you can mend",
        )
        broke += 1
        _expect_same_as_fresh(bench, task)
    if not broke:
        raise NotAsked("it runs no pass through the network")


def _raised_by(bench: Bench, task: Task) -> BaseException | None:
    try:
        for _ in bench.bare(task):
            pass
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error.with_traceback(None)  # its frames would keep tensors
    return None


def _expect_same_as_fresh(bench: Bench, task: Task) -> None:
    after, fresh = bench.made(task), bench.made(bench.task(bench.engine()))
    expect(
        difference(fresh, after) <= _AFTER_A_BREAK,
        "after a run that broke, the next one gives another result",
        "keep nothing on the class or module from one run to the next; clean up in finally",
    )


def _keeps_no_memory(bench: Bench) -> None:
    """What is made once, such as a faster copy of the network, may stay; what grows with every run may not."""
    engine = bench.engine()
    kept: list[weakref.ref[NDArray[Any]]] = []

    def run(results: int | None) -> None:
        task = bench.task(engine)
        with told("when it explained an image of the toy network"):
            made = bench.bare(task)
            for each in islice(made, results):
                kept.extend(weakref.ref(array) for array in arrays(each.explanation).values())
            leave(made)

    for results in (None, 1):
        run(results)
    kept.clear()
    grown = _tensors_left_by(run, (None, 1, None, 1))
    alive = sum(each() is not None for each in kept)
    expect(
        not grown and not alive,
        f"after four more runs {grown} tensors and {alive} arrays of results are still held",
        "keep nothing on the class, in a module or in a cache without a bound; drop references in finally",
    )


def _tensors_left_by(run: Callable[[int | None], None], runs: Sequence[int | None]) -> int:
    """How many tensors are alive after these runs that were not before; what was there is frozen, and not walked."""
    gc.freeze()
    try:
        for results in runs:
            run(results)
        gc.collect()
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())
    finally:
        gc.unfreeze()


def _only_reads(bench: Bench) -> None:
    task = bench.task(bench.engine())
    if task.subject.image is None:
        raise NotAsked("it does not declare the image axis")
    picture = np.array(task.subject.image)
    bench.made(task, dataclasses.replace(task.subject, image=picture))
    expect(
        np.array_equal(picture, task.subject.image),
        "it wrote into subject.image, which is the dataset's own",
        "work on a copy: subject.image.astype(numpy.float32)",
    )


def _prints_nothing(bench: Bench) -> None:
    task = bench.task(bench.engine())
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        bench.made(task)
    expect(
        not heard.getvalue(),
        f"it printed {heard.getvalue()[:60]!r}",
        "stdout is for data: say it in notes, or leave it out",
    )


PROMISES = (
    Promise(
        "nothing is left behind",
        "The network may be in training: its hooks, .grad, requires_grad, modes and random states are its own.",
        _leaves_nothing,
    ),
    Promise(
        "nothing is left behind by an error",
        "Memory runs out, networks refuse: the next explanation must find all as it was.",
        _survives_a_break,
    ),
    Promise("no memory is kept", "An evening in the explorer is ten thousand explanations.", _keeps_no_memory),
    Promise("the image is only read", "All explainers are given the same one.", _only_reads),
    Promise("nothing is printed", "stdout is for data; the terminal is the explorer's.", _prints_nothing),
)
