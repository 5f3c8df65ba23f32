"""cam on many images, on all layers and networks; what it leaves behind."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import InputError, Place, Subject
from fer_tui_plugins.cam import Cam, CamParameters
from fer_tui_plugins.capturing import spatial_layer, spatial_layers
from tests.plugins.cams import ALL, Pooled, at, explain, noise, opened

# ---- many, steps, layers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["auto", *ALL])
def test_batch_equals_alone(variant: str) -> None:
    classifier = opened(Pooled())
    subjects = [Subject(classifier, Place(image=n, target=n % 4, checkpoint=0), noise(seed=n)) for n in range(20)]
    many = list(Cam().explain_many(subjects, CamParameters(variant=variant)))
    assert [each.place for each in many] == [each.place for each in subjects]
    final = {each.place: each.explanation for each in many if each.final}
    for subject in subjects:
        alone, batched = explain(subject, variant=variant).values, final[subject.place].values
        assert batched == pytest.approx(alone, abs=1e-5 * float(np.abs(alone).max()))


@pytest.mark.parametrize("variant", ["score", "ablation", "guided-grad-cam"])
def test_many_real_images_are_the_same_as_each_alone(
    variant: str, hhccode: TorchClassifier, public: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    """Passes of several images share batches, whose ends fall anywhere within an image's own."""
    layer = next(each.name for each in spatial_layers(hhccode) if each.kind == "Conv2d" and each.filters == 32)
    subjects = [
        Subject(hhccode, Place(image=n, target=target, layer=layer, checkpoint=0), public[0][n])
        for n, target in enumerate((3, 0, 6, 3, 1))
    ]
    many = [each for each in Cam().explain_many(subjects, CamParameters(variant=variant)) if each.final]
    for subject, result in zip(subjects, many, strict=True):
        *_, alone = Cam().explain(subject, CamParameters(variant=variant))
        a, b = result.explanation, alone.explanation
        assert result.place == alone.place and a.notes == b.notes and a.meta == b.meta
        for values, expected in ((a.values, b.values), (a.extras["map"], b.extras["map"])):
            assert values == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))


def test_folded_batch_keeps_the_order_of_places(
    hhccode: TorchClassifier, public: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    stats = pytest.importorskip("scipy.stats")
    subjects = [
        Subject(hhccode, Place(image=n, target=int(label), checkpoint=0), image)
        for n, (image, label) in enumerate(zip(public[0][:200], public[1][:200], strict=True))
    ]
    many = list(Cam().explain_many(subjects, CamParameters(variant="grad")))
    assert "folded" in many[0].explanation.meta["network"]
    for subject, result in zip(subjects, many, strict=True):
        alone = explain(subject, variant="grad").extras["map"]
        assert stats.spearmanr(alone.ravel(), result.explanation.extras["map"].ravel()).statistic >= 0.999


@pytest.mark.parametrize("variant", ["score", "ablation"])
def test_masked_variants_come_step_by_step(variant: str) -> None:
    module = Pooled(classes=2)
    module.body[3], module.fc = nn.Conv2d(6, 40, 3, padding=1), nn.Linear(40, 2)
    classifier = opened(module, classes=2)
    results = list(Cam().explain(at(classifier, noise(), 0), CamParameters(variant=variant)))
    assert [each.final for each in results] == [False, False, True]
    whole = 1 if variant == "ablation" else 0  # a first pass, without any map set to zero
    shares = [(passes - whole) / 40 for passes in (16, 32, 40 + whole)]
    assert [each.progress for each in results] == pytest.approx(shares)


def test_a_sweep_explains_all_layers_in_one_pass() -> None:
    classifier = opened(Pooled(pooling="max"))
    subject = at(classifier, noise(), 2, "body.4")
    passes: list[int] = []
    counted = classifier.module.register_forward_hook(lambda *_: passes.append(1))
    swept = list(Cam().explain(subject, CamParameters(variant="grad", sweep=True)))
    counted.remove()
    assert len(passes) == 1 and swept[-1].place == subject.place
    assert {each.place.layer for each in swept} == {each.name for each in spatial_layers(classifier)}
    for result in swept:
        alone = explain(at(classifier, noise(), 2, result.place.layer), variant="grad")
        assert result.explanation.values == pytest.approx(alone.values, abs=1e-6)


def test_upsampling_is_bilinear() -> None:
    heatmap = explain(at(opened(Pooled()), noise(), 1))
    small = torch.from_numpy(heatmap.extras["map"])[None, None]
    expected = F.interpolate(small, (16, 12), mode="bilinear", align_corners=False)[0, 0].numpy()
    assert np.array_equal(heatmap.values, expected) and heatmap.meta["upsampling"] == "bilinear"


# ---- all kinds of networks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ALL)
@pytest.mark.parametrize(("channels", "shape", "classes"), [(3, (24, 40), 2), (1, (9, 9), 1000)])
def test_any_network(variant: str, channels: int, shape: tuple[int, int], classes: int) -> None:
    module = Pooled(channels, classes)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    classifier = opened(module, shape, classes)
    image = noise(*shape, channels=3 if channels == 3 else 0)
    heatmap = explain(at(classifier, image, classes - 1), variant=variant)
    assert heatmap.values.shape == shape and np.isfinite(heatmap.values).all() and np.ptp(heatmap.values) > 0


def test_layers_without_maps_are_refused() -> None:
    classifier = opened(Pooled())
    with pytest.raises(InputError, match=r"has no height and width.*body\.4"):
        explain(at(classifier, noise(), 0, "fc"), variant="grad")


def test_bfloat16_is_near(hhccode: TorchClassifier, public: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
    subjects = [Subject(hhccode, Place(image=n, target=3, checkpoint=0), public[0][n]) for n in range(40)]
    half = list(Cam().explain_many(subjects, CamParameters(precision="bfloat16")))
    assert "bfloat16" in half[0].explanation.meta["network"]
    gaps = [
        np.abs(explain(subject).extras["map"] - each.explanation.extras["map"]).max()
        / np.abs(explain(subject).extras["map"]).max()
        for subject, each in zip(subjects, half, strict=True)
    ]
    assert 0 < np.median(gaps) < 0.05


@pytest.fixture(params=ALL)
def stopped(request: pytest.FixtureRequest) -> Callable[[Subject], None]:
    def run(subject: Subject) -> None:
        results: Iterator[object] = Cam().explain(subject, CamParameters(variant=request.param))
        next(results)
        results.close()  # type: ignore[attr-defined]

    return run


def test_nothing_is_left_behind(stopped: Callable[[Subject], None]) -> None:
    classifier = opened(Pooled())
    before = torch.get_rng_state()
    stopped(at(classifier, noise(), 0))
    for each in classifier.module.modules():
        assert not each._forward_hooks and not each._forward_pre_hooks and not each.training
    assert all(p.grad is None and p.requires_grad for p in classifier.module.parameters())
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("variant", ALL)
def test_nothing_is_left_behind_by_many_that_are_stopped(variant: str) -> None:
    classifier = opened(Pooled())
    subjects = [Subject(classifier, Place(image=n, target=n % 4, checkpoint=0), noise(seed=n)) for n in range(40)]
    before = torch.get_rng_state()
    with closing(Cam().explain_many(subjects, CamParameters(variant=variant))) as results:
        next(results)
        modes = torch.is_grad_enabled(), torch.overrides._get_current_function_mode()
        fast, _ = classifier.folded("float32", (spatial_layer(classifier, None),))
        for each in (*classifier.module.modules(), *fast.module.modules()):
            assert not each._forward_hooks, "while its receiver works with the first map"
        assert modes == (True, None)
    assert torch.equal(before, torch.get_rng_state())


def test_nothing_is_left_behind_by_an_error() -> None:
    class Breaks(Pooled):
        broken = False

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores = super().forward(x)
            if self.broken:
                raise RuntimeError("in the middle")
            return scores

    classifier = opened(Breaks())
    classifier.module.broken = True
    for variant in ALL:
        with pytest.raises(RuntimeError, match="in the middle"):
            explain(at(classifier, noise(), 0), variant=variant)
        assert not any(each._forward_hooks for each in classifier.module.modules())


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "conv2", "norm2", "relu2"])
def test_the_fastest_copy_shows_what_the_network_shows(layer: str) -> None:
    """Of very many images: activations that became a part of their convolution, or overwrite what was looked at."""
    torch.manual_seed(2)
    layers = {
        "conv1": nn.Conv2d(1, 8, 3, padding=1),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(8, 10, 3, padding=1),
        "norm2": nn.BatchNorm2d(10),
        "relu2": nn.ReLU6(),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        "fc": nn.Linear(10, 4),
    }
    network = nn.Sequential(OrderedDict(layers)).eval()
    network.norm2.running_mean.normal_(0, 0.1)
    classifier = open_classifier(network, size=(16, 16), classes=list("abcd"), device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (140, 16, 16), dtype=np.uint8)
    subjects = [
        Subject(classifier, Place(image=row, target=row % 4, layer=layer), image) for row, image in enumerate(images)
    ]
    variants = ("eigen", "cam") if layer == "relu2" else ("eigen",)
    for variant in variants:
        made = list(Cam().explain_many(subjects, CamParameters(variant=variant)))
        assert "activations fused" in made[0].explanation.meta["network"]
        for subject, result in zip(subjects[::13], made[::13], strict=True):
            (alone,) = Cam().explain(subject, CamParameters(variant=variant))
            expected = alone.explanation.extras["map"]
            close = 1e-4 * float(np.abs(expected).max())
            assert result.explanation.extras["map"] == pytest.approx(expected, abs=close)
