"""Every variant against captum, closed forms and finite differences."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Heatmap, InputError, Place, Subject
from fer_tui_plugins.saliency import Saliency, SaliencyParameters
from fer_tui_plugins.saliency_baselines import BASELINES, baseline
from fer_tui_plugins.saliency_noise import noise
from tests.plugins.opening import opened

attr = pytest.importorskip("captum.attr")
VARIANTS = SaliencyParameters.__dataclass_fields__["variant"].metadata["choices"]
Make = Callable[..., Subject]


def explain(subject: Subject, **parameters: object) -> Heatmap:
    *_, last = Saliency().explain(subject, SaliencyParameters(**parameters))
    assert last.final and last.progress == 1 and last.place == subject.place
    return last.explanation


def picture(height: int, width: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def linear(size: tuple[int, int] = (8, 8), channels: int = 1, classes: int = 3) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size[0] * size[1], classes))


def rectifying(channels: int = 3, classes: int = 5) -> nn.Module:
    """ReLU in place and used twice, batch norm, frozen weights, any input size."""
    torch.manual_seed(1)
    relu = nn.ReLU(inplace=True)
    network = nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2), nn.BatchNorm2d(8), relu, nn.Conv2d(8, 8, 3), relu, nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, classes),
    )  # fmt: skip
    network[1].running_mean.normal_(0, 0.1)
    network[1].running_var.uniform_(0.5, 1.5)
    return network.requires_grad_(False)


@pytest.fixture
def linkingmon(shared: Path, nets: Path) -> TorchClassifier:
    """A real network with nn.ReLU modules."""
    weights = shared / "models" / "linkingmon_mobilenet.pt"
    return open_classifier(f"{nets}:MobileGap6", weights, classes=list("abcdefg"), device="cpu")


# ---- against captum --------------------------------------------------------------------------------------------------


def captum(
    variant: str, module: nn.Module, x: torch.Tensor, target: int, monkeypatch: pytest.MonkeyPatch
) -> np.ndarray:
    """captum's map (C, H, W), its own defaults save SmoothGrad's noise, which is given to it."""
    if variant in ("smoothgrad", "smoothgrad-squared", "vargrad"):
        drawn = torch.stack(list(islice(noise(tuple(x.shape[1:]), 5), 12)))
        deviation = float(x.max() - x.min()) * 0.2
        kind = {"smoothgrad-squared": "smoothgrad_sq"}.get(variant, variant)
        monkeypatch.setattr(torch, "normal", lambda mean, std: mean + std * drawn.to(std))
        tunnel = attr.NoiseTunnel(attr.Saliency(module))
        made = tunnel.attribute(x, nt_type=kind, nt_samples=12, stdevs=deviation, target=target)
    elif variant == "occlusion":
        channels = x.shape[1]
        made = attr.Occlusion(module).attribute(
            x, target=target, sliding_window_shapes=(channels, 7, 7), strides=(channels, 3, 3)
        )
    else:
        methods = {
            "gradient": attr.Saliency, "input-x-gradient": attr.InputXGradient,
            "integrated": attr.IntegratedGradients, "guided": attr.GuidedBackprop,
            "deconvolution": attr.Deconvolution,
        }  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = methods[variant](module).attribute(x, target=target)
    return made[0].detach().numpy()


GIVEN = {"seed": 5, "samples": 12, "noise": 0.2, "window": 7, "stride": 3}


@pytest.mark.parametrize("variant", VARIANTS)
def test_equals_captum_on_a_real_checkpoint(
    public: tuple, linkingmon: TorchClassifier, subject: Make, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for row in (0, 7, 31):
        image, target = public[0][row], row % 7
        made = explain(subject(linkingmon, image, target), variant=variant, **GIVEN)
        expected = captum(variant, linkingmon.module, linkingmon.inputs([image]), target, monkeypatch)[0]
        assert np.abs(made.values - expected).max() <= 1e-5 * np.abs(expected).max() > 0
        unsigned = variant in ("gradient", "smoothgrad", "smoothgrad-squared", "vargrad")
        assert made.signed is not unsigned and bool((expected >= 0).all()) is unsigned


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("classes", "size"), [(2, (40, 29)), (1000, (33, 52))])
def test_equals_captum_on_colour_and_shapes_that_are_not_square(
    subject: Make, variant: str, classes: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = opened(rectifying(3, classes), size, classes, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    image = picture(*size, 3)
    made = explain(subject(classifier, image, classes - 1), variant=variant, **GIVEN)
    expected = captum(variant, classifier.module, classifier.inputs([image]), classes - 1, monkeypatch)
    most = np.abs(expected).max()
    if variant == "occlusion":  # all channels at once: captum has the same number three times
        assert made.meta["channels"] == "hidden together" and "channels" not in made.extras
        assert np.abs(made.values - expected[1]).max() <= 1e-5 * most
    else:
        assert np.abs(made.extras["channels"] - expected).max() <= 1e-5 * most
        assert np.abs(made.values - expected.sum(0)).max() <= 3e-5 * most


@pytest.mark.parametrize("variant", ["guided", "deconvolution"])
def test_equals_captum_on_a_network_of_224_pixels(subject: Make, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = opened(rectifying(), (224, 224), 5, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    image = picture(224, 224, 3)
    made = explain(subject(classifier, image, 4), variant=variant)
    expected = captum(variant, classifier.module, classifier.inputs([image]), 4, monkeypatch)
    assert np.abs(made.extras["channels"] - expected).max() <= 1e-6 * np.abs(expected).max() > 0


def test_signed_smoothgrad_is_the_mean_of_the_gradients(subject: Make) -> None:
    classifier, image = opened(rectifying(1), (24, 24), 5), picture(24, 24)
    x = classifier.inputs([image])
    drawn = torch.stack(list(islice(noise((1, 24, 24), 3), 9)))
    moved = (x + 0.15 * (x.max() - x.min()) * drawn).requires_grad_()
    gradients = torch.autograd.grad(classifier.module(moved)[:, 1].sum(), moved)[0].double()[:, 0].numpy()
    made = explain(subject(classifier, image, 1), variant="smoothgrad", samples=9, seed=3, signed="true")
    np.testing.assert_allclose(made.values, gradients.mean(0), atol=1e-5 * np.abs(gradients).max())
    assert made.signed
    spread = explain(subject(classifier, image, 1), variant="vargrad", samples=9, seed=3, signed="true")
    np.testing.assert_allclose(spread.values, gradients.var(0), atol=1e-5 * gradients.var(0).max())
    assert not spread.signed


# ---- against mathematics ---------------------------------------------------------------------------------------------


def test_a_linear_network_has_closed_forms(subject: Make) -> None:
    module, image = linear(), picture(8, 8)
    classifier = opened(module, (8, 8), mean=0.5, std=0.25)
    row = module[1].weight[2].detach().double().numpy().reshape(8, 8)
    x = classifier.inputs([image]).double().numpy()[0, 0]
    asked = subject(classifier, image, 2)
    bounds = {"rtol": 1e-4, "atol": 1e-6}
    np.testing.assert_allclose(explain(asked, variant="input-x-gradient").values, x * row, **bounds)
    np.testing.assert_allclose(explain(asked, variant="integrated", steps=3).values, x * row, **bounds)
    black = explain(asked, variant="integrated", steps=3, baseline="black")
    np.testing.assert_allclose(black.values, (x + 2) * row, **bounds)  # (0 - .5) / .25
    assert abs(black.extras["gap"][0]) < 1e-5 and black.notes == ()
    np.testing.assert_allclose(explain(asked, variant="smoothgrad").values, np.abs(row), **bounds)
    np.testing.assert_allclose(explain(asked, variant="smoothgrad-squared").values, row**2, **bounds)
    assert explain(asked, variant="vargrad").values.max() <= 1e-9
    hidden = explain(asked, variant="occlusion", window=1).values
    np.testing.assert_allclose(hidden, x * row, atol=1e-5)


def test_one_point_integrates_a_square_exactly(subject: Make) -> None:
    class Squares(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            total = (x**2).flatten(1).sum(1)
            return torch.stack([total, -total], 1)

    image = picture(6, 6)
    classifier = opened(Squares(), (6, 6), 2)
    x = classifier.inputs([image]).numpy()[0, 0]
    made = explain(subject(classifier, image, 1), variant="integrated", steps=1, baseline="value", value=51)
    np.testing.assert_allclose(made.values, 0.04 - x**2, atol=1e-6)
    assert made.meta["score"] - made.meta["baseline_score"] == pytest.approx(made.values.sum(), abs=1e-4)


def test_integrated_gradients_are_complete_in_float64(subject: Make) -> None:
    """The sum over a smooth network is the score's difference, as that network computes it in float64."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2), nn.Softplus(), nn.Flatten(), nn.Linear(54, 3)).eval()
    classifier, image = opened(module, (8, 8)), picture(8, 8)
    exact, x = copy.deepcopy(module).double(), classifier.inputs([image]).double()
    for against in BASELINES:
        base = baseline(classifier, x.float(), against, 200).double()
        difference = (exact(x) - exact(base))[0, 1].item()
        made = explain(subject(classifier, image, 1), variant="integrated", baseline=against, value=200)
        assert made.values.sum(dtype=np.float64) == pytest.approx(difference, abs=1e-5)
        assert abs(made.extras["gap"][0]) < 1e-5


def test_says_when_too_few_steps_leave_a_gap(subject: Make) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 2))
    torch.manual_seed(0)
    for each in (module[1], module[3]):
        nn.init.normal_(each.weight)
    with torch.no_grad():
        module[1].bias.fill_(-2.0)
    classifier, image = opened(module, (4, 4), 2), picture(4, 4)
    few = explain(subject(classifier, image, 1), variant="integrated", steps=1)
    many = explain(subject(classifier, image, 1), variant="integrated", steps=400)
    assert "take more steps" in few.notes[0] and abs(few.extras["gap"][0]) > 0.05
    assert many.notes == () and abs(many.extras["gap"][0]) < 0.02


@pytest.mark.parametrize("head", [None, nn.Softmax(1), nn.LogSoftmax(1)])
def test_the_loss_is_the_cross_entropy_of_the_true_class(subject: Make, head: nn.Module | None) -> None:
    module, image = linear(), picture(8, 8)
    classifier = opened(nn.Sequential(module, head) if head else module, (8, 8))
    x = classifier.inputs([image]).requires_grad_()
    loss = nn.functional.cross_entropy(module(x), torch.tensor([2]))
    expected = torch.autograd.grad(loss, x)[0][0, 0].numpy()
    asked = Subject(classifier, Place(image=0), image, label=2)  # the target, whatever it is, has no say
    made = explain(asked, score="loss", signed="true")
    np.testing.assert_allclose(made.values, expected, atol=1e-6)
    assert made.notes == ("positive values raise the loss: they speak against the true class",)
    assert made.meta["label"] == 2
    np.testing.assert_allclose(explain(asked, score="loss").values, np.abs(expected), atol=1e-6)
    target = replace(asked, place=Place(image=0, target=2))
    backwards = explain(target, score="log-probability", signed="true").values
    np.testing.assert_allclose(made.values, -backwards, atol=1e-6)
    for variant in ("integrated", "occlusion"):
        lost = explain(asked, variant=variant, score="loss").values
        np.testing.assert_allclose(
            lost, -explain(target, variant=variant, score="log-probability").values, atol=1e-5 * np.abs(lost).max()
        )


@pytest.mark.parametrize(("label", "said"), [(-1, "no true class"), (3, "3 is no class of 3")])
def test_the_loss_needs_a_label(label: int, said: str) -> None:
    asked = Subject(opened(linear(), (8, 8)), Place(image=0, target=1), picture(8, 8), label)
    with pytest.raises(InputError, match=f"loss: .*{said}.*score=log-probability"):
        explain(asked, score="loss")


def test_the_loss_does_not_hang_on_the_target() -> None:
    described = Saliency.describe()
    assert "target" not in described.axes_for({"score": "loss"})
    assert "target" in described.axes_for({"score": "logit"}) & described.axes_for({"score": "log-probability"})


# ---- sign, channels, baselines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v not in ("smoothgrad-squared", "vargrad")])
def test_the_sign_can_be_chosen(subject: Make, variant: str) -> None:
    asked = subject(opened(rectifying(1), (24, 24), 5), picture(24, 24), 3)
    signed = explain(asked, variant=variant, signed="true", samples=4)
    absolute = explain(asked, variant=variant, signed="false", samples=4)
    assert signed.signed and signed.values.min() < 0
    assert not absolute.signed and absolute.values.min() >= 0
    if variant != "smoothgrad":  # its absolute values are taken before the mean
        assert np.array_equal(np.abs(signed.values), absolute.values)


@pytest.mark.parametrize(
    ("how", "signed", "words"),
    [
        ("sum", "true", "sum"),
        ("sum", "false", "sum of absolute values"),
        ("mean", "true", "mean"),
        ("mean", "false", "mean of absolute values"),
        ("max", "true", "the value of the largest size"),
        ("max", "false", "largest absolute value"),
    ],
)
def test_channels_become_one_map_as_named(subject: Make, how: str, signed: str, words: str) -> None:
    asked = subject(opened(rectifying(), (24, 24), 5), picture(24, 24, 3), 3)
    made = explain(asked, channels=how, signed=signed)
    channels = made.extras["channels"]
    if how == "max":
        rows, columns = np.indices((24, 24))
        expected = channels[np.abs(channels).argmax(0), rows, columns]
    else:
        expected = channels.sum(0) if how == "sum" else channels.mean(0)
    np.testing.assert_allclose(made.values, expected, rtol=1e-6)
    assert made.meta["channels"] == words and channels.shape == (3, 24, 24)
    assert bool(channels.min() < 0) is (signed == "true")


def test_baselines_are_what_they_are_called() -> None:
    given = {"mean": (0.2, 0.4, 0.6), "std": (0.5, 0.25, 0.1)}
    classifier, image = opened(rectifying(), (36, 24), 5, **given), picture(36, 24, 3)
    x = classifier.inputs([image])
    made = {kind: baseline(classifier, x, kind, 51).numpy()[0] for kind in BASELINES}
    mean, std = (np.array(given[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    assert not made["zero"].any()
    np.testing.assert_allclose(made["black"], np.broadcast_to(-mean / std, (3, 36, 24)), rtol=1e-6)
    np.testing.assert_allclose(made["value"], np.broadcast_to((0.2 - mean) / std, (3, 36, 24)), atol=1e-6)
    channels = x.numpy()[0]
    np.testing.assert_allclose(made["mean"][:, 5, 7], channels.mean((1, 2)), atol=1e-6)
    for channel, blurred in zip(channels, made["blurred"], strict=True):
        expected = gaussian_filter(channel.astype(np.float64), 24 / 12, mode="nearest", radius=6)
        np.testing.assert_allclose(blurred, expected, atol=1e-5)


# ---- noise -----------------------------------------------------------------------------------------------------------


def test_the_seed_decides_the_noise_and_nothing_else_does(subject: Make) -> None:
    asked = subject(opened(rectifying(1), (24, 24), 5), picture(24, 24), 3)
    first = explain(asked, variant="smoothgrad", seed=1).values
    torch.manual_seed(99)
    assert np.array_equal(explain(asked, variant="smoothgrad", seed=1).values, first)
    assert not np.allclose(explain(asked, variant="smoothgrad", seed=2).values, first, rtol=1e-2)


class Sine(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sin()


def test_says_when_the_noise_decides(subject: Make) -> None:
    torch.manual_seed(0)
    wild = nn.Sequential(nn.Flatten(), nn.Linear(64, 9), Sine(), nn.Linear(9, 3))
    with torch.no_grad():
        wild[1].weight.mul_(100)
    few = explain(subject(opened(wild, (8, 8)), picture(8, 8), 1), variant="smoothgrad", signed="true", samples=3)
    assert any("take more samples" in note for note in few.notes)
    asked = subject(opened(linear(), (8, 8)), picture(8, 8), 1)
    assert explain(asked, variant="smoothgrad", signed="true", samples=3).notes == ()


def test_says_that_an_image_of_one_brightness_gets_no_noise(subject: Make) -> None:
    asked = subject(opened(rectifying(1), (24, 24), 5), np.full((24, 24), 90, np.uint8), 3)
    made = explain(asked, variant="smoothgrad")
    assert any("noise is zero" in note for note in made.notes)
    plain = explain(asked).values
    np.testing.assert_allclose(made.values, plain, atol=1e-5 * plain.max())
