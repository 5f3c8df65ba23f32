"""Layer-wise relevance propagation: the score, handed down layer by layer to the pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from fer_tui.contract import Axis, Parameters, Subject, Value, parameter

from .aside import Aside
from .maps import Attribution, CaptumExplainer, input_of, target_of
from .relevance import EPSILON, GAMMA, LRP_HELP, RULES, for_lrp, with_rules
from .unrolled import Unrolled

_BLOWN_UP, _TAKEN = 1000, 0.001  # of the score: from where on a map is noise, and below which little has come down


@dataclass(frozen=True, kw_only=True)
class LrpParameters(Parameters):
    rule: str = parameter("epsilon", LRP_HELP, choices=RULES)
    epsilon: float = parameter(
        EPSILON,
        "epsilon: what is added to the size of every sum; captum's own is 1e-9",
        low=0,
        high=1e3,
        where={"rule": ("epsilon", "composite")},
    )
    gamma: float = parameter(
        0.25, "gamma: how much more positive weights count", low=0, high=1e3, where={"rule": GAMMA}
    )
    fold: bool = parameter(True, "put batch norms into the convolutions before them, else they are layers of their own")


class Lrp(CaptumExplainer[LrpParameters]):
    """captum's LRP (Bach et al. 2015): R_i = sum_j a_i w_ij / (z_j + epsilon) R_j, with other weights by the rule.

    values: the relevance of each pixel, summed over channels. It sums up to y less what biases and epsilon take; meta
    has the "sum" and the "score".
    """

    name = "captum-lrp"
    title = "LRP (captum)"
    help = "The target's score handed down layer by layer: how much of it each pixel is owed."
    cost = "cheap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {
        "lrp": {"rule": "epsilon"},
        "lrp-epsilon": {"rule": "epsilon"},
        "lrp-composite": {"rule": "composite"},
        "lrp-gamma": {"rule": "gamma"},
        "lrp-alpha1-beta0": {"rule": "alpha1-beta0"},
    }
    Parameters = LrpParameters

    def prepared(self, subject: Subject, parameters: LrpParameters) -> Unrolled:
        return for_lrp(subject.classifier, fold=parameters.fold)

    def attributions(self, subject: Subject, parameters: LrpParameters, prepared: Unrolled) -> Iterator[Attribution]:
        from captum import attr

        x, target = input_of(subject), target_of(subject)
        with Aside(parameters.seed)():
            with_rules(prepared, parameters.rule, parameters.epsilon, parameters.gamma)
            found = attr.LRP(prepared.network).attribute(x.clone(), target).detach()
        with torch.no_grad():
            score = float(subject.classifier.scores(x.clone())[0, target])
        total, both = float(found.sum()), float(found.abs().sum())
        yield Attribution(values=found[0], meta={"sum": total, "score": score}, notes=tuple(_told(total, both, score)))


def _told(total: float, both: float, score: float) -> Iterator[str]:
    """total: all relevance; both: its absolute values."""
    if both > _BLOWN_UP * abs(score):
        times = both / max(abs(score), 1e-9)
        yield f"relevance of both signs is {times:.2g} times the score: sums near 0 blow it up, epsilon calms it"
    elif abs(total) < _TAKEN * abs(score):
        yield f"biases and rule took all but {total:.2g} of the score {score:.3g}: the map tells where, not how much"
