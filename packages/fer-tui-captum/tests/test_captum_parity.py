"""The numbers are captum's own, asked for as a user would: by name, through the engine."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from captum import attr
from captum.attr._core import deep_lift
from captum.attr._utils.lrp_rules import EpsilonRule, GammaRule, IdentityRule
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import FER_CLASSES, Heatmap, Place
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine

Faces = tuple[NDArray[np.uint8], NDArray[np.int64]]
ROW, TARGET, LAYER, FILTER = 5, 2, "conv_layer.9", 72
CLOSE = 1e-4  # of the largest value


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def engine(hhccode: TorchClassifier, faces: Faces) -> Engine:
    return Engine(hhccode, open_dataset(faces, classes=FER_CLASSES, cache="none"))


def made(engine: Engine, method: str, parameters: dict[str, object], place: Place | None = None) -> Heatmap:
    *_, last = engine.explain(method, place or Place(image=ROW, target=TARGET), parameters)
    assert last.final and isinstance(last.explanation, Heatmap)
    return last.explanation


def expect_same(ours: NDArray[Any], theirs: Tensor | NDArray[Any]) -> None:
    wanted = theirs.detach().numpy() if isinstance(theirs, Tensor) else theirs
    assert ours.shape == wanted.shape and np.ptp(wanted) > 0
    assert ours == pytest.approx(wanted, abs=CLOSE * float(np.abs(wanted).max()))


def pictures(engine: Engine, count: int, seed: int = 0) -> Tensor:
    assert engine.dataset is not None
    rows = np.random.default_rng(seed).choice(len(engine.dataset), count, replace=False)
    return engine.classifier.inputs([engine.dataset[int(row)].image for row in rows])


def plain_module(classifier: TorchClassifier) -> nn.Module:
    """The checkpoint's network with ReLU where it has ReLU6, which captum's methods pass over, and no dropout."""
    module = copy.deepcopy(classifier.module)
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(parent, name, nn.ReLU())
            elif isinstance(child, nn.Dropout2d):
                setattr(parent, name, nn.Identity())
    return module


def reopened(engine: Engine, module: nn.Module) -> Engine:
    size = engine.classifier.input_shape[1:]
    return Engine(open_classifier(module, size=size, classes=FER_CLASSES, device="cpu"), engine.dataset)


GRADIENTS: dict[str, tuple[dict[str, object], Callable[[Any, Tensor], Tensor]]] = {
    "captum-saliency": ({}, lambda f, x: attr.Saliency(f).attribute(x, TARGET)),
    "captum-input-x-gradient": ({}, lambda f, x: attr.InputXGradient(f).attribute(x, TARGET)),
    "captum-integrated-gradients": ({}, lambda f, x: attr.IntegratedGradients(f).attribute(x, target=TARGET)),
}


@pytest.mark.parametrize("method", GRADIENTS)
def test_gradients(engine: Engine, method: str) -> None:
    parameters, theirs = GRADIENTS[method]
    x = engine.classifier.inputs([engine.dataset[ROW].image]).requires_grad_()  # type: ignore[index]
    expect_same(made(engine, method, parameters).values, theirs(engine.classifier.module, x)[0, 0])


@pytest.fixture
def x(engine: Engine) -> Tensor:
    assert engine.dataset is not None
    return engine.classifier.inputs([engine.dataset[ROW].image])


@pytest.mark.parametrize("noise", ["smoothgrad", "smoothgrad-squared", "vargrad"])
def test_noise_tunnel_in_slices(engine: Engine, x: Tensor, noise: str) -> None:
    ours = made(engine, "captum-saliency", {"noise": noise, "samples": 15, "deviation": 0.1, "seed": 4})
    torch.manual_seed(4)
    kind = {"smoothgrad-squared": "smoothgrad_sq"}.get(noise, noise)
    tunnel = attr.NoiseTunnel(attr.Saliency(engine.classifier.module))
    theirs = tunnel.attribute(x, kind, nt_samples=15, nt_samples_batch_size=5, stdevs=0.1, target=TARGET)
    expect_same(ours.values, theirs[0, 0])


def test_gradient_shap(engine: Engine, x: Tensor) -> None:
    ours = made(engine, "gradient-shap", {"samples": 5, "references": 9, "deviation": 0.05, "seed": 3})
    torch.manual_seed(3)
    np.random.seed(3)
    theirs = attr.GradientShap(engine.classifier.module).attribute(x, pictures(engine, 9, 3), 5, 0.05, TARGET)
    expect_same(ours.values, theirs[0, 0])


@pytest.mark.parametrize("method", ["captum-guided-backprop", "captum-deconvolution"])
def test_rectified_gradients(engine: Engine, x: Tensor, method: str) -> None:
    """With ReLU for ReLU6 captum itself is asked; with ReLU6 the map is another one than the plain gradient."""
    module = plain_module(engine.classifier)
    kind = attr.GuidedBackprop if "guided" in method else attr.Deconvolution
    theirs = kind(module).attribute(x.clone().requires_grad_(), TARGET)
    expect_same(made(reopened(engine, module), method, {}).values, theirs[0, 0])
    gradient = made(engine, "captum-input-x-gradient", {}).values / x[0, 0].clamp(min=1e-6).numpy()
    assert np.abs(made(engine, method, {}).values - gradient).max() > 0.1


def test_deeplift(engine: Engine, x: Tensor) -> None:
    module = plain_module(engine.classifier)
    theirs, gap = attr.DeepLift(module).attribute(x, target=TARGET, return_convergence_delta=True)
    ours = made(reopened(engine, module), "deeplift", {})
    expect_same(ours.values, theirs[0, 0])
    assert ours.meta["sum"] - ours.meta["difference"] == pytest.approx(float(gap), abs=1e-3)
    assert ("pooling=pairwise" in " ".join(ours.notes)) == (abs(float(gap)) > 0.05 * abs(ours.meta["difference"]))


def test_deeplift_of_relu6_adds_up(engine: Engine) -> None:
    """captum has no rule for ReLU6 and passes its gradient in silence; ours is left in nobody's way."""
    before = dict(deep_lift.SUPPORTED_NON_LINEAR)
    for method in ("deeplift", "deeplift-shap"):
        ours = made(engine, method, {"pooling": "pairwise"})
        assert ours.values.sum() == pytest.approx(ours.meta["difference"], rel=1e-3) and not ours.notes
    assert before == deep_lift.SUPPORTED_NON_LINEAR


def test_deeplift_shap(engine: Engine, x: Tensor) -> None:
    module = plain_module(engine.classifier)
    theirs = attr.DeepLiftShap(module).attribute(x, pictures(engine, 8), TARGET)
    expect_same(made(reopened(engine, module), "deeplift-shap", {"references": 8}).values, theirs[0, 0])


@pytest.mark.parametrize("rule", ["epsilon", "gamma"])
@pytest.mark.parametrize("fold", [True, False])
def test_lrp(engine: Engine, x: Tensor, rule: str, fold: bool) -> None:
    module = copy.deepcopy(engine.classifier.module)
    for parent in [each for each in module.modules() if isinstance(each, nn.Sequential)]:
        kept: list[nn.Module] = []
        for child in parent:
            if isinstance(child, nn.BatchNorm2d) and fold:
                kept[-1] = fuse_conv_bn_eval(kept[-1], child)  # type: ignore[type-var]
            elif not isinstance(child, nn.Dropout2d):  # captum's hooks trip over what returns its own input
                kept.append(child)
        parent._modules = {str(number): child for number, child in enumerate(kept)}
    for each in module.modules():
        if isinstance(each, nn.ReLU6):
            each.rule = IdentityRule()
        elif isinstance(each, nn.Conv2d | nn.Linear) and rule == "gamma":
            each.rule = GammaRule(0.25)
        elif isinstance(each, nn.Conv2d | nn.Linear):
            each.rule = EpsilonRule(1e-3)
    theirs = attr.LRP(module).attribute(x.clone().requires_grad_(), TARGET)
    ours = made(engine, "captum-lrp", {"rule": rule, "epsilon": 1e-3, "fold": fold})
    expect_same(ours.values, theirs[0, 0])


@pytest.mark.parametrize(("window", "stride"), [(8, 4), (10, 7)])
def test_occlusion_row_by_row(engine: Engine, x: Tensor, window: int, stride: int) -> None:
    theirs = attr.Occlusion(engine.classifier.module).attribute(
        x, (1, window, window), (1, stride, stride), target=TARGET, perturbations_per_eval=16
    )
    expect_same(made(engine, "captum-occlusion", {"window": window, "stride": stride}).values, theirs[0, 0])


def test_methods_of_segments_in_slices(engine: Engine, x: Tensor) -> None:
    module = engine.classifier.module
    ours = made(engine, "feature-ablation", {"baseline": "black", "segments": "slic"})
    mask = torch.from_numpy(ours.extras["segments"])[None, None]
    given: dict[str, Any] = {"target": TARGET, "feature_mask": mask, "perturbations_per_eval": 16}
    expect_same(ours.values, attr.FeatureAblation(module).attribute(x, 0.0, **given)[0, 0])
    assert ours.extras["worth"][ours.extras["segments"]] == pytest.approx(ours.values)

    ours = made(engine, "shapley-sampling", {"samples": 3, "seed": 6, "count": 20})
    given["feature_mask"] = torch.from_numpy(ours.extras["segments"])[None, None]
    torch.manual_seed(6)
    expect_same(ours.values, attr.ShapleyValueSampling(module).attribute(x, 0.0, n_samples=3, **given)[0, 0])
    assert ours.meta["sum"] == pytest.approx(ours.meta["difference"], rel=1e-4)


@pytest.mark.parametrize("variant", ["kernel-shap", "captum-lime"])
def test_fits_that_grow(engine: Engine, x: Tensor, variant: str) -> None:
    """Fitted anew to twice as many samples each time, the last fit is captum's own to all of them."""
    parameters = {"samples": 150, "count": 20, "seed": 8}
    results = list(engine.explain(variant, Place(image=ROW, target=TARGET), parameters))
    assert len(results) == 3 and [each.final for each in results] == [False, False, True]
    ours = results[-1].explanation
    assert isinstance(ours, Heatmap)
    method: Any = (attr.KernelShap if variant == "kernel-shap" else attr.Lime)(engine.classifier.module)
    torch.manual_seed(8)
    theirs = method.attribute(
        x,
        0.0,
        TARGET,
        feature_mask=torch.from_numpy(ours.extras["segments"])[None, None],
        n_samples=150,
        perturbations_per_eval=16,
    )
    assert np.abs(ours.values - theirs[0, 0].numpy()).max() < 1e-3 * float(theirs.abs().max())


LAYERS: dict[str, Callable[[Any, Any, Tensor], Any]] = {
    "activation": lambda f, layer, x: attr.LayerActivation(f, layer).attribute(x),
    "gradient-x-activation": lambda f, layer, x: attr.LayerGradientXActivation(f, layer).attribute(x, TARGET),
    "conductance": lambda f, layer, x: attr.LayerConductance(f, layer).attribute(x, target=TARGET),
    "integrated-gradients": lambda f, layer, x: attr.LayerIntegratedGradients(f, layer).attribute(x, target=TARGET),
    "internal-influence": lambda f, layer, x: attr.InternalInfluence(f, layer).attribute(x, target=TARGET),
    "deeplift": lambda f, layer, x: attr.LayerDeepLift(f, layer).attribute(x, target=TARGET),
}


@pytest.mark.parametrize("variant", LAYERS)
def test_layers(engine: Engine, x: Tensor, variant: str) -> None:
    engine = reopened(engine, plain_module(engine.classifier))
    module = engine.classifier.module
    theirs = LAYERS[variant](module, module.get_submodule(LAYER), x.clone().requires_grad_())[0]
    whole, one = (
        made(engine, "captum-layer", {"variant": variant}, Place(ROW, TARGET, LAYER, filter))
        for filter in (None, FILTER)
    )
    expect_same(whole.extras["map"], theirs.sum(0))
    expect_same(whole.extras["filters"], theirs.sum((1, 2)))
    expect_same(one.extras["map"], theirs[FILTER])
    strongest = whole.tables["filters"].rows[0]
    assert strongest[0] == int(theirs.sum((1, 2)).abs().argmax()) and one.meta["filter"] == FILTER


def test_grad_cam_and_its_guided_form(engine: Engine, x: Tensor) -> None:
    module = plain_module(engine.classifier)
    engine, layer = reopened(engine, module), module.get_submodule(LAYER)
    at = Place(ROW, TARGET, LAYER)
    theirs = attr.LayerGradCam(module, layer).attribute(x, TARGET)
    expect_same(made(engine, "layer-grad-cam", {}, at).extras["map"], theirs[0, 0])
    guided = attr.GuidedGradCam(module, layer).attribute(x.clone().requires_grad_(), TARGET)
    expect_same(made(engine, "captum-guided-grad-cam", {"upsampling": "nearest"}, at).values, guided[0, 0])


def test_layer_relevance_is_gradient_x_activation_where_it_has_no_rule_of_its_own(engine: Engine) -> None:
    """For a network of ReLUs and max pools the epsilon rule is that, up to epsilon."""
    engine = reopened(engine, plain_module(engine.classifier))
    at = Place(ROW, TARGET, LAYER)
    theirs = made(engine, "layer-gradient-x-activation", {}, at).extras["map"]
    expect_same(made(engine, "layer-lrp", {"epsilon": 1e-9}, at).extras["map"], theirs)


def test_layer_ablation_of_single_places(engine: Engine, x: Tensor) -> None:
    """The last maps have 3 x 3 places, fewer than there are parts: each is hidden alone."""
    module, name = engine.classifier.module, "conv_layer.17"
    mask = torch.arange(9).reshape(1, 1, 3, 3)
    method = attr.LayerFeatureAblation(module, module.get_submodule(name))
    theirs = method.attribute(x, target=TARGET, layer_mask=mask)
    ours = made(engine, "layer-feature-ablation", {}, Place(ROW, TARGET, name))
    expect_same(ours.extras["map"], theirs[0, 0])


NEURONS: dict[str, Callable[[Any, Any, Tensor, Any], Tensor]] = {
    "gradient": lambda f, layer, x, n: attr.NeuronGradient(f, layer).attribute(x, n),
    "integrated-gradients": lambda f, layer, x, n: attr.NeuronIntegratedGradients(f, layer).attribute(x, n),
    "deeplift": lambda f, layer, x, n: attr.NeuronDeepLift(f, layer).attribute(x, n),
    "guided-backprop": lambda f, layer, x, n: attr.NeuronGuidedBackprop(f, layer).attribute(x, n),
    "deconvolution": lambda f, layer, x, n: attr.NeuronDeconvolution(f, layer).attribute(x, n),
    "conductance": lambda f, layer, x, n: attr.NeuronConductance(f, layer).attribute(x, n, target=TARGET),
}


@pytest.mark.parametrize("variant", NEURONS)
def test_neurons(engine: Engine, x: Tensor, variant: str) -> None:
    engine = reopened(engine, plain_module(engine.classifier))
    module = engine.classifier.module
    layer = module.get_submodule(LAYER)
    ours = made(engine, "captum-neuron", {"variant": variant}, Place(ROW, TARGET, LAYER))
    output = attr.LayerActivation(module, layer).attribute(x)[0]
    peak = np.unravel_index(int(output.argmax()), output.shape)
    unit = tuple(int(each) for each in peak)
    assert (ours.meta["filter"], *ours.meta["unit"]) == unit and "no filter was chosen" in ours.notes[0]
    expect_same(ours.values, NEURONS[variant](module, layer, x.clone().requires_grad_(), unit)[0, 0])
