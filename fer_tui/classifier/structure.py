"""All modules of a network, also those that return no tensor."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fer_tui.contract import Layer


def structure(module: nn.Module, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The modules in the order in which they are defined, a parent before its children; a reused one once.

    layers: those whose outputs are known; of the others the shape is ().
    """
    known = {layer.name: layer for layer in layers}
    return tuple(
        known.get(name)
        or Layer(name, type(each).__name__, (), 0, sum(weights.numel() for weights in each.parameters()))
        for name, each in module.named_modules()
        if name
    )
