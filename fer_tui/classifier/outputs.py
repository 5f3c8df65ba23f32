"""What networks return, and the class scores in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import nn

from fer_tui.contract import InputError

Output = Callable[[Any], torch.Tensor]
_KEYS = ("logits", "scores", "output", "out", "pred", "prediction")


def precision(module: nn.Module) -> torch.dtype:
    """The floating-point type that a network computes in."""
    return next((each.dtype for each in module.parameters() if each.is_floating_point()), torch.float32)


def unwrapped(returned: object) -> torch.Tensor | None:
    """The class scores in what a network returned: a tensor, `.logits`, a dict's "logits", a tuple's first tensor."""
    if isinstance(returned, torch.Tensor):
        return returned
    if isinstance(logits := getattr(returned, "logits", None), torch.Tensor):
        return logits
    if isinstance(returned, Mapping):
        tensors = {key: value for key, value in returned.items() if isinstance(value, torch.Tensor)}
        found = next((tensors[key] for key in _KEYS if key in tensors), None)
        return next(iter(tensors.values())) if found is None and len(tensors) == 1 else found
    if isinstance(returned, tuple | list):
        return next((found for item in returned if (found := unwrapped(item)) is not None), None)
    return None


def class_scores(returned: object, count: int, output: Output | None) -> torch.Tensor:
    """Scores (count, classes) from what a network returned for `count` inputs; `output` gets that as it is."""
    scores = unwrapped(returned if output is None else output(returned))
    what = "the model" if output is None else "output"
    if scores is None:
        raise InputError(
            what, f"returned a {type(returned).__name__} without class scores", "give output=file.py:function"
        )
    if scores.ndim == 1 and count == 1:
        scores = scores.unsqueeze(0)  # a network that ends in .squeeze() loses the batch axis of one input
    if scores.ndim > 2 and scores.shape[2:].numel() == 1:
        scores = scores.flatten(1)
    if scores.ndim != 2 or scores.shape[0] != count:
        shape = f"{tuple(scores.shape)} for {count} inputs"
        raise InputError(what, f"returned the shape {shape}", "turn it into (N, classes) with output=file.py:function")
    return scores


def softmax_head(scores: torch.Tensor) -> Literal["", "softmax", "log-softmax"]:
    """Whether scores (N, classes) are probabilities, or logarithms of probabilities."""
    values = scores.detach().double()
    if values.shape[1] < 2 or not bool(torch.isfinite(values).all()):
        return ""
    one = torch.ones(len(values), dtype=values.dtype, device=values.device)
    if bool((values >= 0).all()) and torch.allclose(values.sum(1), one, atol=1e-3):
        return "softmax"
    if bool((values <= 0).all()) and torch.allclose(values.exp().sum(1), one, atol=1e-3):
        return "log-softmax"
    return ""
