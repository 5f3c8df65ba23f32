"""The rules by which captum's LRP hands relevance down, for every step of an unrolled network."""

from __future__ import annotations

from typing import Any

from torch import nn

from fer_tui.contract import Classifier

from .affine import Affine
from .steps import ELEMENTWISE, MAX_POOLS, MOVING, SHAPES
from .unrolled import Unrolled, refused, unrolled

RULES = ("epsilon", "composite", "gamma", "alpha1-beta0")
EPSILON = 0.25  # captum's own is 1e-9, with which maps are noise wherever a sum is near 0
GAMMA = ("composite", "gamma")
LRP_HELP = "how relevance is shared; composite: gamma in the lower half of the convolutions, epsilon above"

_WEIGHTED = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
_PASSING = (*ELEMENTWISE, nn.Softmax, Affine)
_EXACT = 1e-9  # what keeps a division from 0 and takes no relevance


def for_lrp(classifier: Classifier, layer: str | None = None, *, fold: bool) -> Unrolled:
    """The network unrolled, with weights of its own, for LRP changes them; InputError names a step without a rule."""
    found = unrolled(classifier, "LRP", layer, own_weights=True, fold=fold)
    for step in found.steps:
        if step.module is not None:
            if type(step.module) not in (*_WEIGHTED, *MAX_POOLS, *_pools(), *SHAPES, *_PASSING):
                raise refused("LRP", step, "has no rule for")
            if isinstance(step.module, nn.BatchNorm2d) and step.module.running_mean is None:
                raise refused("LRP", step, "has no rule for the batch's own mean of")
        elif step.function not in MOVING:
            raise refused("LRP", step, "has no rule for")
    return found


def with_rules(found: Unrolled, rule: str, epsilon: float, gamma: float) -> None:
    """Give every step its rule; captum takes them away after each run.

    Activations hand down what they get, pools and sums share it out by what each part gave. composite: Montavon et al.
    2019, without its rule for the pixels.
    """
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule, IdentityRule

    convolutions = [step.module for step in found.steps if isinstance(step.module, nn.Conv2d)]
    lower = convolutions[: (len(convolutions) + 1) // 2]

    def rule_of(module: nn.Module) -> Any:
        weighted = isinstance(module, nn.Conv2d | nn.Linear)
        if weighted and (rule == "gamma" or (rule == "composite" and any(module is each for each in lower))):
            return GammaRule(gamma)
        if weighted and rule == "alpha1-beta0":
            return Alpha1_Beta0_Rule()
        return EpsilonRule(epsilon if weighted else _EXACT)

    modules = [step.module for step in found.steps if step.module is not None]
    for module in modules:
        _give(module, IdentityRule() if isinstance(module, _PASSING) else rule_of(module))
    if found.layer is not None:
        _give(found.layer, IdentityRule())


def _give(module: Any, rule: Any) -> None:
    module.rule = rule


def _pools() -> tuple[type[nn.Module], ...]:
    from captum.attr._utils.custom_modules import Addition_Module

    return nn.AvgPool2d, nn.AdaptiveAvgPool2d, Addition_Module
