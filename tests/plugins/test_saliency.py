from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Axis, Heatmap, Subject
from fer_tui_plugins.saliency import Saliency, SaliencyParameters

Make = Callable[..., Subject]
captum_attr = pytest.importorskip("captum.attr")


def captum(classifier: TorchClassifier, image: np.ndarray, target: int, *, absolute: bool = True) -> np.ndarray:
    """captum's map (C, H, W) of the same input."""
    x = classifier.inputs([image]).requires_grad_()
    return captum_attr.Saliency(classifier.module).attribute(x, target=target, abs=absolute)[0].detach().numpy()


def explain(subject: Subject, **parameters: object) -> Heatmap:
    (result,) = Saliency().explain(subject, SaliencyParameters(**parameters))
    assert result.final and result.place == subject.place
    assert isinstance(result.explanation, Heatmap)
    return result.explanation


def gray(size: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


def rgb(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def opened(module: nn.Module, size: int, classes: int = 3, **given: object) -> TorchClassifier:
    names = [f"class{n}" for n in range(classes)]
    return open_classifier(module.eval(), size=(size, size), classes=names, device="cpu", **given)


class Residual(nn.Module):
    """Two convolutions with batch norm and a shortcut; one in-place ReLU module is used twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.norm, self.relu = nn.BatchNorm2d(width), nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(x + self.norm(self.second(self.relu(self.first(x)))))


def residual_rgb() -> nn.Module:
    torch.manual_seed(1)
    block = Residual(12)
    stem = nn.Conv2d(3, 12, 7, stride=4)
    network = nn.Sequential(
        stem, block, nn.MaxPool2d(3), block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5)
    )
    for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 1.5)
    return network


# ---- against captum --------------------------------------------------------------------------------------------------


def test_equals_captum_on_real_images(public: tuple, hhccode: TorchClassifier, subject: Make) -> None:
    images, labels = public
    subjects = [subject(hhccode, images[row], int(labels[row]), row) for row in range(0, 500, 10)]
    batched = list(Saliency().explain_many(subjects, SaliencyParameters()))
    assert [result.place for result in batched] == [each.place for each in subjects]
    for each, result in zip(subjects, batched, strict=True):
        expected = captum(hhccode, each.image, each.place.target)[0]
        single = explain(each)
        assert np.abs(single.values - expected).max() <= 1e-6
        assert np.abs(result.explanation.values - expected).max() <= 1e-5 * expected.max()
        assert np.array_equal(single.image, each.image)
        assert single.notes == () and single.extras == {}


def test_signed_equals_captum_without_abs(public: tuple, hhccode: TorchClassifier, subject: Make) -> None:
    image = public[0][7]
    made = explain(subject(hhccode, image, 3), signed=True)
    assert made.signed and made.values.min() < 0
    assert np.abs(made.values - captum(hhccode, image, 3, absolute=False)[0]).max() <= 1e-6


@pytest.mark.parametrize("signed", [False, True])
def test_equals_captum_on_rgb_with_inplace_reused_and_frozen_modules(subject: Make, signed: bool) -> None:
    module = residual_rgb()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    classifier = opened(module, 224, 5, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    image = rgb(224)
    made = explain(subject(classifier, image, 4), signed=signed)
    expected = captum(classifier, image, 4, absolute=not signed)
    assert np.abs(made.extras["channels"] - expected).max() <= 1e-6 * np.abs(expected).max()
    assert np.abs(made.values - expected.sum(0)).max() <= 1e-6 * np.abs(expected).max()
    assert made.meta["channels"] == ("sum" if signed else "sum of absolute values")
    assert made.image.shape == (224, 224, 3)


# ---- against mathematics ---------------------------------------------------------------------------------------------


def linear(size: int = 8, channels: int = 1, classes: int = 3) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, classes))


def test_linear_network_gives_its_weight_row(subject: Make) -> None:
    module = linear()
    classifier = opened(module, 8, mean=0.5, std=0.25)  # the gradient is that of the preprocessed input
    row = module[1].weight[2].detach().numpy().reshape(8, 8)
    assert np.array_equal(explain(subject(classifier, gray(), 2), signed=True).values, row)
    assert np.array_equal(explain(subject(classifier, gray(), 2)).values, np.abs(row))


def test_channels_are_summed_after_the_absolute_value(subject: Make) -> None:
    class FromColour(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix, self.head = nn.Conv2d(3, 1, 1, bias=False), linear(4)
            with torch.no_grad():
                self.mix.weight.copy_(torch.tensor([2.0, -3.0, 0.5]).view(1, 3, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.mix(x))

    module = FromColour()
    classifier = opened(module, 4)
    row = module.head[1].weight[1].detach().numpy().reshape(4, 4)
    np.testing.assert_allclose(explain(subject(classifier, rgb(4), 1)).values, np.abs(row) * 5.5, rtol=1e-6)
    signed = explain(subject(classifier, rgb(4), 1), signed=True)
    np.testing.assert_allclose(signed.values, row * -0.5, rtol=1e-5)


def test_log_probability_has_the_closed_form(subject: Make) -> None:
    module = linear()
    classifier = opened(module, 8)
    weight = module[1].weight.detach().double()
    x = classifier.inputs([gray()]).double().flatten()
    shares = (weight @ x + module[1].bias.detach().double()).softmax(0)
    expected = (weight[0] - shares @ weight).reshape(8, 8).numpy()
    made = explain(subject(classifier, gray(), 0), score="log-probability", signed=True)
    np.testing.assert_allclose(made.values, expected, atol=1e-6)


@pytest.mark.parametrize("head", [nn.Softmax(1), nn.LogSoftmax(1)])
def test_log_probability_is_the_same_behind_a_softmax_head(subject: Make, head: nn.Module) -> None:
    plain = linear()
    expected = explain(subject(opened(plain, 8), gray(), 1), score="log-probability", signed=True)
    headed = opened(nn.Sequential(plain, head), 8)
    made = explain(subject(headed, gray(), 1), score="log-probability", signed=True)
    np.testing.assert_allclose(made.values, expected.values, atol=1e-6)


@pytest.mark.parametrize("score", ["logit", "log-probability"])
def test_equals_finite_differences_in_float64(subject: Make, score: str) -> None:
    torch.manual_seed(3)
    conv = nn.Conv2d(1, 6, 3, stride=2)
    module = nn.Sequential(conv, nn.GELU(), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(54, 3)).eval()
    classifier = opened(module, 8)
    made = explain(subject(classifier, gray(), 1), score=score, signed=True)

    exact, step = copy.deepcopy(module).double(), 1e-5
    x = classifier.inputs([gray()]).double()
    moved = torch.eye(64, dtype=torch.float64).view(64, 1, 8, 8) * step
    with torch.no_grad():
        above, below = exact(x + moved), exact(x - moved)
    if score == "log-probability":
        above, below = above.log_softmax(1), below.log_softmax(1)
    slope = ((above - below)[:, 1] / (2 * step)).view(8, 8).numpy()
    np.testing.assert_allclose(made.values, slope, atol=1e-5 * np.abs(slope).max())


def test_all_attribution_lies_where_a_planted_network_looks(subject: Make) -> None:
    class Corner(nn.Module):
        """Sees nothing but the lower right quarter."""

        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.body(x[:, :, 6:, 6:])

    made = explain(subject(opened(Corner(), 12), gray(12), 0))
    assert made.values[6:, 6:].sum() == made.values.sum() > 0
    assert (made.values[6:, 6:] > 0).mean() > 0.9


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_batch_equals_single_with_a_target_for_each_image(subject: Make) -> None:
    classifier = opened(residual_rgb(), 32, 5)
    subjects = [subject(classifier, rgb(32, seed), seed % 5, seed) for seed in range(37)]
    for parameters in (SaliencyParameters(), SaliencyParameters(signed=True, score="log-probability")):
        batched = list(Saliency().explain_many(subjects, parameters))
        assert [result.place.image for result in batched] == list(range(37))
        for each, result in zip(subjects, batched, strict=True):
            (single,) = Saliency().explain(each, parameters)
            most = np.abs(single.explanation.values).max()
            assert np.abs(result.explanation.values - single.explanation.values).max() <= 1e-5 * most


def test_batch_equals_single_where_batch_norm_has_no_running_statistics(subject: Make) -> None:
    torch.manual_seed(4)
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    classifier = opened(nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)), 8)
    subjects = [subject(classifier, gray(8, seed), seed % 3, seed) for seed in range(5)]
    for each, result in zip(subjects, Saliency().explain_many(subjects, SaliencyParameters()), strict=True):
        assert np.array_equal(result.explanation.values, explain(each).values)


def test_one_call_may_mix_classifiers(subject: Make) -> None:
    first, second = opened(linear(), 8), opened(linear(8, classes=4), 8, 4)
    subjects = [subject(c, gray(8, n), 1, n) for n, c in enumerate([first, first, second, first])]
    for each, result in zip(subjects, Saliency().explain_many(subjects, SaliencyParameters()), strict=True):
        assert np.array_equal(result.explanation.values, explain(each).values)


# ---- nothing is left behind ------------------------------------------------------------------------------------------


def test_works_where_the_caller_forbids_gradients(subject: Make) -> None:
    classifier = opened(linear(), 8)
    expected = explain(subject(classifier, gray(), 1)).values
    with torch.no_grad():
        assert np.array_equal(explain(subject(classifier, gray(), 1)).values, expected)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert np.array_equal(explain(subject(classifier, gray(), 1)).values, expected)


def test_leaves_the_parameters_and_their_gradients_alone(subject: Make) -> None:
    module = residual_rgb()
    module[0].weight.grad = torch.full_like(module[0].weight, 7.0)
    module[0].bias.requires_grad_(False)
    before = {name: (p.requires_grad, p.grad is None, p.detach().clone()) for name, p in module.named_parameters()}
    classifier = opened(module, 32, 5)
    explain(subject(classifier, rgb(32), 2))
    list(Saliency().explain_many([subject(classifier, rgb(32), 2)] * 3, SaliencyParameters()))
    for name, parameter in module.named_parameters():
        required, ungraded, value = before[name]
        assert (parameter.requires_grad, parameter.grad is None) == (required, ungraded)
        assert torch.equal(parameter, value)
    assert torch.equal(module[0].weight.grad, torch.full_like(module[0].weight, 7.0))


def test_a_transform_that_keeps_its_tensor_gets_it_back_without_requires_grad(subject: Make) -> None:
    kept = torch.rand(1, 8, 8)
    classifier = opened(linear(), 8, transform=lambda picture: kept)
    explain(subject(classifier, gray(), 1))
    assert not kept.requires_grad and kept.grad is None


def test_a_network_may_begin_in_place(subject: Make) -> None:
    module = linear()
    classifier = opened(nn.Sequential(nn.LeakyReLU(0.5, inplace=True), module), 8, mean=0.5)
    x = classifier.inputs([gray()])[0, 0].numpy()
    row = module[1].weight[1].detach().numpy().reshape(8, 8)
    np.testing.assert_allclose(
        explain(subject(classifier, gray(), 1), signed=True).values, np.where(x > 0, row, 0.5 * row), rtol=1e-6
    )


# ---- what is said of a map -------------------------------------------------------------------------------------------


def biased(logit: float) -> nn.Module:
    module = linear()
    with torch.no_grad():
        module[1].weight.mul_(1e-3)
        module[1].bias.copy_(torch.tensor([0.0, logit, 0.0]))
    return module


@pytest.mark.parametrize(
    ("module", "score", "note"),
    [
        (lambda: nn.Sequential(linear(), nn.Threshold(1e6, 0.0)), "logit", "zero at every pixel"),
        (lambda: biased(40.0), "log-probability", "score=logit is not affected"),
        (lambda: nn.Sequential(biased(40.0), nn.Softmax(1)), "logit", "softmax is saturated"),
        (lambda: biased(40.0), "logit", None),
        (lambda: biased(0.0), "log-probability", None),
    ],
)
def test_says_when_a_gradient_tells_little(
    subject: Make, module: Callable[[], nn.Module], score: str, note: str | None
) -> None:
    notes = explain(subject(opened(module(), 8), gray(), 1), score=score).notes
    assert (note is None and not notes) or any(note in each for each in notes)


def test_says_that_a_map_is_not_finite(subject: Make) -> None:
    module = linear()
    classifier = opened(module, 8)
    with torch.no_grad():
        module[1].weight[1, 5] = float("nan")
    made = explain(subject(classifier, gray(), 1))
    assert np.isnan(made.values).sum() == 1 and np.isnan(made.values[0, 5])
    assert "1 of 64 values of the gradient are not finite" in made.notes


def test_says_that_a_network_lets_no_gradient_through(subject: Make) -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = linear()

        @torch.no_grad()
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x)

    made = explain(subject(opened(Cut(), 8), gray(), 1))
    assert not made.values.any() and "no gradient reaches the input" in made.notes[0]


# ---- as an explainer -------------------------------------------------------------------------------------------------


def test_describes_itself() -> None:
    described = Saliency.describe()
    assert described.axes == {Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT}
    assert (described.name, described.kind, described.cost, described.needs_dataset) == (
        "saliency",
        "heatmap",
        "cheap",
        False,
    )
    names = [info.name for info in described.parameters]
    assert names[:3] == ["variant", "score", "signed"] and names[-1] == "seed" and "precision" in names
    assert [info.default for info in described.parameters][:3] == ["gradient", "logit", "auto"]


def test_takes_a_model_that_returns_logits_in_an_object(subject: Make) -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = linear()

        def forward(self, x: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(logits=self.body(F.relu(x)))

    module = Wrapped()
    made = explain(subject(opened(module, 8), np.maximum(gray(), 1), 2), signed=True)
    assert np.array_equal(made.values, module.body[1].weight[2].detach().numpy().reshape(8, 8))
