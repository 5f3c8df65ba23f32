"""DeepLIFT by captum: its rescale rule for every activation, on a network whose every step it sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from fer_tui.contract import Classifier

from .affine import Affine
from .aside import mixes
from .pairwise import PairwiseMax, pairwise
from .steps import ADDING, ELEMENTWISE, LINEAR, MAX_POOLS, MOVING, SCALING, SHAPES
from .unrolled import Unrolled, refused, unrolled

POOLINGS = ("captum", "pairwise")
POOLING_HELP = "rule of max pooling: captum's, or max(a, b) = a + relu(b - a), with which maps add up"
GAP = "captum's rule for max pooling is not exact, pooling=pairwise is; or differences are as small as rounding"


def for_deeplift(classifier: Classifier, pooling: str, layer: str | None = None) -> Unrolled:
    """The network unrolled; InputError names the first step that the rescale rule does not hold for."""
    found = unrolled(classifier, "DeepLIFT", layer, replacing=pairwise if pooling == "pairwise" else _as_it_is)
    known = (*ELEMENTWISE, *MAX_POOLS, *LINEAR, *SHAPES, nn.Softmax, Affine, PairwiseMax, _sums())
    for step in found.steps:
        if step.module is not None:
            if mixes(step.module):
                raise refused("DeepLIFT", step, "compares two inputs in one pass, and they are mixed by")
            if not isinstance(step.module, known):
                raise refused("DeepLIFT", step, "has no rule for")
        elif not (step.function in MOVING | ADDING or (step.function in SCALING and step.from_image == 1)):
            raise refused("DeepLIFT", step, "has no rule for")
    return found


@contextmanager
def rescale_rules() -> Iterator[None]:
    """captum's table of rules with those activations that it leaves out, which would pass a plain gradient."""
    from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear

    known = dict(SUPPORTED_NON_LINEAR)
    SUPPORTED_NON_LINEAR.update({kind: nonlinear for kind in ELEMENTWISE if kind not in known})
    try:
        yield
    finally:
        SUPPORTED_NON_LINEAR.clear()
        SUPPORTED_NON_LINEAR.update(known)


def chunks(references: Tensor, size: int) -> list[Tensor]:
    """References in parts of about `size`, none alone: captum wants two at least."""
    parts = list(torch.split(references, max(2, size)))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def _as_it_is(module: nn.Module) -> nn.Module:
    return module


def _sums() -> Any:
    from captum.attr._utils.custom_modules import Addition_Module

    return Addition_Module
