"""Saliency: how strongly the target's score reacts to each pixel."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import (
    PRECISIONS,
    Axis,
    Classifier,
    Explainer,
    InputError,
    Parameters,
    Result,
    Subject,
    Value,
    parameter,
)

from .saliency_baselines import BASELINES, baseline
from .saliency_gradients import gradient
from .saliency_maps import HeatMaps
from .saliency_noise import smoothed
from .saliency_occlusion import by_regions, by_windows, window_of
from .saliency_paths import integrated
from .saliency_rectified import rectified
from .saliency_regions import Regions, grid, regions_in
from .saliency_scores import SCORES, Attribution, Image, Score

_RECTIFIED = ("guided", "deconvolution")
_SMOOTHED = ("smoothgrad", "smoothgrad-squared", "vargrad")
_INTEGRATED, _NOISY, _HIDING = {"variant": ("integrated",)}, {"variant": _SMOOTHED}, {"variant": ("occlusion",)}
_COMPARED = {"variant": ("integrated", "occlusion")}
_UNSIGNED = ("gradient", *_SMOOTHED)  # as captum has it
_LINEAR = ("gradient", "input-x-gradient", "integrated", "smoothgrad", "occlusion")  # in the score, where signed
_MANY, _MANY_LARGE = 64, 16  # images from which on a faster copy of the network is worth its making
_LARGE = 4 * 48 * 48  # input values from which on an image is large


@dataclass(frozen=True, kw_only=True)
class SaliencyParameters(Parameters):
    variant: str = parameter(
        "gradient",
        "how the map is made",
        choices=("gradient", "input-x-gradient", "integrated", *_SMOOTHED, *_RECTIFIED, "occlusion"),
    )
    score: str = parameter(
        "logit",
        "what is explained: the target's raw score, the logarithm of its probability, or the loss of the true class",
        choices=SCORES,
    )
    signed: str = parameter(
        "auto",
        "whether the map keeps its sign, positive where a pixel raises the score; auto: as is usual for the variant",
        choices=("auto", "true", "false"),
    )
    channels: str = parameter("sum", "how the input's channels become one map", choices=("sum", "mean", "max"))
    steps: int = parameter(50, "integrated: points on the way from the baseline", low=1, high=1000, where=_INTEGRATED)
    baseline: str = parameter(
        "zero",
        "integrated, occlusion: what the image is compared with, or hidden by; zero: of the network's input",
        choices=BASELINES,
        where=_COMPARED,
    )
    value: int = parameter(
        128, "brightness of baseline=value", low=0, high=255, where={**_COMPARED, "baseline": ("value",)}
    )
    samples: int = parameter(25, "smoothgrad and its kin: noisy copies of the image", low=1, high=1000, where=_NOISY)
    noise: float = parameter(0.15, "their standard deviation", unit="of the input's range", low=0, high=1, where=_NOISY)
    window: int = parameter(
        0, "occlusion: side of the hidden square; 0: a sixth of the input", unit="px", low=0, high=4096, where=_HIDING
    )
    stride: int = parameter(
        0, "occlusion: distance of the squares; 0: half a window", unit="px", low=0, high=4096, where=_HIDING
    )
    regions: str = parameter(
        "", "occlusion: hide regions instead: grid, or a file with masks (.npz, .png)", where=_HIDING
    )
    precision: str = parameter(
        "float32",
        "of the network's numbers where many images are explained; exact: the network as it is, no faster copy",
        choices=("exact", *PRECISIONS),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "signed", str(self.signed).lower())  # True and False are welcome in Python

    @property
    def absolute(self) -> bool:
        """Whether values lose their sign."""
        return self.signed == "false" or (self.signed == "auto" and self.variant in _UNSIGNED)


class Saliency(Explainer[SaliencyParameters]):
    """|d y_t / d x| (Simonyan et al. 2013), y the class scores, x the network's input after preprocessing; and its kin.

    Several input channels become one as meta["channels"] tells, their absolute values where the map is unsigned;
    extras["channels"] float32 (C, H, W) has them one by one. What each variant computes stands in its own module.
    """

    name = "saliency"
    title = "Saliency"
    help = "How strongly the target's score reacts to each pixel: gradients of many kinds, and occlusion."
    version = "2"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    axes_by = ("score", {"loss": frozenset({Axis.IMAGE, Axis.CHECKPOINT})})
    needs_dataset_by = ("score", {"loss": True})  # for the labels
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {
        "gradient": {"variant": "gradient"},
        "input-x-gradient": {"variant": "input-x-gradient"},
        "integrated-gradients": {"variant": "integrated"},
        "ig": {"variant": "integrated"},
        "smoothgrad": {"variant": "smoothgrad"},
        "smoothgrad-squared": {"variant": "smoothgrad-squared"},
        "vargrad": {"variant": "vargrad"},
        "guided-backprop": {"variant": "guided"},
        "guided-backpropagation": {"variant": "guided"},
        "deconvnet": {"variant": "deconvolution"},
        "occlusion": {"variant": "occlusion"},
    }
    cost = "cheap"
    Parameters = SaliencyParameters

    @classmethod
    def for_contrast(cls, parameters: SaliencyParameters) -> SaliencyParameters:
        return dataclasses.replace(parameters, signed="true")

    @classmethod
    def is_linear(cls, parameters: SaliencyParameters) -> bool:
        return parameters.variant in _LINEAR and parameters.channels != "max"

    def explain(self, subject: Subject, parameters: SaliencyParameters) -> Iterator[Result]:
        """The map, in one step where the variant needs but one pass, else better and better."""
        yield from _explained([subject], subject.classifier, "", parameters)

    def explain_many(self, subjects: Sequence[Subject], parameters: SaliencyParameters) -> Iterator[Result]:
        """The maps of many subjects, finished, each with its own target, in batches.

        From 64 images on (16 large ones) they go through a folded copy of the network, save where precision=exact and
        where the variant looks into the network; meta["network"] tells it.
        """
        for _, group in itertools.groupby(subjects, key=lambda subject: id(subject.classifier)):
            same = list(group)
            fast, how = same[0].classifier, ""
            many = _MANY_LARGE if math.prod(fast.input_shape) >= _LARGE else _MANY
            if len(same) >= many and parameters.precision != "exact" and parameters.variant not in _RECTIFIED:
                fast, how = _faster(fast, parameters.precision)
            yield from _explained(same, fast, how, parameters)


def _explained(
    subjects: Sequence[Subject], classifier: Classifier, how: str, parameters: SaliencyParameters
) -> Iterator[Result]:
    """Results for subjects of one network; `classifier` runs it or a copy of it, `how` tells which."""
    maps, images = HeatMaps(parameters, how), [_image(subject) for subject in subjects]
    for index, attribution in _attributions(subjects, images, classifier, parameters):
        if attribution.progress < 1 < len(subjects):
            continue  # only one by itself is looked at while it gets better
        subject, progress = subjects[index], (index + attribution.progress) / len(subjects)
        heatmap = maps.of(subject, images[index], attribution)
        yield Result(subject.place, heatmap, final=attribution.progress >= 1, progress=progress)


def _attributions(
    subjects: Sequence[Subject], images: Sequence[Image], classifier: Classifier, parameters: SaliencyParameters
) -> Iterator[tuple[int, Attribution]]:
    """(number of the subject, what was found so far), subject by subject, in joint batches."""
    targets = [_target(subject, parameters.score) for subject in subjects]
    score = Score(classifier, parameters.score)
    if parameters.variant in ("gradient", "input-x-gradient"):
        yield from gradient(score, images, targets, times_input=parameters.variant != "gradient")
        return
    if parameters.variant in _RECTIFIED:
        yield from rectified(score, images, targets, parameters.variant)
        return
    if parameters.variant == "integrated":
        steps, against = parameters.steps, parameters.baseline
        yield from integrated(score, images, targets, steps=steps, against=against, value=parameters.value)
        return
    if parameters.variant in _SMOOTHED:
        yield from smoothed(
            score,
            images,
            targets,
            variant=parameters.variant,
            absolute=parameters.absolute,
            samples=parameters.samples,
            share=parameters.noise,
            seed=parameters.seed,
        )
        return
    hide = partial(baseline, classifier, kind=parameters.baseline, value=parameters.value)
    if (regions := _regions(classifier, parameters)) is not None:
        rows = [subject.place.image for subject in subjects]
        yield from by_regions(score, images, targets, against=hide, regions=regions, rows=rows)
        return
    window, stride = window_of(*classifier.input_shape[1:], parameters.window, parameters.stride)
    yield from by_windows(score, images, targets, against=hide, window=window, stride=stride)


def _regions(classifier: Classifier, parameters: SaliencyParameters) -> Regions | None:
    if not parameters.regions:
        return None
    if parameters.regions != "grid":
        return regions_in(parameters.regions)
    height, width = classifier.input_shape[1:]
    return grid(height, width, window_of(height, width, parameters.window, 0)[0])


def _faster(classifier: Classifier, precision: str) -> tuple[Classifier, str]:
    """A folded copy and what was done; the network itself where it cannot be copied or takes no other memory layout."""
    try:
        return classifier.folded(precision)
    except (RuntimeError, TypeError, NotImplementedError):
        return classifier, ""


def _image(subject: Subject) -> NDArray[np.uint8]:
    if subject.image is None:
        raise ValueError("saliency explains an image, and the subject has none")
    return subject.image


def _target(subject: Subject, score: str) -> int:
    """The class whose score is explained: the place's, or the true one where it is the loss."""
    if score == "loss":
        count = len(subject.classifier.classes)
        if not 0 <= subject.label < count:
            fault = "the image has no true class" if subject.label < 0 else f"{subject.label} is no class of {count}"
            raise InputError("parameter score", f"loss: {fault}", "open data with labels, or use score=log-probability")
        return subject.label
    if subject.place.target is None:
        raise ValueError("saliency explains a target, and the subject's place has none")
    return subject.place.target
