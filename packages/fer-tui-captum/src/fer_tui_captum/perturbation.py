"""Perturbations: how the target's score changes as parts of the picture are hidden, by captum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fer_tui.contract import Axis, Classifier, InputError, Parameters, Subject, Value, parameter

from .aside import Aside, pass_size
from .baselines import BASELINES, baseline
from .hiding import Hiding, ablated, drawn, fitted, occluded, permuted
from .maps import Attribution, CaptumExplainer, adds_up, difference, image_of, input_of, target_of
from .segments import SEGMENTATIONS, segments

_DRAWN = ("shapley-sampling", "kernel-shap", "lime", "feature-permutation")
_ADDING = ("shapley-sampling", "kernel-shap")
_SEGMENTED = ("feature-ablation", *_DRAWN)
_WINDOWS, _SEGMENTS = {"variant": ("occlusion",)}, {"variant": _SEGMENTED}
_SAMPLES = {"shapley-sampling": 25, "kernel-shap": 500, "lime": 500, "feature-permutation": 8}


@dataclass(frozen=True, kw_only=True)
class PerturbationParameters(Parameters):
    variant: str = parameter("occlusion", "how parts are hidden", choices=("occlusion", *_SEGMENTED))
    baseline: str = parameter(
        "zero",
        "what hidden pixels become; zero: the number 0 of the network's input, captum's own choice",
        choices=BASELINES,
        where={"variant": ("occlusion", "feature-ablation", "shapley-sampling", "kernel-shap", "lime")},
    )
    value: int = parameter(128, "brightness of baseline=value", low=0, high=255, where={"baseline": ("value",)})
    window: int = parameter(
        0, "occlusion: side of the hidden square; 0: a sixth of the input", unit="px", low=0, high=4096, where=_WINDOWS
    )
    stride: int = parameter(
        0, "occlusion: distance of the squares; 0: half a window", unit="px", low=0, high=4096, where=_WINDOWS
    )
    segments: str = parameter("grid", "the parts that are hidden as one", choices=SEGMENTATIONS, where=_SEGMENTS)
    count: int = parameter(
        0, "about how many segments; 0: as many as fit the size", unit="segments", low=0, high=4096, where=_SEGMENTS
    )
    samples: int = parameter(
        0,
        "orders (shapley-sampling, 25), hidden pictures (kernel-shap, lime, 500), other pictures (feature-permutation, "
        "8); 0: the number here",
        low=0,
        high=100000,
        where={"variant": _DRAWN},
    )
    alpha: float = parameter(0.01, "lime: weight of the Lasso's penalty", low=0, high=100, where={"variant": ("lime",)})


class Perturbation(CaptumExplainer[PerturbationParameters]):
    """captum's Occlusion, FeatureAblation, ShapleyValueSampling, KernelShap, Lime and FeaturePermutation.

    values: on each pixel the worth of the part it is in: what the score loses without it, or its Shapley value, or its
    weight. extras: "segments" int64 (H, W), "worth" float32 (S,), of each segment.
    """

    name = "captum-perturbation"
    title = "Perturbations (captum)"
    help = (
        "How the target's score changes as windows or segments of the picture are hidden: occlusion to Shapley values."
    )
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    needs_dataset_by = ("variant", {"feature-permutation": True})
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {
        "captum-occlusion": {"variant": "occlusion"},
        "feature-ablation": {"variant": "feature-ablation"},
        "shapley-sampling": {"variant": "shapley-sampling"},
        "kernel-shap": {"variant": "kernel-shap"},
        "captum-lime": {"variant": "lime"},
        "feature-permutation": {"variant": "feature-permutation"},
    }
    Parameters = PerturbationParameters

    @classmethod
    def is_linear(cls, parameters: PerturbationParameters) -> bool:
        return parameters.variant != "lime"

    def prepared(self, subject: Subject, parameters: PerturbationParameters) -> tuple[Classifier, str]:
        """A faster copy of the network where there is one, for only scores are looked at; and what it is."""
        return subject.classifier.folded()

    def attributions(
        self, subject: Subject, parameters: PerturbationParameters, prepared: tuple[Classifier, str]
    ) -> Iterator[Attribution]:
        (classifier, how), x = prepared, input_of(subject)
        network = {"network": how} if how else {}
        base = baseline(classifier, x, parameters.baseline, parameters.value)
        hiding = Hiding(classifier, x, base, target_of(subject), Aside(parameters.seed), pass_size(classifier))
        if parameters.variant == "occlusion":
            window, stride = _window(*classifier.input_shape[1:], parameters.window, parameters.stride)
            meta = {"window": window, "stride": stride, **network}
            for values, progress in occluded(hiding, window, stride):
                yield Attribution(values=values[None], progress=progress, meta=meta)
            return
        parts = segments(classifier.shown(image_of(subject)), parameters.segments, parameters.count)
        number = int(parts.max()) + 1
        if number < 2:
            raise InputError("parameter count", f"the picture falls into {number} segment", "segments=grid")
        samples = parameters.samples or _SAMPLES.get(parameters.variant, 0)
        extras = {"segments": parts}
        meta = {"segments": number, **({"samples": samples} if samples else {}), **network}
        for worth, progress in _worths(subject, parameters, hiding, torch.from_numpy(parts), samples):
            found = extras | {"worth": worth.float().numpy()}
            added, notes = _checked(subject, parameters, hiding, worth, samples) if progress >= 1 else ({}, ())
            values = worth[torch.from_numpy(parts)][None]
            yield Attribution(values=values, progress=progress, meta=meta | added, notes=notes, extras=found)


def _worths(
    subject: Subject, parameters: PerturbationParameters, hiding: Hiding, parts: Tensor, samples: int
) -> Iterator[tuple[Tensor, float]]:
    """The worth of each segment so far (S,), and how much is done."""
    if parameters.variant == "feature-ablation":
        return ablated(hiding, parts)
    if parameters.variant == "shapley-sampling":
        return drawn(hiding, parts, samples)
    if parameters.variant == "feature-permutation":
        return permuted(hiding, parts, subject, samples, parameters.seed)
    return fitted(hiding, parts, samples, parameters.variant, parameters.alpha, parameters.seed)


def _checked(
    subject: Subject, parameters: PerturbationParameters, hiding: Hiding, worth: Tensor, samples: int
) -> tuple[dict[str, float], tuple[str, ...]]:
    """meta and notes at the end."""
    notes: tuple[str, ...] = ()
    if parameters.variant in ("kernel-shap", "lime") and samples < 2 * len(worth):
        notes = (f"{samples} samples for {len(worth)} segments: too few to tell them apart, take some hundreds",)
    if parameters.variant not in _ADDING:
        return {}, notes
    gap = "the fit is loose, more samples bring them together"
    meta, told = adds_up(float(worth.sum()), difference(subject, hiding.x, hiding.base), gap)
    return meta, (*notes, *told)


def _window(height: int, width: int, window: int, stride: int) -> tuple[int, int]:
    """The window's side and the stride in pixels."""
    shorter = min(height, width)
    window = window or max(1, round(shorter / 6))
    stride = stride or max(1, window // 2)
    if window > shorter:
        fault = f"{window} pixels do not fit into the network's input of {height} x {width}"
        raise InputError("parameter window", fault, f"at most {shorter}")
    if stride > window:
        raise InputError("parameter stride", f"{stride} pixels leave gaps between windows of {window}", f"{window}")
    return window, stride
