"""A faster copy of a network, for many images: batch norms folded, channels last, bfloat16."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .strided import hasten_entrances

if TYPE_CHECKING:
    from .classifier import TorchClassifier

_TOLERANCE = 1e-3  # of the largest score, between the copy in float32 and the network


def fold(classifier: TorchClassifier, precision: str, hooked: Collection[str]) -> tuple[nn.Module | None, str]:
    """A faster copy of the network, and what was done to it, in words; None where it would not score as the network.

    Each batch norm that directly follows a convolution is folded into it; the copy runs channels last, and in bfloat16
    on request. hooked: names of layers whose outputs will be looked at: they are as in the network.
    """
    module = classifier.module
    tensors = [*module.parameters(), *module.buffers()]
    if any(each.is_floating_point() and each.dtype != torch.float32 for each in tensors):
        return None, ""
    with torch.no_grad():
        probe = torch.rand(2, *classifier.input_shape, generator=torch.Generator().manual_seed(0))
        probe = probe.to(classifier.device)
        expected = classifier.scores(probe)
        try:
            network = copy.deepcopy(module).eval()
        except Exception:  # a user's module may hold what cannot be copied: then it runs as it is
            return None, ""
        around = classifier.around(network)
        done = _fold(network, around, probe, hooked)
        network.requires_grad_(False)  # only inputs are differentiated, so that less need be remembered
        if classifier.device.type == "cpu":
            hasten_entrances(network)
        if not _agrees(around, probe, expected):
            return None, ""
        words = [f"{done} batch norms folded"] if done else []
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        hook = network.register_forward_pre_hook(_channels_last)
        if _agrees(around, probe, expected):
            words.append("channels last")
        else:  # it cannot run so: with a .view() of its maps, say
            hook.remove()
            network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        if precision == "bfloat16":
            network.to(torch.bfloat16)
            words.append("bfloat16")
    return (network, ", ".join(words)) if words else (None, "")


def _agrees(classifier: TorchClassifier, probe: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether it runs, and scores as expected."""
    try:
        gap = (classifier.scores(probe) - expected).abs().max()
    except Exception:  # whatever the user's module raises
        return False
    return bool(gap <= _TOLERANCE * expected.abs().max().clamp(min=1))


def _channels_last(network: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return given[0].contiguous(memory_format=torch.channels_last), *given[1:]


def _fold(network: nn.Module, classifier: TorchClassifier, probe: torch.Tensor, hooked: Collection[str]) -> int:
    """Fold the batch norms of `network`, in place; how many. `classifier` runs it."""
    names = {module: name for name, module in network.named_modules()}
    calls: dict[nn.Module, int] = {}
    outputs: dict[int, tuple[nn.Conv2d, torch.Tensor]] = {}  # the tensors stay alive, so that no number comes twice
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def after(module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        if isinstance(module, nn.Conv2d):
            outputs[id(output)] = module, output
        elif isinstance(module, nn.BatchNorm2d) and given and id(given[0]) in outputs:
            pairs.append((outputs[id(given[0])][0], module))

    hooks = [m.register_forward_hook(after) for m in names if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    try:
        classifier.scores(probe)
    finally:
        for hook in hooks:
            hook.remove()
    fit = [
        (conv, norm)
        for conv, norm in pairs
        if calls[conv] == calls[norm] == 1 and norm.running_mean is not None and names[conv] not in hooked
    ]
    for conv, norm in fit:  # the norm's place stays: what is hooked there is the pair's output, as before
        _replace(network, names[conv], fuse_conv_bn_eval(conv, norm))
        _replace(network, names[norm], nn.Identity())
    return len(fit)


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module.eval())  # new ones train: each pass would have to see to it
