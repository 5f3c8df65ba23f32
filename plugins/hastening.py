"""A network made still faster for many inputs on a CPU: what is only safe where no gradient is wanted."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fer_tui.contract import Classifier

_CLOSE = 1e-4  # of the largest score


def hastened(
    classifier: Classifier, precision: str, tried: Tensor, hooked: Collection[str] = ()
) -> tuple[Classifier, str]:
    """The classifier with the fastest copy of its network, and what was done to it, in words ("": nothing).

    Beyond `Classifier.folded`, on a CPU: each activation that directly follows a convolution becomes a part of it, the
    weights lie as the convolutions want them, and all that `lightened` does. Where that would change a score of `tried`
    (float32 inputs), or cannot be done: the folded copy. No gradient passes. hooked: layers whose outputs are as they
    were, for who copies them before the next layer runs.
    """
    fast, how = classifier.folded("float32", hooked)
    twin = _twin(fast, tried, fuse=True, hooked=hooked) if how else None
    if twin is None:
        return classifier.folded(precision, hooked)
    if precision == "bfloat16":
        twin, how = fast.around(twin.module.to(torch.bfloat16)), f"{how}, bfloat16"
    return twin, f"{how}, activations fused"


def lightened(classifier: Classifier, tried: Tensor) -> Classifier:
    """The classifier with a copy of its network that scores the same to the last bit, with less work for the memory.

    On a CPU: activations overwrite their inputs, poolings by two take the larger of two slices. Where that would change
    a score of `tried`, or cannot be done: the classifier itself. No gradient passes.
    """
    return _twin(classifier, tried, fuse=False) or classifier


def _twin(classifier: Classifier, tried: Tensor, fuse: bool, hooked: Collection[str] = ()) -> Classifier | None:
    if classifier.device.type != "cpu":
        return None
    with torch.no_grad():
        expected = classifier.scores(tried.clone())
        try:
            twin = classifier.around(copy.deepcopy(classifier.module))
            if fuse:
                _fuse(twin, tried, hooked)
            _lighten(twin.module)
            found = twin.scores(tried.clone())
        except Exception:  # it cannot be copied, needs what was overwritten, or this torch lacks an operation
            return None
    # Convolutions may round otherwise where their weights lie otherwise.
    close = _CLOSE * expected.abs().max().clamp(min=1) if fuse else 0
    return twin if bool(((found - expected).abs() <= close).all()) else None


def _lighten(network: nn.Module) -> None:
    modules: Iterable[tuple[str, Any]] = list(network.named_modules())
    for name, each in modules:
        if getattr(each, "inplace", None) is False:
            each.inplace = True
        if type(each) is nn.MaxPool2d and _by_two(each) and name:
            _replace(network, name, _Halving())


def _by_two(pool: nn.MaxPool2d) -> bool:
    sizes = [pool.kernel_size, pool.stride, pool.padding, pool.dilation]
    plain = not pool.ceil_mode and not pool.return_indices
    return plain and all(size in (n, (n, n)) for size, n in zip(sizes, (2, 2, 0, 1), strict=True))


class _Halving(nn.Module):
    """Max pooling by two: several times as fast as the general one."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2] // 2 * 2, x.shape[-1] // 2 * 2
        rows = torch.maximum(x[..., 0:height:2, :], x[..., 1:height:2, :])
        return torch.maximum(rows[..., 0:width:2], rows[..., 1:width:2])


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


def _fuse(classifier: Classifier, tried: Tensor, hooked: Collection[str]) -> None:
    """Fuse the convolutions of the module, in place, each with the ReLU or ReLU6 that takes its output.

    One whose own output, or that of its activation, is hooked stays apart from it.
    """
    network = classifier.module
    names = {module: name for name, module in network.named_modules()}
    calls: dict[nn.Module, int] = {}
    outputs: dict[int, tuple[nn.Module, Tensor]] = {}  # the tensors stay alive, so that no number comes twice
    follows: dict[nn.Module, nn.Module] = {}
    looked_at: set[nn.Module] = set()  # the convolutions whose output is hooked, perhaps behind a folded batch norm

    def after(module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        known = outputs.get(id(given[0])) if given else None
        if type(module) is nn.Conv2d:
            outputs[id(output)] = module, output
        elif known is not None and type(module) in _OPERATIONS:
            follows[known[0]] = module
        if names[module] in hooked and id(output) in outputs:
            looked_at.add(outputs[id(output)][0])

    seen = [module for module in names if type(module) in (nn.Conv2d, *_OPERATIONS) or names[module] in hooked]
    hooks = [module.register_forward_hook(after) for module in seen]
    try:
        classifier.scores(tried.clone())
    finally:
        for hook in hooks:
            hook.remove()
    for convolution in [each for each in calls if isinstance(each, nn.Conv2d) and each.padding_mode == "zeros"]:
        activation = follows.get(convolution)
        apart = convolution in looked_at or (activation is not None and names[activation] in hooked)
        if activation is not None and not apart and calls[convolution] == calls[activation] == 1:
            _replace(network, names[activation], nn.Identity())
        else:
            activation = None
        _replace(network, names[convolution], _Fused(convolution, activation))


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module.eval())  # new ones train: each pass would have to see to it
