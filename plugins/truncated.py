"""A network that stops at a layer: nothing behind it is computed, in any module graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from fer_tui.contract import Classifier, InputError, Layer, nearest

Run = Callable[[torch.Tensor], torch.Tensor]


class _Reached(BaseException):
    """The layer has run. No `Exception`: a network's own `except Exception` must not swallow it."""


@contextmanager
def truncated(classifier: Classifier, layer: str, *, entering: bool = False) -> Iterator[Run]:
    """A function from inputs (N, C, H, W) to the output of `layer`, of its first run where it is used several times.

    The run ends there, so what follows cannot overwrite the output in place. entering: what enters the layer instead.
    InputError where the network does not run the layer, or it yields no tensor.
    """
    found: list[Any] = []

    def stop(value: Any) -> None:
        found.append(value)
        raise _Reached

    module = classifier.module.get_submodule(layer)
    if entering:
        hook = module.register_forward_pre_hook(
            lambda _, given, named: stop(next(iter((*given, *named.values())), None)), with_kwargs=True
        )
    else:
        hook = module.register_forward_hook(lambda _, given, output: stop(output))

    def run(x: torch.Tensor) -> torch.Tensor:
        try:
            classifier.scores(x)
        except _Reached:
            value = found.pop()
            if isinstance(value, torch.Tensor):
                return value
            raise InputError(f"layer {layer}", f"it yields a {type(value).__name__}, no tensor") from None
        raise InputError(f"layer {layer}", "the network did not run it", "choose another layer")

    try:
        yield run
    finally:
        hook.remove()


@contextmanager
def layer_outputs(classifier: Classifier, fast: Classifier, layer: str) -> Iterator[Run]:
    """A function from inputs to the output of `layer` in `classifier`, all before it run by its faster copy `fast`."""
    conv = plain_conv(classifier, layer)
    if conv is None or fast is classifier:
        with truncated(fast, layer) as run:
            yield run
    else:  # the copy's own may have a batch norm in it
        with truncated(fast, layer, entering=True) as run:
            yield lambda x: conv(run(x).to(conv.weight.dtype))


def faster(classifier: Classifier, precision: str, layer: str | None) -> tuple[Classifier, str, tuple[str, ...]]:
    """A faster copy of the network to look at `layer` with, what was done to it in words, and what to say of it."""
    special = (
        layer is not None
        and isinstance(classifier.module.get_submodule(layer), _ConvNd)
        and plain_conv(classifier, layer) is None
    )
    fast, words = classifier.folded(precision, [layer] if layer is not None and special else [])
    if precision != "bfloat16":
        return fast, words, ()
    told = "in bfloat16: activations are good for two to three digits"
    return (
        fast,
        words,
        (told if "bfloat16" in words else "the network does not run in bfloat16: its own precision it is",),
    )


def plain_conv(classifier: Classifier, layer: str) -> nn.Conv2d | None:
    """The layer where it is a convolution and nothing else: no hooks, no weights that are made of others."""
    module = classifier.module.get_submodule(layer)
    bare = type(module) is nn.Conv2d and not (module._forward_hooks or module._forward_pre_hooks)
    return module if bare and isinstance(module, nn.Conv2d) else None


def layer_of(classifier: Classifier, name: str | None, filter: int | None = None) -> Layer:
    """The layer `name`, or the last convolution where it is None; InputError where it has no filters, or not `filter`.

    Where there is no convolution with filters the last layer that has any stands in.
    """
    named = {layer.name: layer for layer in classifier.layers if layer.filters}
    if not named:
        raise InputError("layer", "the network has no layer whose output is (filters, height, width)")
    if name is None:
        modules = dict(classifier.module.named_modules())
        convolutions = [layer for layer in named.values() if isinstance(modules.get(layer.name), _ConvNd)]
        found = (convolutions or list(named.values()))[-1]
    elif name in named:
        found = named[name]
    else:
        known = f"the last one that has is {list(named)[-1]}"
        raise InputError(f"layer {name}", f"there is no such layer with filters{nearest(name, named)}", known)
    if filter is not None and not 0 <= filter < found.filters:
        raise InputError(f"filter {filter}", f"layer {found.name} has {found.filters} filters, counted from 0")
    return found


def batch_size(classifier: Classifier, most: int = 16) -> int:
    """Inputs in one pass: `most` small ones on a CPU, 16 times as many elsewhere, few large ones.

    1 where a batch norm without running statistics would mix them.
    """
    modules: Any = classifier.module.modules()
    if any(isinstance(m, nn.modules.batchnorm._BatchNorm) and m.running_mean is None for m in modules):
        return 1
    channels, height, width = classifier.input_shape
    scale = 1 if classifier.device.type == "cpu" else 16
    return scale * max(1, min(most, 4 * 3 * 224 * 224 // (channels * height * width)))
