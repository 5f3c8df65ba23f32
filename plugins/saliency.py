"""Saliency: how strongly the target's score reacts to each pixel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fer_tui.contract import Axis, Classifier, Explainer, Heatmap, Parameters, Result, Subject, parameter

_BATCH = 16  # images at most in one pass: on a CPU small batches are the fast ones
_BATCH_VALUES = (
    4 * 3 * 224 * 224
)  # input values at most in one pass, so that a batch of large pictures can be cancelled soon
_SATURATED = 1e-3  # how near to 0 or 1 a probability is where its gradient says little


@dataclass(frozen=True, kw_only=True)
class SaliencyParameters(Parameters):
    score: str = parameter(
        "logit",
        "what is differentiated: the target's raw score, or the logarithm of its probability",
        choices=("logit", "log-probability"),
    )
    signed: bool = parameter(False, "keep the gradient's sign: positive where a brighter pixel raises the score")


class Saliency(Explainer[SaliencyParameters]):
    """|d y_t / d x| (Simonyan et al. 2013), y the class scores, x the network's input after preprocessing.

    Several input channels are summed, their absolute values where the map is unsigned; extras["channels"] float32
    (C, H, W) has them one by one.
    """

    name = "saliency"
    title = "Saliency"
    help = "How strongly the target's score reacts to each pixel: the gradient with respect to the input."
    version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    cost = "cheap"
    Parameters = SaliencyParameters

    def explain(self, subject: Subject, parameters: SaliencyParameters) -> Iterator[Result]:
        """The map, in one step."""
        yield from self._batch(subject.classifier, [subject], parameters)

    def explain_many(self, subjects: Sequence[Subject], parameters: SaliencyParameters) -> Iterator[Result]:
        """The maps of many subjects, each with its own target, in batches."""
        for _, group in itertools.groupby(subjects, key=lambda subject: id(subject.classifier)):
            same = list(group)
            classifier = same[0].classifier
            size = _batch_size(classifier)
            for start in range(0, len(same), size):
                yield from self._batch(classifier, same[start : start + size], parameters)

    def _batch(
        self, classifier: Classifier, subjects: Sequence[Subject], parameters: SaliencyParameters
    ) -> Iterator[Result]:
        images = [_image(subject) for subject in subjects]
        targets = [_target(subject) for subject in subjects]
        gradients, remarks = _gradients(classifier, images, targets, parameters.score)
        for subject, image, gradient, remark in zip(subjects, images, gradients, remarks, strict=True):
            channels = gradient if parameters.signed else np.abs(gradient)
            several = len(channels) > 1
            values = channels.sum(0) if several else channels[0]
            heatmap = Heatmap(
                values=values,
                image=classifier.shown(image),
                signed=parameters.signed,
                extras={"channels": channels} if several else {},
                meta={"channels": "sum" if parameters.signed else "sum of absolute values"} if several else {},
                notes=(*remark, *_warnings(channels)),
            )
            yield Result(subject.place, heatmap, progress=1.0)


def _gradients(
    classifier: Classifier, images: Sequence[NDArray[np.uint8]], targets: Sequence[int], score: str
) -> tuple[NDArray[np.float32], list[list[str]]]:
    """The gradient of each image's own target: float32 (N, C, H, W); and what is to be said of each.

    The selected scores are differentiated together: in evaluation mode no image reaches another one's score. Only the
    input asks for a gradient, so parameters may be frozen, and their .grad is not touched.
    """
    with torch.inference_mode(False), torch.enable_grad():
        x = classifier.inputs(images).detach().requires_grad_()
        # A network may begin with an in-place operation, which is not allowed on x itself.
        scores = classifier.scores(x.clone())
        probable = _probabilities(scores)
        y = scores if score == "logit" else scores.log() if probable else scores.log_softmax(1)
        selected = y[torch.arange(len(targets), device=y.device), torch.as_tensor(targets, device=y.device)]
        gradient = None
        if selected.requires_grad:
            (gradient,) = torch.autograd.grad(selected, x, torch.ones_like(selected), allow_unused=True)
        remarks = [_remarks(row, target, score, probable) for row, target in zip(scores.detach(), targets, strict=True)]
    if gradient is None:
        remark = "no gradient reaches the input: the network cuts it off (no_grad or detach), so this map says nothing"
        return np.zeros(tuple(x.shape), np.float32), [[remark] for _ in images]
    return gradient.float().cpu().numpy(), remarks


def _probabilities(scores: torch.Tensor) -> bool:
    """Whether the network ends in a softmax: then its scores are probabilities already."""
    rows = scores.detach()
    if rows.shape[1] < 2 or bool((rows < 0).any()):
        return False
    return bool(((rows.sum(1) - 1).abs() < 1e-3).all())


def _remarks(scores: torch.Tensor, target: int, score: str, probable: bool) -> list[str]:
    if not bool(torch.isfinite(scores).all()):
        return ["the network's scores are not finite: look at the weights and the preprocessing"]
    if score == "logit" and not probable:
        return []
    share = float((scores if probable else scores.softmax(0))[target])
    if score == "logit" and (share < _SATURATED or share > 1 - _SATURATED):
        return [f"the network's softmax is saturated (probability {share:.6f}): its gradient is close to zero"]
    if score != "logit" and share > 1 - _SATURATED:
        mend = "" if probable else "; score=logit is not affected"
        return [f"the probability is saturated at {share:.6f}: the gradient of its logarithm is close to zero{mend}"]
    return []


def _warnings(channels: NDArray[np.float32]) -> list[str]:
    broken = int((~np.isfinite(channels)).sum())
    if broken:
        return [f"{broken} of {channels.size} values of the gradient are not finite"]
    return (
        ["the gradient is zero at every pixel: no small change of the image changes the score"]
        if not channels.any()
        else []
    )


def _batch_size(classifier: Classifier) -> int:
    """Images in one pass: 1 where a batch norm without running statistics would mix them."""
    modules: Any = classifier.module.modules()
    if any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) and m.running_mean is None for m in modules):
        return 1
    channels, height, width = classifier.input_shape
    return max(1, min(_BATCH, _BATCH_VALUES // (channels * height * width)))


def _image(subject: Subject) -> NDArray[np.uint8]:
    if subject.image is None:
        raise ValueError("saliency explains an image, and the subject has none")
    return subject.image


def _target(subject: Subject) -> int:
    if subject.place.target is None:
        raise ValueError("saliency explains a target, and the subject's place has none")
    return subject.place.target
