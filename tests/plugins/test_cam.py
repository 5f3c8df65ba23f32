"""cam against torchcam, captum, closed forms and plain loops, on real checkpoints and on small networks."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import InputError
from fer_tui_plugins.cam_head import find_head
from fer_tui_plugins.capturing import spatial_layers
from tests.plugins.cams import GRADIENTS, Pooled, at, explain, noise, opened

captum_attr = pytest.importorskip("captum.attr")
torchcam = pytest.importorskip("torchcam.methods")


@pytest.fixture
def linkingmon(shared: Path, nets: Path) -> TorchClassifier:
    return open_classifier(f"{nets}:MobileGap6", shared / "models" / "linkingmon_mobilenet.pt", device="cpu")


@pytest.fixture
def without_head(shared: Path, nets: Path) -> TorchClassifier:
    return open_classifier(f"{nets}:PlainCNN", shared / "models" / "jimpei_CNN2.pt", device="cpu", size=(48, 48))


# ---- the head --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["function", "module", "pointwise", "none"])
def test_the_mean_of_a_cam_and_the_bias_are_the_score(pooling: str) -> None:
    classifier = opened(Pooled(pooling=pooling))
    head = find_head(classifier)
    assert head is not None
    image = noise()
    scores = classifier.predict([image])[0]
    for target in range(4):
        heatmap = explain(at(classifier, image, target), variant="cam")
        mean = heatmap.extras["map"].mean(dtype=np.float64)
        assert mean + float(head.bias[target]) == pytest.approx(float(scores[target]), abs=1e-5)
        assert heatmap.signed and heatmap.values.shape == (16, 12)
        assert heatmap.meta["variant"] == "cam" and heatmap.meta["layer"] == head.layer


def test_a_head_without_bias_has_none() -> None:
    head = find_head(opened(Pooled(bias=False)))
    assert head is not None and not head.bias.any()


def test_max_pooling_is_no_head_and_grad_stands_in() -> None:
    classifier = opened(Pooled(pooling="max"))
    assert find_head(classifier) is None
    with pytest.raises(InputError, match="variant=grad works"):
        explain(at(classifier, noise(), 0), variant="cam")
    heatmap = explain(at(classifier, noise(), 0))
    assert heatmap.meta["variant"] == "grad" and "there is no pooling head" in heatmap.notes[0]


def test_at_another_layer_than_the_heads_grad_stands_in() -> None:
    classifier = opened(Pooled())
    heatmap = explain(at(classifier, noise(), 0, "body.2"))
    assert heatmap.meta["variant"] == "grad" and "body.4, where the head is" in heatmap.notes[0]
    assert explain(at(classifier, noise(), 0, "body.4")).meta["variant"] == "cam"


def test_heads_of_real_networks(
    hhccode: TorchClassifier, linkingmon: TorchClassifier, without_head: TorchClassifier
) -> None:
    for classifier, size in ((hhccode, 3), (linkingmon, 6)):
        assert explain(at(classifier, noise(48, 48), 0)).extras["map"].shape == (size, size)
    assert find_head(without_head) is None


# ---- peers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hhccode", "linkingmon"])
def test_equal_to_torchcam_and_captum(
    name: str, request: pytest.FixtureRequest, public: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    classifier: TorchClassifier = request.getfixturevalue(name)
    head = find_head(classifier)
    assert head is not None
    module = copy.deepcopy(classifier.module)
    fc = next(key for key, each in module.named_modules() if isinstance(each, nn.Linear))
    layer = module.get_submodule(head.layer)
    for image, target in zip(public[0][:8], (3, 0, 6, 1, 2, 4, 5, 3), strict=True):
        x = classifier.inputs([image])
        ours = explain(at(classifier, image, target), variant="cam").extras["map"]
        with torchcam.CAM(module, target_layer=head.layer, fc_layer=fc) as extractor:
            theirs = extractor(target, module(x), normalized=False)[0][0].detach().numpy()
        assert ours == pytest.approx(theirs, abs=1e-5 * float(np.abs(theirs).max()))
        grad = explain(at(classifier, image, target, head.layer), variant="grad").extras["map"]
        captums = captum_attr.LayerGradCam(module, layer).attribute(x, target=target)[0, 0].detach().numpy()
        assert grad == pytest.approx(captums, abs=1e-5 * float(np.abs(captums).max()))
        assert ours == pytest.approx(captums * captums.size, abs=1e-4 * float(np.abs(ours).max()))


@pytest.mark.parametrize(("variant", "peer"), [("grad", "GradCAM"), ("xgrad", "XGradCAM"), ("layer", "LayerCAM")])
def test_gradient_variants_equal_torchcam_at_an_inner_layer(
    variant: str, peer: str, without_head: TorchClassifier, public: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    module = copy.deepcopy(without_head.module)
    layer = spatial_layers(without_head)[len(spatial_layers(without_head)) // 2].name
    for row, target in enumerate((0, 3, 6)):
        image = public[0][row]
        x = without_head.inputs([image]).requires_grad_()
        with getattr(torchcam, peer)(module, target_layer=layer) as extractor:
            theirs = extractor(target, module(x), normalized=False)[0][0].detach().numpy()
        ours = explain(at(without_head, image, target, layer), variant=variant, positive=True).extras["map"]
        assert ours.max() > 0
        assert ours == pytest.approx(theirs, abs=1e-4 * float(theirs.max()))


def test_guided_grad_cam_equals_captum(
    linkingmon: TorchClassifier, public: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    layer = next(each.name for each in reversed(spatial_layers(linkingmon)) if each.kind == "Conv2d")
    module = copy.deepcopy(linkingmon.module)
    peer = captum_attr.GuidedGradCam(module, module.get_submodule(layer))
    for row, target in enumerate((3, 0, 6)):
        x = linkingmon.inputs([public[0][row]]).requires_grad_()
        theirs = peer.attribute(x, target=target, interpolate_mode="bilinear")[0, 0].detach().numpy()
        heatmap = explain(at(linkingmon, public[0][row], target, layer), variant="guided-grad-cam")
        assert heatmap.values == pytest.approx(theirs, abs=1e-5 * float(np.abs(theirs).max()))
        assert heatmap.signed and heatmap.meta["variant"] == "guided-grad-cam"


# ---- plain loops -----------------------------------------------------------------------------------------------------


def plain(classifier: TorchClassifier, image: NDArray[np.uint8], target: int, variant: str) -> NDArray[np.float64]:
    """The formulas of the papers in float64, place by place, for `Pooled` at its last layer."""
    module = copy.deepcopy(classifier.module).double()
    x = classifier.inputs([image]).double()
    a = module.body(x).detach().requires_grad_()
    pooled = a.mean((2, 3)) if module.pooling == "function" else F.adaptive_max_pool2d(a, 1).flatten(1)
    y = module.fc(pooled)[0, target]
    g = torch.autograd.grad(y, a)[0][0].numpy()
    a = a.detach()[0].numpy()
    total = np.zeros(a.shape[1:])
    for k in range(len(a)):
        if variant == "grad++":
            weight = 0.0
            for place in np.ndindex(*a.shape[1:]):
                gradient = g[k][place]
                alpha = gradient**2 / (2 * gradient**2 + a[k].sum() * gradient**3 + 1e-6)
                weight += max(gradient, 0) * alpha
            total += weight * a[k]
        elif variant == "hires":
            total += g[k] * a[k]
        elif variant == "layer":
            total += np.maximum(g[k], 0) * a[k]
        elif variant == "xgrad":
            total += (g[k] * a[k]).sum() / (a[k].sum() + 1e-7) * a[k]
        elif variant == "grad":
            total += g[k].mean() * a[k]
        elif variant == "ablation":
            without = a.copy()
            without[k] = 0
            kept = torch.from_numpy(without)[None]
            flat = kept.mean((2, 3)) if module.pooling == "function" else F.adaptive_max_pool2d(kept, 1).flatten(1)
            total += float(((y - module.fc(flat)[0, target]) / y).detach()) * a[k]
    return total


@pytest.mark.parametrize("pooling", ["function", "max"])
@pytest.mark.parametrize("variant", [*GRADIENTS, "ablation"])
def test_equal_to_a_plain_loop(variant: str, pooling: str) -> None:
    classifier = opened(Pooled(pooling=pooling))
    for target in range(3):
        image = noise(seed=target)
        expected = plain(classifier, image, target, variant)
        ours = explain(at(classifier, image, target, "body.4"), variant=variant).extras["map"]
        assert ours == pytest.approx(expected, abs=1e-4 * max(np.abs(expected).max(), 1e-9))


def test_score_cam_equals_a_plain_loop() -> None:
    classifier = opened(Pooled(pooling="max"))
    image, x = noise(), classifier.inputs([noise()])
    with torch.no_grad():
        maps = classifier.module.body(x)[0]
        scores = []
        for each in maps:
            mask = F.interpolate(each[None, None], x.shape[2:], mode="bilinear", align_corners=True)
            mask = (mask - mask.min()) / (mask.max() - mask.min() + 1e-8)
            scores.append(classifier.scores(x * mask)[0, 1])
        expected = (torch.stack(scores).softmax(0)[:, None, None] * maps).sum(0).numpy()
    ours = explain(at(classifier, image, 1, "body.4"), variant="score").extras["map"]
    assert ours == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))


def test_eigen_is_the_first_principal_component_and_high_where_the_layer_is_active() -> None:
    classifier = opened(Pooled())
    image = noise()
    with torch.no_grad():
        maps = classifier.module.body(classifier.inputs([image]))[0].double().numpy()
    places = maps.reshape(len(maps), -1).T
    values, vectors = np.linalg.eigh(np.cov(places.T))
    expected = (places - places.mean(0)) @ vectors[:, values.argmax()]
    ours = explain(at(classifier, image, 0, "body.4"), variant="eigen").extras["map"].ravel()
    assert np.abs(ours) == pytest.approx(np.abs(expected), abs=1e-4 * float(np.abs(expected).max()))
    assert np.corrcoef(ours, np.square(places).sum(1))[0, 1] > 0
    assert np.array_equal(ours, explain(at(classifier, image, 3, "body.4"), variant="eigen").extras["map"].ravel())


# ---- a network that is known -----------------------------------------------------------------------------------------


class Corner(nn.Module):
    """The second class's score is the mean brightness of the upper left quarter; the first one's its negative."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.conv.weight)
        self.register_buffer("quarter", torch.zeros(1, 1, 8, 8))
        self.quarter[..., :4, :4] = 4
        self.inside = nn.Identity()
        self.fc = nn.Linear(1, 2, bias=False)
        self.fc.weight.data = torch.tensor([[-1.0], [1.0]])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.inside(self.conv(x) * self.quarter).mean((2, 3)))


@pytest.mark.parametrize("variant", ["cam", "grad", "hires", "xgrad"])
def test_planted_evidence_is_found(variant: str) -> None:
    classifier = opened(Corner(), (8, 8), 2)
    image = noise(8, 8) // 2 + 100
    for target, sign in ((1, 1), (0, -1)):
        values = sign * explain(at(classifier, image, target, "inside"), variant=variant).values
        assert values[:4, :4].min() > 0 and np.abs(values[4:, 4:]).max() == 0


def test_a_map_that_would_be_blank_says_why() -> None:
    classifier = opened(Corner(), (8, 8), 2)
    heatmap = explain(at(classifier, noise(8, 8) // 2 + 100, 0, "inside"), variant="cam", positive=True)
    assert not heatmap.values.any() and not heatmap.signed
    assert "no place speaks for the target: the map runs from -" in heatmap.notes[0]
