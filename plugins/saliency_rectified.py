"""Guided backpropagation and deconvolution: gradients whose negative parts stop at every ReLU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from fer_tui.contract import InputError

from .saliency_scores import Attribution, Gradients, Image, Score

_NOTE = "{} mostly redraws the image's edges and hardly heeds the weights (Adebayo et al. 2018)"
_OTHERS = ("gelu", "silu", "mish", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "softplus", "hardswish")
_GATES = ("tanh", "sigmoid", "hardsigmoid")  # often beside a ReLU and no rectifiers


def rectified(
    score: Score, images: Sequence[Image], targets: Sequence[int], variant: str
) -> Iterator[tuple[int, Attribution]]:
    """The gradient with another rule at each ReLU r = max(z, 0), g what arrives at r: max(g, 0) * (z > 0) where guided
    (Springenberg et al. 2014), max(g, 0) in a deconvolution (Zeiler and Fergus 2013), whose switches stay at the pools.

    A ReLU is nn.ReLU, nn.ReLU6, their functions, methods and in-place forms, or a clamp at 0. InputError where the
    network runs none: the map would silently be the plain gradient.
    """

    def run(start: int, stop: int) -> tuple[Callable[[], Gradients], _Rectifiers]:
        x = score.inputs(images[start:stop])
        with _Rectifiers(guided=variant == "guided") as seen:
            return score.gradients(x, targets[start:stop]), seen

    for start, _, (made, seen) in score.batches(len(images), run, "rectified gradient"):
        if not seen.count:
            others = f"its activations are {', '.join(sorted(seen.others))}" if seen.others else "and none was called"
            fault = f"{variant} changes the gradient at every ReLU, and the network has none: {others}"
            raise InputError("parameter variant", fault, "variant=integrated or smoothgrad works for any network")
        notes = [_NOTE.format("guided backpropagation" if variant == "guided" else variant)]
        if mixed := seen.others & set(_OTHERS):
            notes.append(f"only ReLU is changed: {', '.join(sorted(mixed))} pass their plain gradient")
        for index, (channels, said) in enumerate(zip(*made(), strict=True), start):
            yield index, Attribution(channels=channels, notes=(*said, *notes), meta={"rectifiers": seen.count})


class _Rectified(torch.autograd.Function):
    """min(max(z, 0), cap), with the gradient of `rectified`."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, cap: float | None, guided: bool) -> Tensor:
        made = z.clamp(min=0, max=cap)
        ctx.guided, ctx.cap = guided, cap
        ctx.save_for_backward(made)
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None, None]:
        positive = gradients[0].clamp(min=0)
        if ctx.guided:
            (made,) = ctx.saved_tensors
            passing = made > 0 if ctx.cap is None else (made > 0) & (made < ctx.cap)
            positive = torch.where(passing, positive, torch.zeros_like(positive))
        return positive, None, None


class _Rectifiers(TorchFunctionMode):
    """While it is on, every ReLU that runs has the other gradient: modules too, for they call the functions.

    count: the ReLUs that ran; others: the names of other activations that did.
    """

    def __init__(self, *, guided: bool) -> None:
        super().__init__()
        self.guided, self.count, self.others = guided, 0, set[str]()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = str(getattr(func, "__name__", "")).rstrip("_")
        if name in _OTHERS or name in _GATES:
            self.others.add(name)
        reading = _CALLS.get(func)
        call = reading(*args, **kwargs) if reading is not None and "out" not in kwargs else None
        if call is None or not isinstance(call.z, Tensor) or not call.z.requires_grad:
            return func(*args, **kwargs)
        self.count += 1
        made = _Rectified.apply(call.z, call.cap, self.guided)  # type: ignore[no-untyped-call]
        # In place by a copy: what was written there before has no more say, and a view's base follows.
        return call.z.copy_(made) if call.inplace or getattr(func, "__name__", "").endswith("_") else made


class _Call(NamedTuple):
    """A call of a ReLU: its argument, its upper bound, whether it works in place."""

    z: Any
    cap: float | None = None
    inplace: bool = False


def _relu(input: Any, inplace: bool = False) -> _Call:
    return _Call(input, None, inplace)


def _relu6(input: Any, inplace: bool = False) -> _Call:
    return _Call(input, 6.0, inplace)


def _hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> _Call | None:
    return _Call(input, max_val, inplace) if min_val == 0 else None


def _threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> _Call | None:
    return _Call(input, None, inplace) if threshold == value == 0 else None


def _clamp(input: Any, min: Any = None, max: Any = None) -> _Call | None:
    """Another upper bound than ReLU6's is that of a picture or a probability."""
    if isinstance(min, Tensor) or isinstance(max, Tensor) or min != 0 or max not in (None, 6):
        return None
    return _Call(input, max)


_CALLS: dict[Callable[..., Any], Callable[..., _Call | None]] = {
    **dict.fromkeys([F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_], _relu),
    F.relu6: _relu6,
    **dict.fromkeys([F.hardtanh, F.hardtanh_], _hardtanh),
    **dict.fromkeys([F.threshold, *(getattr(torch, name) for name in ("threshold", "threshold_"))], _threshold),
    **{
        getattr(kind, name): _clamp
        for kind in (torch, Tensor)
        for name in ("clamp", "clamp_", "clamp_min", "clamp_min_", "clip", "clip_")
    },
}
