"""Finds the head of a network that ends in global average pooling and a linear classifier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from fer_tui.contract import Classifier

_TOLERANCE = 1e-4  # of the largest value, between what is pooled and what the classifier gets
_PROBES = 3  # pictures of noise that the network is run on


@dataclass(frozen=True, eq=False, slots=True)
class Head:
    """scores = weights @ mean of the maps of `layer` + bias. weights: (classes, maps), bias: (classes,)."""

    layer: str
    weights: torch.Tensor
    bias: torch.Tensor


@dataclass(frozen=True, slots=True)
class _Seen:
    """What ran, in order: means (N, K) of maps by layer, and (linear layer, its input (N, K), its output (N, classes)).

    Means of so many maps only as one of the linear layers takes, or as there are classes.
    """

    means: list[tuple[str, torch.Tensor]]
    linear: list[tuple[nn.Module, torch.Tensor, torch.Tensor]]


def find_head(classifier: Classifier) -> Head | None:
    """The head, or None where the scores are not a linear function of the means of some layer's maps.

    The means are compared with what the classifier gets, so that it does not matter whether the pooling is a module or
    a function, and whether the classifier is a linear layer, a 1x1 convolution, or (maps that are classes) none at all.
    It is looked for once for the weights as they are.
    """
    return classifier.remembered("head of cam", lambda: _found(classifier))


def _found(classifier: Classifier) -> Head | None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(_PROBES, *classifier.input_shape, generator=generator).to(classifier.device)
    with torch.no_grad(), _watched(classifier) as seen:
        scores = classifier.scores(noise)
    seen, scores = _at_hand(classifier, seen, scores)
    for layer, given, output in reversed(seen.linear):
        order = _order(output, scores)
        if order is None:
            continue
        weight: Any = layer.weight
        bias: Any = layer.bias
        for name, mean in seen.means:
            if _same(mean, given):
                order = order.to(weight.device)
                weights = weight.detach().flatten(1).float()[order]
                biases = weights.new_zeros(len(weights)) if bias is None else bias.detach().float()[order]
                return Head(name, weights, biases)
    for name, mean in seen.means:
        if _same(mean, scores):
            eye = torch.eye(mean.shape[1], device=classifier.device)
            return Head(name, eye, eye.new_zeros(len(eye)))
    return None


@contextmanager
def _watched(classifier: Classifier) -> Iterator[_Seen]:
    seen = _Seen([], [])
    classes = len(classifier.classes)
    last = [sizes for each in classifier.module.modules() if (sizes := _linear_sizes(each)) and sizes[1] == classes]
    counts = {classes, *(inside for inside, _ in last)}

    def look(name: str) -> Any:
        def hook(module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
            if not isinstance(output, torch.Tensor) or output.shape[:1] != (_PROBES,):
                return
            if output.ndim == 4 and output.shape[2:].numel() > 1 and output.shape[1] in counts:
                seen.means.append((name, output.mean((2, 3)).float()))
            sizes = _linear_sizes(module)
            if sizes in last and output.shape[1] == output[0].numel() and given and len(given[0]) == _PROBES:
                seen.linear.append((module, given[0].flatten(1).float(), output.flatten(1).float()))

        return hook

    hooks = [each.register_forward_hook(look(name)) for name, each in classifier.module.named_modules() if name]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _linear_sizes(module: nn.Module) -> tuple[int, int] | None:
    """How many numbers a linear layer or 1x1 convolution takes and makes; None of any other."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1:
        return module.in_channels, module.out_channels
    return None


def _at_hand(classifier: Classifier, seen: _Seen, scores: torch.Tensor) -> tuple[_Seen, torch.Tensor]:
    """The same numbers on the host, where comparing them waits for nobody."""
    pairs = [each for _, *pair in seen.linear for each in pair]
    arrays = classifier.fetching(scores, *(mean for _, mean in seen.means), *pairs)()
    first, *others = map(torch.from_numpy, arrays)
    means = [(name, mean) for (name, _), mean in zip(seen.means, others, strict=False)]
    rest = iter(others[len(means) :])
    return _Seen(means, [(layer, next(rest), next(rest)) for layer, *_ in seen.linear]), first


def _order(outputs: torch.Tensor, scores: torch.Tensor) -> torch.Tensor | None:
    """Which output each score is, (classes,): a classifier may put them in another order. None: they are others."""
    if outputs.shape != scores.shape:
        return None
    if _same(outputs, scores):
        return torch.arange(scores.shape[1], device=scores.device)
    order = torch.cdist(scores.T, outputs.T).argmin(1)
    return order if len(order.unique()) == len(order) and _same(outputs[:, order], scores) else None


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= _TOLERANCE * b.abs().max().clamp(min=1e-6))
