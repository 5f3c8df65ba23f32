"""CAM: where in the picture a layer's maps speak for the target."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from fer_tui.contract import (
    PRECISIONS,
    Axis,
    Classifier,
    Explainer,
    Heatmap,
    InputError,
    Parameters,
    Result,
    Subject,
    Value,
    parameter,
)

from . import cam_maps, cam_masked
from .cam_fit import Fit, fitted_head
from .cam_head import Head, find_head
from .capturing import captured, spatial_layer, spatial_layers
from .crossing import chosen, sent
from .hastening import hastened
from .saliency_passes import Tensors, sliding
from .saliency_rectified import rectified
from .saliency_scores import Score

Maps = NDArray[np.float32]  # (N, height, width)

_MANY, _VERY_MANY = 16, 128  # images from which on a faster copy of the network, or the fastest, is worth its making
_HERE = frozenset({Axis.IMAGE, Axis.LAYER, Axis.CHECKPOINT})
_MASKED = ("score", "ablation")
_GUIDED = "guided-grad-cam"
_LINEAR = ("auto", "cam", "grad", "xgrad", "hires")  # in the score, where negative values are kept


@dataclass(frozen=True, kw_only=True)
class CamParameters(Parameters):
    variant: str = parameter(
        "auto",
        "how the layer's maps are weighed; auto: cam where the network ends in global average pooling, else grad",
        choices=("auto", "cam", "gap-fit", *cam_maps.OF_GRADIENTS, "eigen", *_MASKED, _GUIDED),
    )
    positive: bool = parameter(False, "cut negative values to zero, as the papers on the gradient variants do")
    sweep: bool = parameter(False, "explain all layers in one pass, not only the chosen one")
    precision: str = parameter("float32", "of the network, where many images are explained", choices=PRECISIONS)


class Cam(Explainer[CamParameters]):
    """Class activation maps: sums of a layer's maps, weighed by what they mean for the target.

    values are the sum, signed, brought to the input's size (bilinear, align_corners=False); extras["map"] float32
    (h, w) is it at the layer's own size. meta has the variant and the layer that were used.
    """

    name = "cam"
    title = "CAM"
    help = "Where in the picture a layer's maps speak for the target class: CAM, Grad-CAM and their kin."
    version = "1"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.LAYER, Axis.CHECKPOINT})
    axes_by = ("variant", {"eigen": _HERE, "cam": frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})})
    needs_dataset_by = ("variant", {"gap-fit": True})
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {
        "grad-cam": {"variant": "grad"},
        "grad-cam++": {"variant": "grad++"},
        "grad-cam-plus-plus": {"variant": "grad++"},
        "xgrad-cam": {"variant": "xgrad"},
        "hires-cam": {"variant": "hires"},
        "layer-cam": {"variant": "layer"},
        "eigen-cam": {"variant": "eigen"},
        "score-cam": {"variant": "score"},
        "ablation-cam": {"variant": "ablation"},
        "guided-grad-cam": {"variant": "guided-grad-cam"},
    }
    cost = "cheap"
    Parameters = CamParameters

    @classmethod
    def for_contrast(cls, parameters: CamParameters) -> CamParameters:
        return dataclasses.replace(parameters, positive=False, sweep=False)

    @classmethod
    def is_linear(cls, parameters: CamParameters) -> bool:
        return parameters.variant in _LINEAR

    def explain(self, subject: Subject, parameters: CamParameters) -> Iterator[Result]:
        """The map of the place; with `sweep` first those of all other layers. score and ablation come step by step."""
        if parameters.variant == "gap-fit":
            plan = yield from _fitted(subject, parameters)
        else:
            plan = _plan(subject.classifier, subject.place.layer, parameters)
        if plan.variant in (*_MASKED, _GUIDED):
            yield from _several(subject.classifier, [subject], plan, parameters)
            return
        layers = [plan.layer]
        if parameters.sweep and plan.head is None:
            layers = [each.name for each in spatial_layers(subject.classifier) if each.name != plan.layer] + layers
        made = dict(zip(layers, _maps(subject.classifier, [subject], layers, plan), strict=True))
        for done, layer in enumerate(layers, 1):
            place = subject.place
            if layer != plan.layer:
                place = dataclasses.replace(place, layer=layer)
            heatmap = _heatmap(subject, made[layer], dataclasses.replace(plan, layer=layer), parameters)
            yield Result(place, heatmap, progress=done / len(layers))

    def explain_many(self, subjects: Sequence[Subject], parameters: CamParameters) -> Iterator[Result]:
        """The maps of many subjects, each with its own target, in batches through a folded copy of the network."""
        for _, group in itertools.groupby(subjects, key=lambda each: (id(each.classifier), each.place.layer)):
            same = list(group)
            classifier = same[0].classifier
            if parameters.sweep:
                for subject in same:
                    yield from self.explain(subject, parameters)
                continue
            if parameters.variant == "gap-fit":
                plan = _drained(_fitted(same[0], parameters))
            else:
                plan = _plan(classifier, same[0].place.layer, parameters)
            fast = classifier
            if len(same) > _MANY and plan.variant not in (*_MASKED, _GUIDED):
                fast, plan = _faster(classifier, same, plan, parameters.precision)
            yield from _several(fast, same, plan, parameters)


@dataclass(frozen=True, eq=False, slots=True)
class _Plan:
    """What is done: the variant, at which layer, with which head (cam, gap-fit), on which copy of the network; why."""

    variant: str
    layer: str
    head: Head | None = None
    how: str = ""
    notes: tuple[str, ...] = ()


def _plan(classifier: Classifier, layer: str | None, parameters: CamParameters) -> _Plan:
    variant = parameters.variant
    if variant not in ("auto", "cam"):
        return _Plan(variant, spatial_layer(classifier, layer))
    head = find_head(classifier)
    if head is not None and (variant == "cam" or layer in (None, head.layer)):
        return _Plan("cam", head.layer, head)
    if variant == "cam":
        fault = "no layer's maps are averaged and weighed by a linear classifier at the end of the network"
        raise InputError("parameter variant", f"cam: {fault}", "variant=grad works for any network")
    layer = spatial_layer(classifier, layer)
    where = f"at {layer}, not at {head.layer}, where the head is" if head is not None else "there is no pooling head"
    return _Plan("grad", layer, notes=(f"Grad-CAM: {where}",))


def _fitted(subject: Subject, parameters: CamParameters) -> Generator[Result, None, _Plan]:
    """The plan with a head that is fitted to the dataset; while that takes its time, Grad-CAM stands in."""
    classifier = subject.classifier
    layer = spatial_layer(classifier, subject.place.layer)
    fitting = fitted_head(classifier, subject.dataset, layer, subject.kept)
    stand_in = None
    while True:
        try:
            done = next(fitting)
        except StopIteration as end:
            fit: Fit = end.value
            right = f"{fit.accuracy:.1%} right on the {fit.rows} rows it was fitted to ({fit.split})"
            return _Plan("gap-fit", layer, fit.head, notes=(f"a linear layer on the means of {layer}: {right}",))
        if stand_in is None:
            plan = _Plan("grad", layer, notes=("Grad-CAM, while a linear layer is fitted to the dataset",))
            stand_in = _heatmap(subject, *_maps(classifier, [subject], [layer], plan), plan, parameters)
        yield Result(subject.place, stand_in, final=False, progress=done)


def _drained(fitting: Generator[Result, None, _Plan]) -> _Plan:
    """What a fit comes to, without the maps that stand in for it."""
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            plan: _Plan = end.value
            return plan


def _maps(classifier: Classifier, subjects: Sequence[Subject], layers: Sequence[str], plan: _Plan) -> list[Tensor]:
    """The maps of each layer for the subjects, from one pass: float32 (N, h, w) on the device."""
    wants_gradients = plan.variant in cam_maps.OF_GRADIENTS
    with (
        torch.inference_mode(False),
        torch.set_grad_enabled(wants_gradients),
        captured(classifier, layers, differentiated=wants_gradients) as outputs,
    ):
        scores = classifier.scores(classifier.inputs([_image(each) for each in subjects]).detach())
        activations = [_captured(outputs, layer, len(subjects)) for layer in layers]
        if plan.variant == "eigen":
            return [cam_maps.eigen(each) for each in activations]
        targets = [_target(each) for each in subjects]
        if plan.head is not None:
            weights = plan.head.weights
            return [cam_maps.cam(activations[0].float(), weights[sent(torch.tensor(targets), weights.device)])]
        gradients: Iterable[Tensor | None] = [None] * len(layers)
        if scores.requires_grad:
            gradients = torch.autograd.grad(scores, activations, chosen(targets, scores), allow_unused=True)
    formula = cam_maps.OF_GRADIENTS[plan.variant]
    return [
        formula(each.detach().float(), torch.zeros_like(each).float() if gradient is None else gradient.float())
        for each, gradient in zip(activations, gradients, strict=True)
    ]


def _faster(
    classifier: Classifier, subjects: Sequence[Subject], plan: _Plan, precision: str
) -> tuple[Classifier, _Plan]:
    """A copy of the network for these images, and the plan with what was done to it."""
    wants_gradients = plan.variant in cam_maps.OF_GRADIENTS
    if len(subjects) > _VERY_MANY and classifier.device.type == "cpu" and not wants_gradients:
        fast, how = hastened(classifier, precision, classifier.inputs([_image(subjects[0])]), (plan.layer,))
    else:
        fast, how = classifier.folded(precision, (plan.layer,))
    return fast, dataclasses.replace(plan, how=how)


def _several(
    classifier: Classifier, subjects: Sequence[Subject], plan: _Plan, parameters: CamParameters
) -> Iterator[Result]:
    """Results for subjects of one network and one layer; `classifier` runs it or a copy of it."""
    if plan.variant in _MASKED:
        yield from _masked(subjects, plan, parameters)
        return
    made = _guided if plan.variant == _GUIDED else partial(_batched, classifier)
    for done, (subject, heatmap) in enumerate(zip(subjects, made(subjects, plan, parameters), strict=True), 1):
        yield Result(subject.place, heatmap, progress=done / len(subjects))


def _batched(
    classifier: Classifier, subjects: Sequence[Subject], plan: _Plan, parameters: CamParameters
) -> Iterator[Heatmap]:
    """The maps of a pass over the subjects, batch by batch."""
    run = partial(_made, classifier, subjects, plan, positive=parameters.positive)
    for start, stop, maps in classifier.in_batches(len(subjects), run, f"cam {plan.variant}"):
        yield from _heatmaps(subjects[start:stop], *maps(), plan, parameters)


def _made(
    classifier: Classifier, subjects: Sequence[Subject], plan: _Plan, start: int, stop: int, *, positive: bool
) -> Callable[[], list[Maps]]:
    """`_sized` maps of the subjects from `start` to `stop` at the plan's layer."""
    (maps,) = _maps(classifier, subjects[start:stop], [plan.layer], plan)
    return _sized(maps, classifier, positive)


def _sized(maps: Tensor, classifier: Classifier, positive: bool) -> Callable[[], list[Maps]]:
    """Maps (N, h, w) as arrays: as they are, and at the input's size, there without negative values if `positive`."""
    kept = maps.detach().float()
    small = kept.clamp(min=0) if positive else kept
    large = F.interpolate(small[:, None], classifier.input_shape[1:], mode="bilinear", align_corners=False)[:, 0]
    return classifier.fetching(kept, large)


def _masked(subjects: Sequence[Subject], plan: _Plan, parameters: CamParameters) -> Iterator[Result]:
    """Score-CAM and Ablation-CAM, of one subject by itself a better map after each batch of its layer's maps."""
    classifier, targets = subjects[0].classifier, [_target(each) for each in subjects]
    fast, how = classifier.folded(parameters.precision, (plan.layer,))
    plan = dataclasses.replace(plan, how=how)

    @sliding
    def look(start: int, stop: int) -> Tensors:
        x = classifier.inputs([_image(each) for each in subjects[start:stop]])
        with torch.no_grad(), captured(classifier, [plan.layer]) as outputs:
            classifier.scores(x.clone())
        return x, _captured(outputs, plan.layer, stop - start).float()

    if plan.variant == "score":
        steps = cam_masked.score(fast, look, targets)
    else:
        steps = cam_masked.ablation(fast, plan.layer, look, targets)
    for index, values, done in steps:
        if done < 1 < len(subjects):
            continue  # only one by itself is looked at while it gets better
        heatmap = _heatmap(subjects[index], values[None], plan, parameters)
        yield Result(subjects[index].place, heatmap, final=done >= 1, progress=(index + done) / len(subjects))


def _guided(subjects: Sequence[Subject], plan: _Plan, parameters: CamParameters) -> Iterator[Heatmap]:
    """Guided backpropagation times the positive part of Grad-CAM, at the input's size (Selvaraju et al. 2017)."""
    classifier, grad = subjects[0].classifier, dataclasses.replace(plan, variant="grad")
    coarse = _batched(classifier, subjects, grad, dataclasses.replace(parameters, positive=True))
    images, targets = [_image(each) for each in subjects], [_target(each) for each in subjects]
    fine = rectified(Score(classifier, "logit"), images, targets, "guided")
    for heatmap, (_, guided) in zip(coarse, fine, strict=True):
        channels = guided.channels * heatmap.values
        values = channels.sum(0)
        several = len(channels) > 1
        yield dataclasses.replace(
            heatmap,
            values=np.maximum(values, 0) if parameters.positive else values,
            signed=not parameters.positive,
            extras={**heatmap.extras, **({"channels": channels} if several else {})},
            meta={**heatmap.meta, "variant": _GUIDED, **({"channels": "sum"} if several else {})},
            notes=(*heatmap.notes, *guided.notes),
        )


def _heatmap(subject: Subject, maps: Tensor, plan: _Plan, parameters: CamParameters) -> Heatmap:
    """The map (1, h, w) at the size of the input, with what is to be said of it."""
    sized = _sized(maps, subject.classifier, parameters.positive)
    (heatmap,) = _heatmaps([subject], *sized(), plan, parameters)
    return heatmap


def _heatmaps(
    subjects: Sequence[Subject], small: Maps, large: Maps, plan: _Plan, parameters: CamParameters
) -> Iterator[Heatmap]:
    """`_heatmap` of many subjects of one network. Each owns its numbers: who keeps one map keeps no whole batch."""
    classifier = subjects[0].classifier
    lows, highs = small.min((1, 2)), small.max((1, 2))  # not finite where a value is not
    speaks = np.isfinite(lows) & np.isfinite(highs) & (highs > 0)
    kept = np.maximum(small, 0) if parameters.positive else small
    meta = {"variant": plan.variant, "layer": plan.layer, "upsampling": "bilinear", "map": list(small.shape[1:])}
    meta |= {"network": plan.how} if plan.how else {}
    coarse = tuple(_coarse(small.shape[1:], plan.variant))
    for n, (subject, plain) in enumerate(zip(subjects, speaks.tolist(), strict=True)):
        said = () if plain else (_warning(small[n], float(lows[n]), float(highs[n]), parameters.positive),)
        yield Heatmap(
            values=large[n].copy(),
            image=classifier.shown(_image(subject)),
            signed=not parameters.positive,
            extras={"map": kept[n].copy()},
            meta=meta,
            notes=(*plan.notes, *said, *coarse),
        )


def _coarse(shape: tuple[int, ...], variant: str) -> Iterator[str]:
    rows, columns = shape
    if rows * columns < 16 and variant != "eigen":
        yield f"the map has {rows} x {columns} places: what is seen between them is interpolation"


def _warning(values: NDArray[np.float32], low: float, high: float, positive: bool) -> str:
    """What is to be said of a map that speaks for nothing."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{int((~np.isfinite(values)).sum())} of {values.size} values are not finite"
    if low == high == 0:
        return "the map is zero everywhere: nothing at this layer moves the target's score"
    blank = "blank once negative values are cut" if not positive else "blank, for negative values are cut"
    return f"no place speaks for the target: the map runs from {low:.3g} to {high:.3g}, so it is {blank}"


def _captured(outputs: dict[str, Tensor], layer: str, count: int) -> Tensor:
    output = outputs.get(layer)
    if output is None:
        raise InputError(f"layer {layer}", "it does not run when the network makes its scores", "choose another layer")
    if output.ndim != 4 or len(output) != count:
        shape = f"{tuple(output.shape)} for {count} images"
        raise InputError(f"layer {layer}", f"its output is {shape}, not (N, K, h, w)", "choose another layer")
    return output


def _image(subject: Subject) -> NDArray[np.uint8]:
    if subject.image is None:
        raise ValueError("cam explains an image, and the subject has none")
    return subject.image


def _target(subject: Subject) -> int:
    if subject.place.target is None:
        raise ValueError("cam explains a target, and the subject's place has none")
    return subject.place.target
