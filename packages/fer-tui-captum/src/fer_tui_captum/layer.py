"""Layers: which places of a layer, and which of its filters, speak for the target, by captum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fer_tui.contract import Axis, Column, Parameters, Place, Subject, Table, Value, parameter

from .aside import Aside
from .baselines import BASELINE_HELP, BASELINES
from .layer_methods import (
    ADDING,
    LAYER_VARIANTS,
    OF_DATA,
    PATHS,
    AtLayer,
    at_layer,
    found_at,
    references_or_baseline,
)
from .layers import UPSAMPLINGS, layer_with_maps, upsampled
from .maps import Attribution, CaptumExplainer, adds_up, difference, input_of
from .relevance import EPSILON, GAMMA, LRP_HELP, RULES
from .rescaling import POOLING_HELP, POOLINGS

_HERE = frozenset({Axis.IMAGE, Axis.TARGET, Axis.LAYER, Axis.CHECKPOINT})
_COMPARED = {"variant": (*PATHS, "deeplift")}
_LRP, _SHAP = {"variant": ("lrp",)}, {"variant": OF_DATA}
_COLUMNS = (Column("filter", link=Axis.FILTER), Column("sum of its map"))
_GAP = "a path goes round the layer, or it takes more steps, more samples or pooling=pairwise"


@dataclass(frozen=True, kw_only=True)
class LayerParameters(Parameters):
    variant: str = parameter("conductance", "what is asked of the layer", choices=LAYER_VARIANTS)
    steps: int = parameter(
        50, "points on the way from the baseline", unit="steps", low=1, high=1000, where={"variant": PATHS}
    )
    baseline: str = parameter("zero", BASELINE_HELP, choices=BASELINES, where=_COMPARED)
    value: int = parameter(
        128, "brightness of baseline=value", low=0, high=255, where={**_COMPARED, "baseline": ("value",)}
    )
    references: int = parameter(
        32, "pictures of the data, drawn by the seed", unit="pictures", low=2, high=1000, where=_SHAP
    )
    samples: int = parameter(
        25, "points between picture and references", low=1, high=1000, where={"variant": ("gradient-shap",)}
    )
    pooling: str = parameter("captum", POOLING_HELP, choices=POOLINGS, where={"variant": ("deeplift", "deeplift-shap")})
    rule: str = parameter("epsilon", LRP_HELP, choices=RULES, where=_LRP)
    epsilon: float = parameter(EPSILON, "lrp: what is added to the size of every sum", low=0, high=1e3, where=_LRP)
    gamma: float = parameter(
        0.25, "lrp: how much more positive weights count", low=0, high=1e3, where={**_LRP, "rule": GAMMA}
    )
    upsampling: str = parameter("bilinear", "from the layer's size to the input's", choices=UPSAMPLINGS)


class Layer(CaptumExplainer[LayerParameters]):
    """captum's layer methods: LayerActivation, LayerGradCam, LayerGradientXActivation, LayerIntegratedGradients,
    LayerConductance, InternalInfluence, LayerDeepLift, LayerDeepLiftShap, LayerGradientShap, LayerLRP,
    LayerFeatureAblation (of places), and GuidedGradCam.

    values: the filter's map, or the sum over all filters, at the input's size; extras: "map" float32 (h, w) at the
    layer's own, "filters" float32 (K,) the sum over each filter's map, where the method knows filters.
    """

    name = "captum-layer"
    title = "Layers (captum)"
    help = (
        "Which places of a layer, and which of its filters, speak for the target: conductance, Grad-CAM and their kin."
    )
    cost = "cheap"
    axes = _HERE | {Axis.FILTER}
    axes_by = (
        "variant",
        {
            "activation": frozenset({Axis.IMAGE, Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT}),
            "guided-grad-cam": _HERE,
            "feature-ablation": _HERE,
        },
    )
    needs_dataset_by = ("variant", dict.fromkeys(OF_DATA, True))
    aliases: ClassVar[Mapping[str, Mapping[str, Value]]] = {
        f"captum-{name}" if name == "guided-grad-cam" else f"layer-{name}": {"variant": name}
        for name in LAYER_VARIANTS
        if name != "internal-influence"
    } | {"internal-influence": {"variant": "internal-influence"}}
    Parameters = LayerParameters

    @classmethod
    def is_linear(cls, parameters: LayerParameters) -> bool:
        return parameters.variant not in ("activation", "guided-grad-cam", "lrp")

    def prepared(self, subject: Subject, parameters: LayerParameters) -> AtLayer:
        name = layer_with_maps(subject.classifier, subject.place.layer)
        return at_layer(subject.classifier, name, parameters.variant, parameters.pooling)

    def attributions(self, subject: Subject, parameters: LayerParameters, prepared: AtLayer) -> Iterator[Attribution]:
        x, aside = input_of(subject), Aside(parameters.seed)
        base = references_or_baseline(subject, parameters, x)
        for found, progress in found_at(prepared, subject, parameters, x, base, aside):
            notes: tuple[str, ...] = ()
            meta: dict[str, object] = {"layer": prepared.name}
            if parameters.variant == "guided-grad-cam":
                yield Attribution(values=found[0], progress=progress, meta=meta)
                continue
            if progress >= 1 and parameters.variant in ADDING:
                sums, notes = adds_up(float(found.sum()), difference(subject, x, base), _GAP)
                meta |= sums
            yield _at_size(subject.place, subject.classifier.input_shape, found[0], parameters, progress, meta, notes)


def _at_size(
    place: Place,
    shape: tuple[int, int, int],
    found: Tensor,
    parameters: LayerParameters,
    progress: float,
    meta: dict[str, object],
    notes: tuple[str, ...],
) -> Attribution:
    """found (K, h, w), K = 1 where the method knows no filters, as an attribution at the input's size."""
    several = len(found) > 1
    one = place.filter if several else None
    small = (found.sum(0) if one is None else found[one]).float().cpu()
    meta = {**meta, "map": list(small.shape), "upsampling": parameters.upsampling}
    if one is not None:
        meta["filter"] = one
    extras, tables = {"map": small.numpy()}, {}
    if several:
        sums = found.sum((1, 2)).float().cpu()
        extras["filters"] = sums.numpy()
        tables["filters"] = Table(_COLUMNS, [(n, float(sums[n])) for n in sums.abs().argsort(descending=True).tolist()])
    if progress >= 1 and small.numel() < 16:
        rows, columns = small.shape
        notes = (*notes, f"the map has {rows} x {columns} places: what is seen between them is interpolation")
    values = upsampled(small, (shape[1], shape[2]), parameters.upsampling)[None]
    signed = not (parameters.variant == "activation" and bool(torch.all(small >= 0)))
    return Attribution(
        values=values, signed=signed, progress=progress, meta=meta, extras=extras, notes=notes, tables=tables
    )
