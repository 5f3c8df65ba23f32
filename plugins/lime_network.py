"""A network made still faster for many samples on a CPU: what is only safe where no gradient and no hook is wanted."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fer_tui.contract import Classifier

_CLOSE = 1e-4  # of the largest score: convolutions may round otherwise where their weights lie otherwise
_BLOCK = 31 << 20  # bytes; glibc learns from blocks of up to 32 MiB


def hastened(classifier: Classifier, precision: str, tried: Tensor) -> tuple[Classifier, str]:
    """The classifier with the fastest copy of its network, and what was done to it, in words ("": nothing).

    Beyond `Classifier.folded`, on a CPU: each activation that directly follows a convolution becomes a part of it,
    other activations overwrite their inputs, the weights lie as the convolutions want them. Where that would change a
    score of `tried` (float32 inputs), or cannot be done: the folded copy. No gradient passes.
    """
    fast, how = classifier.folded()
    twin = _twin(fast, tried) if how and fast.device.type == "cpu" else None
    if twin is None:
        return classifier.folded(precision)
    if precision == "bfloat16":
        twin, how = fast.around(twin.module.to(torch.bfloat16)), f"{how}, bfloat16"
    return twin, f"{how}, activations fused"


def _twin(fast: Classifier, tried: Tensor) -> Classifier | None:
    keep_memory()
    with torch.no_grad():
        try:
            twin = fast.around(copy.deepcopy(fast.module))
            _fuse(twin, tried)
            modules: Iterable[Any] = twin.module.modules()
            for each in modules:
                if getattr(each, "inplace", None) is False:
                    each.inplace = True
            expected = fast.scores(tried.clone())
            gap = (twin.scores(tried.clone()) - expected).abs().max()
        except (AttributeError, RuntimeError):  # an operation that this torch lacks, or an input that is used again
            return None
    return twin if bool(gap <= _CLOSE * expected.abs().max().clamp(min=1)) else None


def keep_memory() -> None:
    """Have the C library keep the memory of a batch between two batches.

    glibc returns a large freed block to the system, and takes each page anew when it is asked for again: measured, up
    to 40 % of the time. Once a block of this size was freed it keeps smaller ones. It is never touched, thus costs
    nothing.
    """
    torch.empty(_BLOCK, dtype=torch.uint8)


# By activation: name, numbers and algorithm, as the operation takes them.
_OPERATIONS: dict[type, tuple[str, list[float], str]] = {
    type(None): ("none", [], ""),
    nn.ReLU: ("relu", [], ""),
    nn.ReLU6: ("hardtanh", [0.0, 6.0], ""),
}


class _Fused(nn.Module):
    """A convolution with the activation that follows it, if any; weights are laid out for the first input's shape."""

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None) -> None:
        super().__init__()
        self._shape = (
            list(convolution._reversed_padding_repeated_twice[::-2]),
            list(convolution.stride),
            list(convolution.dilation),
            convolution.groups,
        )
        self._plain, self._bias = convolution.weight, convolution.bias
        self._weight: Tensor | None = None
        self._activation = _OPERATIONS[type(activation)]

    def forward(self, x: Tensor) -> Tensor:
        if self._weight is None or self._weight.dtype != self._plain.dtype:
            self._weight = torch.ops.mkldnn._reorder_convolution_weight(self._plain, *self._shape, list(x.shape))
        found: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self._weight, self._bias, *self._shape, *self._activation
        )
        return found


def _fuse(classifier: Classifier, tried: Tensor) -> None:
    """Fuse the convolutions of the module, in place, each with the ReLU or ReLU6 that takes its output."""
    network = classifier.module
    names = {module: name for name, module in network.named_modules()}
    calls: dict[nn.Module, int] = {}
    outputs: dict[int, tuple[nn.Module, Tensor]] = {}  # the tensors stay alive, so that no number comes twice
    follows: dict[nn.Module, nn.Module] = {}

    def after(module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        known = outputs.get(id(given[0])) if given else None
        if type(module) is nn.Conv2d:
            outputs[id(output)] = module, output
        elif known is not None and type(module) in _OPERATIONS:
            follows[known[0]] = module

    hooks = [module.register_forward_hook(after) for module in names if type(module) in (nn.Conv2d, *_OPERATIONS)]
    try:
        classifier.scores(tried.clone())
    finally:
        for hook in hooks:
            hook.remove()
    for convolution in [each for each in calls if isinstance(each, nn.Conv2d) and each.padding_mode == "zeros"]:
        activation = follows.get(convolution)
        if activation is not None and calls[convolution] == calls[activation] == 1:
            _replace(network, names[activation], nn.Identity())
        else:
            activation = None
        _replace(network, names[convolution], _Fused(convolution, activation))


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)
