"""Gradients: how strongly the target's score reacts to each pixel, by captum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from fer_tui.contract import Axis, Classifier, Parameters, Subject, Value, parameter

from .aside import Aside, pass_size
from .baselines import BASELINE_HELP, BASELINES, baseline, references
from .maps import Attribution, CaptumExplainer, adds_up, difference, input_of, target_of
from .paths import along_path
from .rectified import RECTIFIED, for_rectified
from .settled import settled
from .unrolled import Network

_NOISY = ("smoothgrad", "smoothgrad-squared", "vargrad")
_TUNNELLED = ("saliency", "input-x-gradient", "integrated-gradients", *RECTIFIED)
_PATH, _DATA = {"variant": ("integrated-gradients",)}, {"variant": ("gradient-shap",)}
_SLICE = 5  # noisy copies between two results
_GAP = {"integrated-gradients": "more steps bring them together", "gradient-shap": "more samples bring them together"}


@dataclass(frozen=True, kw_only=True)
class GradientParameters(Parameters):
    variant: str = parameter("saliency", "how the map is made", choices=(*_TUNNELLED, "gradient-shap"))
    noise: str = parameter(
        "none",
        "captum's NoiseTunnel around it: mean, mean square or variance over noisy copies of the picture",
        choices=("none", *_NOISY),
        where={"variant": _TUNNELLED},
    )
    samples: int = parameter(
        25,
        "noisy copies; gradient-shap: points between picture and references",
        low=1,
        high=1000,
    )
    deviation: float = parameter(
        0.15,
        "standard deviation of the noise; gradient-shap adds some, too",
        unit="of the input's range",
        low=0,
        high=1,
    )
    steps: int = parameter(
        50, "integrated-gradients: points on the way from the baseline", unit="steps", low=1, high=1000, where=_PATH
    )
    baseline: str = parameter("zero", f"integrated-gradients: {BASELINE_HELP}", choices=BASELINES, where=_PATH)
    value: int = parameter(
        128, "brightness of baseline=value", low=0, high=255, where={**_PATH, "baseline": ("value",)}
    )
    references: int = parameter(
        32, "gradient-shap: pictures of the data, drawn by the seed", unit="pictures", low=2, high=1000, where=_DATA
    )


class Gradient(CaptumExplainer[GradientParameters]):
    """captum's Saliency, InputXGradient, IntegratedGradients, GradientShap, GuidedBackprop and Deconvolution.

    NoiseTunnel goes around all but GradientShap, which is one. saliency loses its sign, as captum has it.
    """

    name = "captum-gradient"
    title = "Gradients (captum)"
    help = "How strongly the target's score reacts to each pixel: captum's gradients, with noise or against baselines."
    cost = "cheap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    needs_dataset_by = ("variant", {"gradient-shap": True})
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {
        "captum-saliency": {"variant": "saliency"},
        "captum-input-x-gradient": {"variant": "input-x-gradient"},
        "captum-integrated-gradients": {"variant": "integrated-gradients"},
        "captum-guided-backprop": {"variant": "guided-backprop"},
        "captum-deconvolution": {"variant": "deconvolution"},
        "gradient-shap": {"variant": "gradient-shap"},
    }
    Parameters = GradientParameters

    @classmethod
    def is_linear(cls, parameters: GradientParameters) -> bool:
        linear = ("input-x-gradient", "integrated-gradients", "gradient-shap")
        return parameters.variant in linear and parameters.noise in ("none", "smoothgrad")

    def prepared(self, subject: Subject, parameters: GradientParameters) -> Network:
        if parameters.variant in RECTIFIED:
            return for_rectified(subject.classifier, parameters.variant).network
        return Network(settled(subject.classifier))

    def attributions(
        self, subject: Subject, parameters: GradientParameters, prepared: Network
    ) -> Iterator[Attribution]:
        aside, x = Aside(parameters.seed), input_of(subject)
        if parameters.variant == "gradient-shap":
            return _gradient_shap(subject, parameters, prepared, aside, x)
        if parameters.noise != "none":
            return _tunnelled(subject, parameters, prepared, aside, x)
        return _plain(subject, parameters, prepared, aside, x)


def _plain(
    subject: Subject, parameters: GradientParameters, network: Network, aside: Aside, x: Tensor
) -> Iterator[Attribution]:
    signed = parameters.variant != "saliency"
    if parameters.variant != "integrated-gradients":
        with aside():
            found = _captum(parameters, network).attribute(x.clone(), target=target_of(subject))
        yield Attribution(values=found.detach()[0], signed=signed)
        return
    base = baseline(subject.classifier, x, parameters.baseline, parameters.value)
    size, target = pass_size(subject.classifier), target_of(subject)

    def run(steps: int) -> Tensor:
        found: Tensor = _captum(parameters, network).attribute(
            x.clone().requires_grad_(), base, target, n_steps=steps, internal_batch_size=size
        )
        return found.detach()[0]

    for values, progress in along_path(network, parameters.steps, size, run):
        if progress < 1:
            yield Attribution(values=values, progress=progress)
            continue
        meta, notes = adds_up(float(values.sum()), difference(subject, x, base), _GAP[parameters.variant])
        yield Attribution(values=values, meta=meta, notes=notes)


def _tunnelled(
    subject: Subject, parameters: GradientParameters, network: Network, aside: Aside, x: Tensor
) -> Iterator[Attribution]:
    """captum's NoiseTunnel in slices of a few samples: the mean over what was drawn so far."""
    from captum import attr

    classifier, spread = subject.classifier, _spread(subject.classifier, parameters)
    base = baseline(classifier, x, parameters.baseline, parameters.value)
    tunnel = attr.NoiseTunnel(_captum(parameters, network))
    extra: dict[str, Any] = {}
    if parameters.variant == "integrated-gradients":
        extra = {"baselines": base, "n_steps": parameters.steps, "internal_batch_size": pass_size(classifier)}
    mean, square, done = torch.zeros_like(x), torch.zeros_like(x), 0
    twin = Aside(parameters.seed)  # the same noise again, for the square
    while done < parameters.samples:
        count = min(_SLICE, pass_size(classifier), parameters.samples - done)
        given = {"nt_samples": count, "stdevs": spread, "target": target_of(subject), **extra}
        if parameters.noise != "smoothgrad-squared":
            with aside():
                mean += tunnel.attribute(x.clone(), nt_type="smoothgrad", **given).detach() * count
        if parameters.noise != "smoothgrad":
            with twin():
                square += tunnel.attribute(x.clone(), nt_type="smoothgrad_sq", **given).detach() * count
        done += count
        found = {
            "smoothgrad": mean / done,
            "smoothgrad-squared": square / done,
            "vargrad": square / done - (mean / done) ** 2,
        }[parameters.noise]
        signed = parameters.noise == "smoothgrad" and parameters.variant != "saliency"
        progress = done / parameters.samples
        yield Attribution(values=found[0], signed=signed, progress=progress, meta={"deviation": spread})


def _gradient_shap(
    subject: Subject, parameters: GradientParameters, network: Network, aside: Aside, x: Tensor
) -> Iterator[Attribution]:
    """captum's GradientShap in slices of a few samples."""
    from captum import attr

    classifier, spread = subject.classifier, _spread(subject.classifier, parameters)
    pictures = references(subject, parameters.references, parameters.seed)
    method = attr.GradientShap(network)
    total, done = torch.zeros_like(x), 0
    while done < parameters.samples:
        count = min(_SLICE, pass_size(classifier), parameters.samples - done)
        with aside():
            found = method.attribute(x.clone(), pictures, count, spread, target_of(subject)).detach()
        total, done = total + found * count, done + count
        if done < parameters.samples:
            yield Attribution(values=total[0] / done, progress=done / parameters.samples)
    meta, notes = adds_up(float(total.sum()) / done, difference(subject, x, pictures), _GAP[parameters.variant])
    yield Attribution(
        values=total[0] / done, meta={"references": len(pictures), "deviation": spread, **meta}, notes=notes
    )


def _captum(parameters: GradientParameters, network: Network) -> Any:
    from captum import attr

    kinds: dict[str, Callable[[Any], Any]] = {
        "saliency": attr.Saliency,
        "input-x-gradient": attr.InputXGradient,
        "integrated-gradients": attr.IntegratedGradients,
        "guided-backprop": attr.GuidedBackprop,
        "deconvolution": attr.Deconvolution,
    }
    return kinds[parameters.variant](network)


def _spread(classifier: Classifier, parameters: GradientParameters) -> float:
    """The noise's standard deviation in numbers of the network's input: a share of what black and white are apart."""
    like = torch.ones(1, *classifier.input_shape, device=classifier.device)
    black, white = (baseline(classifier, like, "value", value) for value in (0, 255))
    return parameters.deviation * float((white - black).abs().max())
