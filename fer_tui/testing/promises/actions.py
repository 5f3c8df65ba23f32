"""Actions: what holds for explain holds for them."""

from __future__ import annotations

from fer_tui.classifier.state import changes, state
from fer_tui.contract import Explanation, Result
from fer_tui.engine import codec
from fer_tui.testing.bench import Bench, identical, leave, shuffle
from fer_tui.testing.broken import Broken, NotAsked, expect, told
from fer_tui.testing.networks import Toy

from .promise import Promise


def _actions_work(bench: Bench) -> None:
    if not bench.description.actions:
        raise NotAsked("it has no actions")
    for action in bench.description.actions:
        first, again = (_made(bench, action.name) for _ in range(2))
        expect(
            identical(first, again),
            f"the action {action.name} tells something else the second time",
            "draw from numpy.random.default_rng(parameters.seed), and keep nothing from one run to the next",
        )
        with told(f"when what the action {action.name} made was packed for the store"):
            stored = codec.unpack(codec.pack(first))
        expect(identical(first, stored), f"what the action {action.name} made cannot be stored",
               "extras hold arrays of numbers; meta holds texts, finite numbers, lists and tables")  # fmt: skip
        _stopped(bench, action.name)


def _made(bench: Bench, action: str) -> Explanation:
    network = Toy()
    task = bench.task(bench.engine(module=network), action=action)
    shuffle()
    before = state(network)
    with told(f"when its action {action} was run on the toy network"):
        made = list(bench.bare(task))
    last = made[-1] if made else None
    if not isinstance(last, Result) or not last.final or last.place != task.place:
        raise Broken(
            f"the action {action} ended without a final result for the place that was asked for",
            "yield Result(subject.place, Reply(...)) at the end",
        )
    changed = changes(before, state(network))
    expect(not changed, f"after the action {action}, this is not as before: {', '.join(changed)}",
           "leave the network as it is; clean up in finally")  # fmt: skip
    return last.explanation


def _stopped(bench: Bench, action: str) -> None:
    network = Toy()
    results = bench.bare(bench.task(bench.engine(module=network), action=action))
    before = state(network)
    next(results, None)
    leave(results)
    changed = changes(before, state(network))
    expect(not changed, f"after the action {action} was closed, this is not as before: {', '.join(changed)}",
           "clean up in finally")  # fmt: skip


PROMISES = (
    Promise(
        "actions work",
        "What holds for explain holds for an action: it ends, repeats, can be stored, and leaves nothing behind.",
        _actions_work,
    ),
)
