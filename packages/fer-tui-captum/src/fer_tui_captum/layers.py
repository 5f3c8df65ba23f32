"""Layers: which of them has maps, what they put out, and their maps at the input's size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_tui.contract import Classifier, InputError, nearest

UPSAMPLINGS = ("bilinear", "nearest")


def layer_with_maps(classifier: Classifier, name: str | None) -> str:
    """`name` if that layer puts out maps, the last one that does where it is None; InputError else."""
    shapes = {each.name: each.shape for each in classifier.layers}
    known = [each for each in shapes if len(shapes[each]) == 3 and shapes[each][1] * shapes[each][2] > 1]
    if not known:
        raise InputError("layer", "the network has none whose output has a height and a width")
    kinds = {each.name: each.kind for each in classifier.layers}
    last = next((each for each in reversed(known) if kinds[each] != "Sequential"), known[-1])
    if name is None:
        return last
    if name not in known:
        fault = f"its output {shapes.get(name, ())} has no height and width{nearest(name, known)}"
        raise InputError(f"layer {name}", fault, f"the last one that has is {last}")
    return name


def output_of(network: nn.Module, layer: nn.Module, name: str, x: Tensor) -> Tensor:
    """What the layer puts out for x, by captum's LayerActivation; InputError where it is no tensor or does not run."""
    from captum import attr

    try:
        found = attr.LayerActivation(network, layer).attribute(x)
    except AssertionError as error:
        raise InputError(f"layer {name}", "it does not run when the network makes its scores", "another one") from error
    if not isinstance(found, Tensor):
        raise InputError(f"layer {name}", f"its output is a {type(found).__name__}", "choose another layer")
    return found.detach()


def upsampled(small: Tensor, size: tuple[int, int], how: str) -> Tensor:
    """A map (h, w) at `size`: bilinear, or each place as a block."""
    given = small[None, None].float()
    if how == "nearest":
        return F.interpolate(given, size, mode="nearest")[0, 0]
    return F.interpolate(given, size, mode="bilinear", align_corners=False)[0, 0]


def chosen_filter(output: Tensor, wanted: int | None, *, by_peak: bool) -> tuple[int, tuple[str, ...]]:
    """The filter that is explained: where none is wanted the most active one for output (1, K, ...), and a note."""
    if wanted is not None:
        return wanted, ()
    flat = output[0].flatten(1) if output.ndim > 2 else output[0][:, None]
    strength = flat.amax(1) if by_peak else flat.mean(1)
    number = int(torch.argmax(strength))
    return number, (f"no filter was chosen: this is {number}, the most active one here",)
