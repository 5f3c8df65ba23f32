"""Every network that users bring: the numbers of the plain one, and every size."""

from __future__ import annotations

from torch import nn

from fer_tui.classifier.state import changes, state
from fer_tui.contract import Explanation, InputError
from fer_tui.engine.agreement import difference
from fer_tui.testing.bench import PLAIN, SIZES, Bench, Setting
from fer_tui.testing.broken import expect, told
from fer_tui.testing.networks import NETWORKS, Toy

from .promise import Promise

_ROUNDING = 2e-5  # of the largest value


def _every_network(bench: Bench) -> None:
    plain = bench.made(bench.task(bench.engine()))
    for name, make in NETWORKS.items():
        network = make(1, 3)
        before = state(network)
        made = _made_of(bench, name, PLAIN, network)
        if made is None:
            continue
        gap = difference(plain, made)
        expect(
            gap <= _ROUNDING,
            f"of the toy network, {name}, the map differs from the plain one's by {gap:.1e} of its maximum; both "
            "compute the same",
            "find layers by hooks, not by class; expect that ReLU works in place, and is one module for two layers",
        )
        changed = changes(before, state(network))
        expect(not changed, f"of the toy network, {name}: {' and '.join(changed)} changed",
               "the network is in evaluation mode with gradients on; leave it as it is")  # fmt: skip


def _every_size(bench: Bench) -> None:
    for name, setting in SIZES.items():
        _made_of(bench, name, setting, Toy(setting.channels, setting.classes))


def _made_of(bench: Bench, name: str, setting: Setting, network: nn.Module) -> Explanation | None:
    """The explanation of one network, under the engine's guard; None where it refuses that network in one line."""
    engine = bench.engine(setting, module=network)
    mend = (
        "ask only the input for its gradient (inputs.requires_grad_()), clone what hooks see, take shapes from "
        "classifier.input_shape, the picture from classifier.shown; raise InputError where you cannot explain it"
    )
    with told(f"of the toy network, {name}", mend):
        try:
            with engine.classifier.untouched():
                *_, last = bench.bare(bench.task(engine))
        except InputError:
            return None
    return last.explanation


PROMISES = (
    Promise(
        "every network is explained",
        "Frozen, in place, reused, functional, DataParallel, in training mode: users bring what they have.",
        _every_network,
    ),
    Promise(
        "every size is explained",
        "Gray and colour, 2 and 1000 classes, inputs that are not square, pictures of another size.",
        _every_size,
    ),
)
