"""Looks at the outputs of layers while a network runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from fer_tui.contract import Classifier, InputError, Layer, nearest


@contextmanager
def captured(
    classifier: Classifier, names: Iterable[str], *, differentiated: bool = False
) -> Iterator[dict[str, torch.Tensor]]:
    """The outputs of these layers, by name, as the network runs inside; of a layer that runs twice the later one.

    What follows gets a copy: an operation in place (a ReLU, say) would overwrite what was captured. differentiated:
    scores will be, by these outputs; what ran before them need not be remembered.
    """
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: torch.nn.Module, given: Any, output: Any) -> Any:
            if not isinstance(output, torch.Tensor):
                raise InputError(f"layer {name}", f"its output is a {type(output).__name__}", "choose another layer")
            outputs[name] = output.requires_grad_() if differentiated else output
            return output.clone()

        return hook

    hooks = [classifier.module.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def spatial_layers(classifier: Classifier) -> tuple[Layer, ...]:
    """The layers with maps: outputs (C, H, W) of more than one place, in the order in which they run."""
    return tuple(each for each in classifier.layers if len(each.shape) == 3 and each.shape[1] * each.shape[2] > 1)


def spatial_layer(classifier: Classifier, name: str | None) -> str:
    """`name` if that layer has maps, the last one that has where it is None; InputError else."""
    found = spatial_layers(classifier)
    if not found:
        raise InputError(
            "layer", "the network has none whose output has a height and a width", "saliency and lime need no layer"
        )
    # a Sequential's output is its last layer's
    last = next((each.name for each in reversed(found) if each.kind != "Sequential"), found[-1].name)
    known = [each.name for each in found]
    if name is None:
        return last
    if name not in known:
        shape = next((each.shape for each in classifier.layers if each.name == name), ())
        fault = f"its output {shape} has no height and width{nearest(name, known)}"
        raise InputError(f"layer {name}", fault, f"the last one that has is {last}")
    return name
