"""A network unrolled: a copy in which every step is a module of its own that runs once.

captum's rules for ReLUs and the like hang on modules. A ReLU that is called as a function is passed over in silence, a
module that runs twice is an error or a wrong number, one that works in place overwrites what is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from fer_tui.contract import Classifier, InputError

from .rewriting import CHOSEN, Follower, Replacing, Rewriter, at, from_image
from .steps import DIVIDING, name_of

_TOLERANCE = 1e-3  # of the largest score, between the network's and the copy's
_MEND = "captum-gradient and captum-perturbation take any network"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the path in the user's network at which it runs; the module that it is, or the function's name.

    from_image: how many of a function's arguments hang on the image.
    """

    where: str
    module: nn.Module | None
    function: str = ""
    from_image: int = 1


class Network(nn.Module):
    """A classifier's scores as a module: captum hangs its hooks on what is inside. before_pass is called first."""

    before_pass: Callable[[], None] | None = None

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.inside = classifier.module
        self.scores = classifier.scores

    def forward(self, x: Tensor) -> Tensor:
        if self.before_pass is not None:
            self.before_pass()
        return self.scores(x)


@dataclass(frozen=True, eq=False, slots=True)
class Unrolled:
    """The copy, with the user's preparation around it; its steps in their order; the layer that was asked for."""

    network: Network
    steps: tuple[Step, ...]
    layer: nn.Module | None


def unrolled(
    classifier: Classifier,
    method: str,
    layer: str | None = None,
    *,
    own_weights: bool = False,
    fold: bool = False,
    replacing: Replacing = lambda module: module,
) -> Unrolled:
    """A copy of the classifier's network for `method` (its name in messages), with the output of `layer` as a module.

    own_weights: for what changes weights. fold: batch norms go into the convolutions before them. replacing: what
    stands for a module, with the same numbers. InputError where the network cannot be followed, and what stops it.
    """
    root = classifier.module
    while isinstance(root, nn.DataParallel):
        root = root.module
    chosen = classifier.module.get_submodule(layer) if layer is not None else None
    follower = Follower(chosen)
    try:
        graph = follower.trace(root)
    except Exception as error:  # whatever the user's own code does when it is given no numbers
        told = str(error).strip().splitlines() or [type(error).__name__]
        raise _refusal(method, f"its steps cannot be followed: {told[0]}") from error
    if chosen is not None and follower.seen != 1:
        runs = f"runs {follower.seen} times" if follower.seen else "is not seen to run"
        raise InputError(f"layer {layer}", f"it {runs} when the network makes its scores", "choose another layer")
    rewriter = Rewriter(root, graph, own_weights=own_weights, replacing=replacing)
    try:
        module = rewriter.rewritten(fold=fold)
    except (RuntimeError, TypeError) as error:
        raise _refusal(method, f"it cannot be copied: {error}") from error
    for each in module.modules():
        each.training = False
    around = classifier.around(module)
    _compare(classifier, around, method)
    marked = module.get_submodule(CHOSEN) if chosen is not None else None
    return Unrolled(Network(around), tuple(_steps(module, rewriter.where)), marked)


def refused(method: str, step: Step, why: str) -> InputError:
    """What to raise where `method` cannot take a step."""
    what = f"a {type(step.module).__name__}" if step.module is not None else f"the function {step.function}"
    return InputError(f"layer {step.where}" if step.where else "network", f"{method} {why} {what}", _MEND)


def _refusal(method: str, fault: str) -> InputError:
    return InputError("network", f"{method} cannot take it: {fault}", _MEND)


def _steps(module: fx.GraphModule, where: dict[str, str]) -> Iterator[Step]:
    pictures = from_image(module.graph)
    for node in module.graph.nodes:
        if node.op == "call_module" and node.target != CHOSEN:
            held = module.get_submodule(str(node.target))
            for each in held if isinstance(held, nn.Sequential) else [held]:
                yield Step(where[str(node.target)], each)
        elif node.op in ("call_function", "call_method") and node in pictures:
            name, given = name_of(node.target), sum(each in pictures for each in (*node.args, *node.kwargs.values()))
            if name in DIVIDING and node.args[0] not in pictures:
                given = 2  # as a divisor the image does as much as in a product
            yield Step(at(node), None, name, given)


def _compare(classifier: Classifier, copied: Classifier, method: str) -> None:
    """InputError where the copy does not compute what the network does."""
    x = torch.rand(1, *classifier.input_shape, generator=torch.Generator().manual_seed(0)).to(classifier.device)
    with torch.no_grad():
        scores, others = classifier.scores(x.clone()), copied.scores(x.clone())
    gap = float((scores - others).abs().max())
    if not gap <= _TOLERANCE * max(1.0, float(scores.abs().max())):
        fault = f"unrolled it makes other scores, {gap:.2g} apart: it has hooks, or chooses its steps as it runs"
        raise _refusal(method, fault)
