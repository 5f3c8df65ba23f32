"""captum's layer methods, each at the layer it is asked of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fer_tui.contract import Classifier, Subject

from .aside import Aside, pass_size
from .baselines import baseline, references
from .hiding import sliced
from .layers import output_of
from .maps import target_of
from .paths import along_path
from .rectified import for_rectified
from .relevance import for_lrp, with_rules
from .rescaling import chunks, for_deeplift, rescale_rules
from .segments import grid
from .settled import settled
from .unrolled import Network, Unrolled

if TYPE_CHECKING:
    from .layer import LayerParameters

PATHS = ("integrated-gradients", "conductance", "internal-influence")
OF_DATA = ("gradient-shap", "deeplift-shap")
ADDING = ("integrated-gradients", "conductance", "deeplift", "deeplift-shap")  # sum up to a difference of scores
LAYER_VARIANTS = (
    "conductance",
    "activation",
    "grad-cam",
    "gradient-x-activation",
    "integrated-gradients",
    "internal-influence",
    "deeplift",
    "deeplift-shap",
    "gradient-shap",
    "lrp",
    "feature-ablation",
    "guided-grad-cam",
)
_CELLS = 64  # parts of a layer's map that are hidden one by one
_SLICE = 5  # samples between two results

Step = tuple[Tensor, float]


@dataclass(frozen=True, eq=False, slots=True)
class AtLayer:
    """A network and its layer as captum wants them; unrolled where the method's rules need it."""

    name: str
    network: Network
    layer: nn.Module
    unrolled: Unrolled | None = None


def at_layer(classifier: Classifier, name: str, variant: str, pooling: str = "captum") -> AtLayer:
    """The network for a method at the layer of that name; InputError where it cannot take it."""
    if variant in ("deeplift", "deeplift-shap"):
        found = for_deeplift(classifier, pooling, name)
    elif variant == "lrp":
        found = for_lrp(classifier, name, fold=True)
    elif variant in ("guided-grad-cam", "guided-backprop", "deconvolution"):
        found = for_rectified(classifier, variant, name)
    else:
        calm = settled(classifier, always=True)
        return AtLayer(name, Network(calm), calm.module.get_submodule(name))
    assert found.layer is not None
    return AtLayer(name, found.network, found.layer, found)


def references_or_baseline(subject: Subject, parameters: Any, x: Tensor) -> Tensor:
    """What the picture is compared with: pictures of the data (n, C, H, W), or a baseline (1, C, H, W)."""
    if parameters.variant in OF_DATA:
        return references(subject, parameters.references, parameters.seed)
    return baseline(subject.classifier, x, parameters.baseline, parameters.value)


def found_at(
    at: AtLayer, subject: Subject, parameters: LayerParameters, x: Tensor, base: Tensor, aside: Aside
) -> Iterator[Step]:
    """The layer's attributions (1, K, h, w) so far, K = 1 where the method knows no filters, and how much is done."""
    variant, target = parameters.variant, target_of(subject) if parameters.variant != "activation" else 0
    if variant in PATHS:
        yield from _along_path(at, subject.classifier, parameters, x, base, target)
    elif variant == "deeplift-shap":
        yield from _deeplift_shap(at, subject.classifier, x, base, aside, target)
    elif variant == "gradient-shap":
        yield from _gradient_shap(at, subject.classifier, parameters.samples, x, base, aside, target)
    elif variant == "feature-ablation":
        yield from _ablated(at, subject.classifier, x, aside, target)
    else:
        yield _at_once(at, parameters, subject, x, base, aside, target), 1.0


def _at_once(
    at: AtLayer, parameters: LayerParameters, subject: Subject, x: Tensor, base: Tensor, aside: Aside, target: int
) -> Tensor:
    """The methods of one pass."""
    from captum import attr

    variant = parameters.variant
    with aside(), rescale_rules():
        x = x.clone().requires_grad_()  # the network's own weights may be frozen
        if variant == "activation":
            return output_of(at.network, at.layer, at.name, x)
        if variant == "grad-cam":
            whole = subject.place.filter is None
            found = attr.LayerGradCam(at.network, at.layer).attribute(x, target, attr_dim_summation=whole)
        elif variant == "gradient-x-activation":
            found = attr.LayerGradientXActivation(at.network, at.layer).attribute(x, target)
        elif variant == "deeplift":
            found = attr.LayerDeepLift(at.network, at.layer).attribute(x, base, target)
        elif variant == "lrp":
            assert at.unrolled is not None
            with_rules(at.unrolled, parameters.rule, parameters.epsilon, parameters.gamma)
            found = attr.LayerLRP(at.network, at.layer).attribute(x, target)
        else:
            mode = "bilinear" if parameters.upsampling == "bilinear" else "nearest"
            found = attr.GuidedGradCam(at.network, at.layer).attribute(x, target, interpolate_mode=mode)
    return _tensor(found)


def _along_path(
    at: AtLayer,
    classifier: Classifier,
    parameters: LayerParameters,
    x: Tensor,
    base: Tensor,
    target: int,
) -> Iterator[Step]:
    """The methods that go from the baseline to the picture."""
    from captum import attr

    kinds: dict[str, Any] = {
        "integrated-gradients": attr.LayerIntegratedGradients,
        "conductance": attr.LayerConductance,
        "internal-influence": attr.InternalInfluence,
    }
    method, size = kinds[parameters.variant](at.network, at.layer), pass_size(classifier)

    def run(steps: int) -> Tensor:
        return _tensor(
            method.attribute(x.clone().requires_grad_(), base, target, n_steps=steps, internal_batch_size=size)
        )

    yield from along_path(at.network, parameters.steps, size, run, hooked=at.network.inside is classifier.module)


def _deeplift_shap(
    at: AtLayer, classifier: Classifier, x: Tensor, pictures: Tensor, aside: Aside, target: int
) -> Iterator[Step]:
    from captum import attr

    total, done = torch.zeros(()), 0
    for part in chunks(pictures, pass_size(classifier) // 2):
        with aside(), rescale_rules():
            found = attr.LayerDeepLiftShap(at.network, at.layer).attribute(x.clone(), part.clone(), target)
        total, done = total.to(x.device) + _tensor(found) * len(part), done + len(part)
        yield total / done, done / len(pictures)


def _gradient_shap(
    at: AtLayer, classifier: Classifier, samples: int, x: Tensor, pictures: Tensor, aside: Aside, target: int
) -> Iterator[Step]:
    from captum import attr

    total, done = torch.zeros(()), 0
    while done < samples:
        count = min(_SLICE, pass_size(classifier), samples - done)
        with aside():
            found = attr.LayerGradientShap(at.network, at.layer).attribute(x.clone(), pictures, count, 0.0, target)
        total, done = total.to(x.device) + _tensor(found) * count, done + count
        yield total / done, done / samples


def _ablated(at: AtLayer, classifier: Classifier, x: Tensor, aside: Aside, target: int) -> Iterator[Step]:
    """LayerFeatureAblation of the map's places: all filters of a place, or of a cell of places, become 0 together."""
    from captum import attr

    with aside():
        output = output_of(at.network, at.layer, at.name, x)
    height, width = output.shape[2:]
    cells = torch.from_numpy(grid(height, width, min(height * width, _CELLS)))
    method = attr.LayerFeatureAblation(at.network, at.layer)

    def hide(mask: Tensor, size: int) -> Tensor:
        with aside():
            return _tensor(method.attribute(x, None, target, layer_mask=mask, perturbations_per_eval=size))

    for worth, progress in sliced(classifier, cells, hide):
        yield worth[cells][None, None], progress


def _tensor(found: Any) -> Tensor:
    one: Tensor = found[0] if isinstance(found, tuple | list) else found
    return one.detach()
