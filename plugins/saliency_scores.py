"""The number that saliency explains, and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_tui.contract import Classifier

from .crossing import chosen, sent

SCORES = ("logit", "log-probability", "loss")
CUT = "no gradient reaches the input: the network cuts it off (no_grad or detach), so this map says nothing"
_SATURATED = 1e-3  # how near to 0 or 1 a probability is where its gradient says little

Image = NDArray[np.uint8]
Values = NDArray[np.float32]
Gradients = tuple[Values, list[list[str]]]
T = TypeVar("T")


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Attribution:
    """What one variant found for one image, so far: float32 (C, H, W), or (1, H, W) where it knows no channels.

    progress: 0 to 1; below 1 a better one follows. meta, extras and notes are the heat map's own.
    """

    channels: Values
    progress: float = 1.0
    notes: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Score:
    """One number for each image: a class's raw score, its log-probability, or the cross-entropy loss of that class.

    No method leaves anything behind, and none minds the caller's grad mode.
    """

    classifier: Classifier
    kind: str

    def inputs(self, images: Sequence[Image]) -> Tensor:
        """The network's inputs: float32 (N, C, H, W)."""
        return self.classifier.inputs(images).detach()

    def batches(self, count: int, run: Callable[[int, int], T], work: str) -> Iterator[tuple[int, int, T]]:
        """(start, stop, run(start, stop)) over 0 to `count`: see Classifier.in_batches."""
        return self.classifier.in_batches(count, run, work)

    def numbers(self, x: Tensor, targets: Sequence[int]) -> Tensor:
        """The number for each input, (N,) on the device."""
        with torch.no_grad():
            values, sign = self._of_all(self.classifier.scores(x.clone()))
            return sign * values.gather(1, sent(torch.as_tensor(targets).view(-1, 1), values.device))[:, 0]

    def gradients(self, x: Tensor, targets: Sequence[int], *, times_input: bool = False) -> Callable[[], Gradients]:
        """What waits for the gradient of each input's own number, float32 (N, C, H, W), and what is to be said of each.

        times_input: each value is multiplied by the input there.
        """
        gradient, scores, cut = self.gradient(x, targets)
        arrays = self.classifier.fetching(gradient * x if times_input else gradient, scores)

        def gradients() -> Gradients:
            found, known = arrays()
            return found, [[CUT] for _ in targets] if cut else self._remarks(torch.from_numpy(known), targets)

        return gradients

    def gradient(self, x: Tensor, targets: Sequence[int]) -> tuple[Tensor, Tensor, bool]:
        """The gradient of each input's own number, (N, C, H, W) on the device; the scores; whether none reaches it.

        The numbers are differentiated together: in evaluation mode no input reaches another one's. Only the input asks
        for a gradient, so parameters may be frozen, and their .grad is not touched.
        """
        with torch.inference_mode(False), torch.enable_grad():
            x = (x.clone() if x.is_inference() else x.detach()).requires_grad_()
            # A network may begin with an in-place operation, which is not allowed on a leaf.
            scores = self.classifier.scores(x.clone())
            numbers, sign = self._of_all(scores)
            gradient = None
            if numbers.requires_grad:
                (gradient,) = torch.autograd.grad(numbers, x, chosen(targets, numbers, sign), allow_unused=True)
            return torch.zeros_like(x) if gradient is None else gradient, scores.detach(), gradient is None

    def _of_all(self, scores: Tensor) -> tuple[Tensor, int]:
        """What of scores (N, classes) is explained, for every class, up to the sign."""
        if self.kind == "logit":
            return scores, 1
        probable = _probable(scores)  # chosen on the device, where asking for it would be a wait
        logarithms = torch.where(probable, torch.where(probable, scores, 1).log(), scores.log_softmax(1))
        return logarithms, -1 if self.kind == "loss" else 1

    def _remarks(self, scores: Tensor, targets: Sequence[int]) -> list[list[str]]:
        """What is to be said of each of these scores (N, classes), which lie on the host."""
        probable, finite = bool(_probable(scores)), torch.isfinite(scores).all(1)
        if self.kind == "logit" and not probable and bool(finite.all()):
            return [[] for _ in targets]
        shares = (scores if probable else scores.softmax(1))[torch.arange(len(targets)), torch.as_tensor(targets)]
        return [
            _remark(share, known, self.kind, probable)
            for share, known in zip(shares.tolist(), finite.tolist(), strict=True)
        ]


def _probable(scores: Tensor) -> Tensor:
    """Whether the network ends in a softmax, bool (): then its scores are probabilities already."""
    rows = scores.detach()
    # In bfloat16 a sum of probabilities is off by so much.
    return (rows >= 0).all() & ((rows.sum(1) - 1).abs() < 5e-3).all() & (rows.shape[1] > 1)


def _remark(share: float, finite: bool, kind: str, probable: bool) -> list[str]:
    """What is to be said of one score; share: the target's probability."""
    if not finite:
        return ["the network's scores are not finite: look at the weights and the preprocessing"]
    if kind == "logit" and not probable:
        return []
    if kind == "logit" and (share < _SATURATED or share > 1 - _SATURATED):
        return [f"the network's softmax is saturated (probability {share:.6f}): its gradient is close to zero"]
    if kind != "logit" and share > 1 - _SATURATED:
        what = "its logarithm" if kind == "log-probability" else "the loss"
        mend = "" if probable else "; score=logit is not affected"
        return [f"the probability is saturated at {share:.6f}: the gradient of {what} is close to zero{mend}"]
    return []
