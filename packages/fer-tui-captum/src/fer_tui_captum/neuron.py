"""Neurons: which pixels a unit of a layer reacts to, by captum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from fer_tui.contract import Axis, InputError, Parameters, Subject, Value, parameter

from .aside import Aside, pass_size
from .baselines import BASELINE_HELP, BASELINES
from .hiding import sliced
from .layer_methods import OF_DATA, AtLayer, at_layer, references_or_baseline
from .layers import chosen_filter, layer_with_maps, output_of
from .maps import Attribution, CaptumExplainer, image_of, input_of, target_of
from .paths import along_path
from .rescaling import POOLING_HELP, POOLINGS, chunks, rescale_rules
from .segments import SEGMENTATIONS, segments

_PATHS = ("integrated-gradients", "conductance")
_VARIANTS = (
    "gradient",
    "integrated-gradients",
    "conductance",
    "deeplift",
    "deeplift-shap",
    "gradient-shap",
    "guided-backprop",
    "deconvolution",
    "feature-ablation",
)
_COMPARED = {"variant": (*_PATHS, "deeplift", "feature-ablation")}
_HIDDEN = {"variant": ("feature-ablation",)}
_SLICE = 5  # samples between two results
_HERE = frozenset({Axis.IMAGE, Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT})

Selector = tuple[int, ...] | Callable[[Tensor], Tensor]
Step = tuple[Tensor, float]


@dataclass(frozen=True, kw_only=True)
class NeuronParameters(Parameters):
    variant: str = parameter("gradient", "how the map is made", choices=_VARIANTS)
    unit: str = parameter(
        "peak",
        "which unit of the filter: the one where it is largest on this image, the mean of all, or the one at a place",
        choices=("peak", "mean", "place"),
    )
    row: int = parameter(0, "its row in the layer's map, from 0", low=0, where={"unit": ("place",)})
    column: int = parameter(0, "its column in the layer's map, from 0", low=0, where={"unit": ("place",)})
    steps: int = parameter(
        50, "points on the way from the baseline", unit="steps", low=1, high=1000, where={"variant": _PATHS}
    )
    baseline: str = parameter("zero", BASELINE_HELP, choices=BASELINES, where=_COMPARED)
    value: int = parameter(
        128, "brightness of baseline=value", low=0, high=255, where={**_COMPARED, "baseline": ("value",)}
    )
    references: int = parameter(
        32, "pictures of the data, drawn by the seed", unit="pictures", low=2, high=1000, where={"variant": OF_DATA}
    )
    samples: int = parameter(
        25, "points between picture and references", low=1, high=1000, where={"variant": ("gradient-shap",)}
    )
    pooling: str = parameter("captum", POOLING_HELP, choices=POOLINGS, where={"variant": ("deeplift", "deeplift-shap")})
    segments: str = parameter("grid", "the parts that are hidden as one", choices=SEGMENTATIONS, where=_HIDDEN)
    count: int = parameter(
        0, "about how many segments; 0: as many as fit the size", unit="segments", low=0, high=4096, where=_HIDDEN
    )


class Neuron(CaptumExplainer[NeuronParameters]):
    """captum's neuron methods: NeuronGradient, NeuronIntegratedGradients, NeuronConductance, NeuronDeepLift,
    NeuronDeepLiftShap, NeuronGradientShap, NeuronGuidedBackprop, NeuronDeconvolution, NeuronFeatureAblation.

    values: what each pixel does to the unit's output, signed; conductance: what of the target's score goes from each
    pixel through the unit. meta has the layer, the filter and the unit's place; where no filter is chosen it is the
    most active one.
    """

    name = "captum-neuron"
    title = "Neurons (captum)"
    help = "Which pixels a unit of a layer reacts to: a filter where it is largest, its mean, or any place of it."
    cost = "cheap"
    axes = _HERE
    axes_by = ("variant", {"conductance": _HERE | {Axis.TARGET}})
    needs_dataset_by = ("variant", dict.fromkeys(OF_DATA, True))
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {f"neuron-{name}": {"variant": name} for name in _VARIANTS}
    Parameters = NeuronParameters

    def prepared(self, subject: Subject, parameters: NeuronParameters) -> AtLayer:
        name = subject.place.layer or layer_with_maps(subject.classifier, None)
        return at_layer(subject.classifier, name, parameters.variant, parameters.pooling)

    def attributions(self, subject: Subject, parameters: NeuronParameters, prepared: AtLayer) -> Iterator[Attribution]:
        x, aside = input_of(subject), Aside(parameters.seed)
        with aside():
            output = output_of(prepared.network, prepared.layer, prepared.name, x)
        if output.ndim not in (2, 4):
            shape = tuple(output.shape[1:])
            raise InputError(f"layer {prepared.name}", f"its output is {shape}, no units or maps", "another layer")
        number, notes = chosen_filter(output, subject.place.filter, by_peak=parameters.unit != "mean")
        selector, unit = _selected(output, number, parameters, prepared.name)
        meta = {"layer": prepared.name, "filter": number, "unit": unit}
        base = references_or_baseline(subject, parameters, x)
        for found, progress in _found(prepared, subject, parameters, selector, x, base, aside):
            yield Attribution(values=found, progress=progress, meta=meta, notes=notes if progress >= 1 else ())


def _selected(output: Tensor, number: int, parameters: NeuronParameters, layer: str) -> tuple[Selector, object]:
    """captum's selector of the unit, and the unit as data: its row and column, "mean", or none in a layer of units."""
    if output.ndim == 2:
        return (number,), None
    if parameters.unit == "mean":
        if parameters.variant == "conductance":
            raise InputError("parameter unit", "mean: conductance goes through one unit", "unit=peak or place")
        return (lambda out: out[:, number].mean((1, 2))), "mean"
    height, width = output.shape[2:]
    if parameters.unit == "place":
        row, column = parameters.row, parameters.column
        if row >= height or column >= width:
            fault = f"row {row}, column {column} is outside the map of {height} x {width}"
            raise InputError(f"unit in layer {layer}", fault, f"0 to {height - 1}, 0 to {width - 1}")
    else:
        row, column = divmod(int(torch.argmax(output[0, number])), width)
    return (number, row, column), [row, column]


def _found(
    at: AtLayer,
    subject: Subject,
    parameters: NeuronParameters,
    selector: Selector,
    x: Tensor,
    base: Tensor,
    aside: Aside,
) -> Iterator[Step]:
    """What was found so far, (C, H, W), and how much is done."""
    variant, classifier = parameters.variant, subject.classifier
    if variant in _PATHS:
        yield from _along_path(at, subject, parameters, selector, x, base)
    elif variant in OF_DATA:
        yield from _against_data(at, subject, parameters, selector, x, base, aside)
    elif variant == "feature-ablation":
        parts = torch.from_numpy(segments(classifier.shown(image_of(subject)), parameters.segments, parameters.count))
        method = _method(variant, at)

        def hide(mask: Tensor, size: int) -> Tensor:
            with aside():
                found: Tensor = method.attribute(x, selector, base, None, mask, perturbations_per_eval=size)
            return found

        for worth, progress in sliced(classifier, parts, hide):
            yield worth[parts][None], progress
    else:
        compared = (base,) if variant == "deeplift" else ()
        with aside(), rescale_rules():
            found = _method(variant, at).attribute(x, selector, *compared)
        yield found.detach()[0], 1.0


def _along_path(
    at: AtLayer,
    subject: Subject,
    parameters: NeuronParameters,
    selector: Selector,
    x: Tensor,
    base: Tensor,
) -> Iterator[Step]:
    """The methods that go from the baseline to the picture."""
    size = pass_size(subject.classifier)
    given = {"internal_batch_size": size}
    if parameters.variant == "conductance":
        given["target"] = target_of(subject)

    def run(steps: int) -> Tensor:
        method = _method(parameters.variant, at)
        found: Tensor = method.attribute(x.clone().requires_grad_(), selector, base, n_steps=steps, **given)
        return found.detach()[0]

    hooked = at.network.inside is subject.classifier.module
    yield from along_path(at.network, parameters.steps, size, run, hooked=hooked)


def _against_data(
    at: AtLayer,
    subject: Subject,
    parameters: NeuronParameters,
    selector: Selector,
    x: Tensor,
    pictures: Tensor,
    aside: Aside,
) -> Iterator[Step]:
    """The mean over references, or over samples between them and the picture, some at a time."""
    total, done, size = torch.zeros_like(x), 0, pass_size(subject.classifier)
    method = _method(parameters.variant, at)
    if parameters.variant == "deeplift-shap":
        for part in chunks(pictures, size // 2):
            with aside(), rescale_rules():
                total += method.attribute(x.clone(), selector, part.clone()).detach() * len(part)
            done += len(part)
            yield total[0] / done, done / len(pictures)
        return
    while done < parameters.samples:
        count = min(_SLICE, size, parameters.samples - done)
        with aside():
            total += method.attribute(x.clone(), selector, pictures, count).detach() * count
        done += count
        yield total[0] / done, done / parameters.samples


def _method(variant: str, at: AtLayer) -> Any:
    from captum import attr

    kinds: dict[str, Any] = {
        "gradient": attr.NeuronGradient,
        "integrated-gradients": attr.NeuronIntegratedGradients,
        "conductance": attr.NeuronConductance,
        "deeplift": attr.NeuronDeepLift,
        "deeplift-shap": attr.NeuronDeepLiftShap,
        "gradient-shap": attr.NeuronGradientShap,
        "guided-backprop": attr.NeuronGuidedBackprop,
        "deconvolution": attr.NeuronDeconvolution,
        "feature-ablation": attr.NeuronFeatureAblation,
    }
    return kinds[variant](at.network, at.layer)
