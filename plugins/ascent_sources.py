"""What an ascent climbs on: for each picture of a batch the map of its own filter, or the score of its own class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.contract import Classifier

from .truncated import Run, layer_outputs, plain_conv, truncated


@dataclass(slots=True)
class Seen:
    """One pass over n inputs. maps: (n, h, w), picture i's map of filter i.

    before: the same maps before the layer rectified them, where it does. features: (n, C, h', w') to tell variants
    apart, where they were asked for.
    """

    maps: torch.Tensor
    before: torch.Tensor | None = None
    features: torch.Tensor | None = None


Source = Callable[[torch.Tensor, torch.Tensor], Seen]  # inputs (n, C, H, W), filters or classes (n,)
_RECTIFIERS = (nn.ReLU, nn.ReLU6)


@contextmanager
def filter_source(classifier: Classifier, fast: Classifier, layer: str, *, features: bool) -> Iterator[Source]:
    """The filters of a layer of `classifier`, run by its faster copy and no further than that layer.

    Of a convolution only the filter that is climbed is computed.
    """
    module = fast.module.get_submodule(layer)
    conv = None if features else plain_conv(classifier, layer)
    if conv is not None and conv.padding_mode == "zeros":
        with truncated(fast, layer, entering=True) as run:
            yield lambda x, filters: Seen(_own_maps(conv, run(x).to(conv.weight.dtype), filters).float())
    elif type(module) in _RECTIFIERS and not (module._forward_hooks or module._forward_pre_hooks):
        with truncated(fast, layer, entering=True) as run:
            yield lambda x, filters: _rectified(module, run, x, filters, features)
    else:
        with layer_outputs(classifier, fast, layer) as run:
            yield lambda x, filters: _plain(run, x, filters, features)


@contextmanager
def class_source(classifier: Classifier, layer: str | None, *, logarithm: bool) -> Iterator[Source]:
    """The scores of the whole network, or their logarithms, as maps (n, 1, 1). layer: where features are taken."""
    kept: list[torch.Tensor] = []
    hooks = []
    if layer is not None:
        module = classifier.module.get_submodule(layer)
        hooks.append(module.register_forward_hook(lambda _, given, output: kept.append(output.clone())))

    def source(x: torch.Tensor, classes: torch.Tensor) -> Seen:
        kept.clear()
        scores = classifier.scores(x).float()
        own = scores[torch.arange(len(scores), device=scores.device), classes]
        own = own.clamp(min=1e-30).log() if logarithm else own
        return Seen(own[:, None, None], features=kept[0] if kept else None)

    try:
        yield source
    finally:
        for hook in hooks:
            hook.remove()


def _plain(run: Run, x: torch.Tensor, filters: torch.Tensor, features: bool) -> Seen:
    output = run(x)
    return Seen(_picked(output, filters).float(), features=output if features else None)


def _rectified(rectifier: nn.Module, run: Run, x: torch.Tensor, filters: torch.Tensor, features: bool) -> Seen:
    given = run(x)
    before = _picked(given, filters).float()
    maps = before.clamp(0, 6) if isinstance(rectifier, nn.ReLU6) else before.clamp(min=0)
    return Seen(maps, before, given if features else None)


def _picked(output: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    return output[torch.arange(len(output), device=output.device), filters]


def _own_maps(conv: nn.Conv2d, given: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """(n, h, w): picture i convolved with filter i alone, instead of with all of them."""
    weight = conv.weight[filters]
    bias = None if conv.bias is None else conv.bias[filters]
    count, inside = weight.shape[:2]
    if conv.groups > 1:
        groups = filters // (conv.out_channels // conv.groups)
        grouped = given.reshape(count, conv.groups, inside, *given.shape[2:])
        given = grouped[torch.arange(count, device=given.device), groups]
    taps = weight.shape[2] * weight.shape[3]
    if inside < taps:
        merged = given.reshape(1, count * inside, *given.shape[2:])
        return F.conv2d(merged, weight, bias, conv.stride, conv.padding, conv.dilation, groups=count)[0]
    # Over the channels first, as one product of matrices for each picture, then over the taps: many times faster.
    products = torch.bmm(weight.flatten(2).transpose(1, 2), given.flatten(2)).view(count, taps, *given.shape[2:])
    shifts = torch.eye(taps, dtype=products.dtype, device=products.device).view(1, taps, *weight.shape[2:])
    maps = F.conv2d(products, shifts, None, conv.stride, conv.padding, conv.dilation)[:, 0]
    return maps if bias is None else maps + bias[:, None, None]
