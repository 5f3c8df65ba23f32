"""filter-ascent against mathematics and the plain loop, for filters and classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier
from tests.plugins.climbs import STILL, climb, climb_class, smooth
from tests.plugins.opening import opened

# ---- against mathematics ---------------------------------------------------------------------------------------------


def linear(height: int, width: int, channels: int = 1) -> nn.Module:
    """One linear filter over the whole picture in each of 5 channels."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(channels, 5, (height, width)), nn.Flatten(), nn.Linear(5, 3))


@pytest.mark.parametrize("optimiser", ["adam", "gradient"])
@pytest.mark.parametrize("space", ["pixels", "fourier"])
def test_a_linear_filter_under_an_l2_constraint_shows_its_own_pattern(optimiser: str, space: str) -> None:
    module = linear(10, 14)
    classifier = opened(module, (10, 14), mean=0.4, std=0.5)
    made = climb(
        classifier, "0", l2=30.0, steps=300, rate=0.005, optimiser=optimiser, space=space, noise=0.02, seed=1, **STILL
    )
    assert made.images.shape == (5, 10, 14)
    for weight, image in zip(module[0].weight.detach().numpy()[:, 0], made.images, strict=True):
        assert np.corrcoef(weight.ravel(), image.ravel())[0, 1] > 0.99
        # d/ds (w . (s - mean) / std - l2 * mean((s - .5)^2)) = 0
        expected = 0.5 + weight / 0.5 * 140 / (2 * 30.0)
        np.testing.assert_allclose(image, expected, atol=0.03)


def test_a_linear_colour_filter_shows_its_own_pattern_in_each_colour() -> None:
    module = linear(6, 7, channels=3)
    classifier = opened(module, (6, 7), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    made = climb(classifier, "0", l2=40.0, steps=300, rate=0.005, noise=0.02, **STILL)
    assert made.images.shape == (5, 6, 7, 3)
    std = np.array([0.229, 0.224, 0.225])
    for weight, image in zip(module[0].weight.detach().numpy(), made.images, strict=True):
        pattern = weight.transpose(1, 2, 0) / std
        assert np.corrcoef(pattern.ravel(), image.ravel())[0, 1] > 0.99


def test_without_a_constraint_a_linear_filter_ends_in_black_and_white() -> None:
    module = linear(8, 8)
    classifier = opened(module, (8, 8))
    made = climb(classifier, "0", steps=60, **STILL)
    weight = module[0].weight.detach().numpy()[:, 0]
    assert np.array_equal(made.images, (weight > 0).astype(np.float32))
    best = np.where(weight > 0, weight, 0).sum((1, 2)) + module[0].bias.detach().numpy()
    np.testing.assert_allclose(made.scores, best, rtol=1e-5)
    np.testing.assert_allclose(made.extras["gain"], made.extras["final"] - made.extras["start"])
    assert np.array_equal(made.extras["final"], made.scores)


@pytest.mark.parametrize("objective", ["mean", "sum", "centre"])
@pytest.mark.parametrize("penalties", [{}, {"l2": 3.0, "tv": 0.7}])
def test_the_first_step_follows_finite_differences_in_float64(objective: str, penalties: dict[str, float]) -> None:
    module = smooth()
    classifier = opened(module, (9, 8), mean=0.3, std=0.6)
    rate = 0.01
    how = {"objective": objective, "optimiser": "gradient", "rate": rate, **penalties, **STILL}
    start = climb(classifier, "3", 4, steps=0, **how).images[0]
    step = (climb(classifier, "3", 4, steps=1, **how).images[0] - start).astype(np.float64) / rate

    exact = smooth().double()[:4].eval()

    def value(s: torch.Tensor) -> torch.Tensor:
        """The penalised objective of pictures (n, 9, 8), written down once more."""
        with torch.no_grad():
            maps = exact((s[:, None] - 0.3) / 0.6)[:, 4]
        height, width = maps.shape[1:]
        chosen = {"mean": maps.mean((1, 2)), "sum": maps.sum((1, 2)), "centre": maps[:, height // 2, width // 2]}
        rough = (s[:, 1:] - s[:, :-1]).abs().mean((1, 2)) + (s[:, :, 1:] - s[:, :, :-1]).abs().mean((1, 2))
        grey = ((s - 0.5) ** 2).mean((1, 2))
        return chosen[objective] - penalties.get("l2", 0) * grey - penalties.get("tv", 0) * rough

    moved = torch.eye(72, dtype=torch.float64).view(72, 9, 8) * 1e-6
    at = torch.from_numpy(start.astype(np.float64))
    slope = ((value(at + moved) - value(at - moved)) / 2e-6).view(9, 8).numpy()
    np.testing.assert_allclose(step, slope / np.sqrt((slope**2).mean()), atol=2e-4)


# ---- against the plain loop ------------------------------------------------------------------------------------------


def plain_loop(
    classifier: TorchClassifier, layer: str, filter: int, start: np.ndarray, steps: int, optimiser: str, rate: float
) -> tuple[np.ndarray, float]:
    """One filter through the whole network, as it is usually written; picture and final mean activation."""
    seen: list[torch.Tensor] = []
    hook = classifier.module.get_submodule(layer).register_forward_hook(lambda m, i, out: seen.append(out.clone()))
    s = torch.tensor(start)[None, None].requires_grad_()
    adam = torch.optim.Adam([s], lr=rate, maximize=True, eps=1e-12)
    for _ in range(steps):
        classifier.scores(s * 1)
        gradient = torch.autograd.grad(seen.pop()[0, filter].mean(), s)[0]
        if optimiser == "adam":
            s.grad = gradient
            adam.step()
        with torch.no_grad():
            if optimiser == "gradient":
                s += rate * gradient / gradient.square().mean().sqrt()
            s.clamp_(0, 1)
    with torch.no_grad():
        classifier.scores(s * 1)
    hook.remove()
    return s.detach()[0, 0].numpy(), seen.pop()[0, filter].mean().item()


@pytest.mark.parametrize("optimiser", ["adam", "gradient"])
@pytest.mark.parametrize("layer", ["0", "1", "2", "3", "4"])
def test_equals_the_plain_loop_through_the_whole_network(optimiser: str, layer: str) -> None:
    classifier = opened(smooth(), (12, 10))
    how = {"optimiser": optimiser, "rate": 0.03, **STILL}
    starts, made = climb(classifier, layer, steps=0, **how), climb(classifier, layer, steps=20, **how)
    assert len(made.images) == (6 if layer in "012" else 9)
    for f, image in enumerate(made.images):
        expected, score = plain_loop(classifier, layer, f, starts.images[f], 20, optimiser, 0.03)
        np.testing.assert_allclose(image, expected, atol=2e-3)
        assert made.scores[f] == pytest.approx(score, rel=1e-3, abs=1e-4)
        assert made.extras["start"][f] == starts.scores[f] == pytest.approx(starts.extras["final"][f])


@pytest.mark.parametrize("layer", ["input_layer.0", "conv_layer.3.conv.0"])
def test_equals_the_plain_loop_on_a_real_network(hhccode: TorchClassifier, layer: str) -> None:
    """Rounding lets a few filters take another branch of a rectifier or a pooling, and go their own way from there."""
    how = {"rate": 0.03, "optimiser": "gradient", **STILL}
    starts, first, made = (climb(hhccode, layer, steps=steps, **how) for steps in (0, 1, 5))
    filters = [f for f in range(0, 30, 3) if f not in made.marked]
    gaps = [
        np.abs(first.images[f] - plain_loop(hhccode, layer, f, starts.images[f], 1, "gradient", 0.03)[0]).max()
        for f in filters
    ]
    assert np.sort(gaps)[int(0.7 * len(filters))] <= 1e-5
    scores = [plain_loop(hhccode, layer, f, starts.images[f], 5, "gradient", 0.03)[1] for f in filters]
    np.testing.assert_allclose(made.scores[filters], scores, rtol=0.01, atol=1e-5)


def test_every_live_filter_of_real_layers_gains(hhccode: TorchClassifier) -> None:
    for layer in ("input_layer.2", "conv_layer.3.conv.0"):
        made = climb(hhccode, layer, steps=10, **STILL)
        alive = np.setdiff1d(np.arange(len(made.images)), made.marked)
        assert len(alive) > 0.9 * len(made.images) and (made.extras["gain"][alive] > 0).all()
        assert made.images.min() >= 0 and made.images.max() <= 1


def test_the_first_layers_zero_filters_are_the_dead_ones(hhccode: TorchClassifier) -> None:
    weight = hhccode.module.input_layer[0].weight.detach().flatten(1)
    made = climb(hhccode, "input_layer.0", steps=5)
    assert made.marked == tuple(torch.nonzero((weight == 0).all(1)).flatten().tolist()) == (10, 31)
    assert made.captions[10] == "filter 10 dead" and "->" in made.captions[9]
    assert any("2 of 32 filters are dead" in note for note in made.notes)


# ---- classes ---------------------------------------------------------------------------------------------------------


def test_class_ascent_equals_the_plain_loop() -> None:
    classifier = opened(smooth(), (12, 10))
    how = {"rate": 0.03, **STILL}
    start = climb_class(classifier, 2, steps=0, **how).images
    made = climb_class(classifier, 2, steps=20, **how)
    s = torch.tensor(start)[:, None].requires_grad_()
    adam = torch.optim.Adam([s], lr=0.03, maximize=True, eps=1e-12)
    for _ in range(20):
        s.grad = torch.autograd.grad(classifier.scores(s * 1)[0, 2], s)[0]
        adam.step()
        with torch.no_grad():
            s.clamp_(0, 1)
    np.testing.assert_allclose(made.images, s.detach()[:, 0].numpy(), atol=2e-3)
    assert made.scores[0] == pytest.approx(classifier.scores(s)[0, 2].item(), abs=1e-4)
    assert made.captions[0].startswith("class2 ") and made.extras["classes"].tolist() == [2]


def test_class_ascent_convinces_a_real_network(hhccode: TorchClassifier) -> None:
    for target in (3, 5):
        made = climb_class(hhccode, target)
        picture = (255 * made.images[0]).round().astype(np.uint8)
        scores = hhccode.predict([picture])[0]
        assert scores.argmax() == target and scores[target] == pytest.approx(made.scores[0], abs=0.5)
        assert made.meta["score"] == "raw score" and made.extras["gain"][0] > 5


@pytest.mark.parametrize("classes", [2, 1000])
def test_class_ascent_behind_a_softmax_climbs_the_logarithm(classes: int) -> None:
    plain = smooth(classes=classes)
    with torch.no_grad():
        plain[7].bias[0] = 30.0  # saturated: the probability itself has no slope
        plain[7].weight[1] *= 100
    classifier = opened(nn.Sequential(plain, nn.Softmax(1)), (8, 8), classes)
    made = climb_class(classifier, 1, steps=40, **STILL)
    assert made.extras["gain"][0] > 1 and any("logarithm" in note for note in made.notes)


def test_class_ascent_takes_variants_with_diversity(hhccode: TorchClassifier) -> None:
    made = climb_class(hhccode, 3, variants=2, diversity=5.0, steps=5)
    assert made.images.shape == (2, 48, 48)
    assert [caption.split(" ")[:2] for caption in made.captions] == [["happy", "#1"], ["happy", "#2"]]
