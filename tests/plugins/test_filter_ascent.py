from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Axis, Gallery, InputError, Place, Result, Subject
from fer_tui_plugins import pacing
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters

STILL = {"jitter": 0, "blur": 0.0}  # plain ascent


def opened(module: nn.Module, size: tuple[int, int], classes: int = 3, **given: object) -> TorchClassifier:
    names = [f"class{n}" for n in range(classes)]
    return open_classifier(module.eval(), size=size, classes=names, device="cpu", **given)


def run(classifier: TorchClassifier, place: Place, **parameters: object) -> list[Result]:
    return list(FilterAscent().explain(Subject(classifier, place), FilterAscentParameters(**parameters)))


def climb(
    classifier: TorchClassifier, layer: str | None = None, filter: int | None = None, **parameters: object
) -> Gallery:
    """The finished gallery."""
    last = run(classifier, Place(layer=layer, filter=filter), **parameters)[-1]
    assert last.final and last.progress == 1 and last.place == Place(layer=layer, filter=filter)
    assert isinstance(last.explanation, Gallery)
    return last.explanation


def climb_class(classifier: TorchClassifier, target: int, **parameters: object) -> Gallery:
    last = run(classifier, Place(target=target), view="class", **parameters)[-1]
    assert last.final and isinstance(last.explanation, Gallery)
    return last.explanation


def smooth(channels: int = 1, classes: int = 3) -> nn.Module:
    """Without kinks, so that rounding does not grow; the layers' names are 0 to 7."""
    torch.manual_seed(5)
    network = nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.GELU(),
        nn.Conv2d(6, 9, 3, stride=2),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(9, classes),
    )
    network[1].running_mean.normal_(0, 0.2)
    network[1].running_var.uniform_(0.5, 1.5)
    return network


@pytest.fixture
def every_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result after every pass through the network."""
    monkeypatch.setattr(pacing, "_EVERY", 0.0)
    monkeypatch.setattr(pacing, "_SHARE", 0)


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


# ---- alone and together ----------------------------------------------------------------------------------------------

WAYS = [
    {},
    STILL,
    {"optimiser": "gradient", "tv": 0.1},
    {"space": "fourier", "bounds": "squash", "blur": 0.0},
    {"variants": 3, "diversity": 1.0},
    {"precision": "bfloat16"},
]


@pytest.mark.parametrize("way", WAYS)
def test_a_filter_alone_gives_the_very_picture_that_it_gives_among_all(
    hhccode: TorchClassifier, way: dict[str, object]
) -> None:
    """A climb is chaotic: anything but the same bits would drift apart."""
    variants = way.get("variants", 1)
    together = climb(hhccode, "conv_layer.3.conv.0", steps=8, **way)
    for f in (0, 31, 63):
        alone = climb(hhccode, "conv_layer.3.conv.0", f, steps=8, **way)
        rows = slice(f * variants, (f + 1) * variants)
        assert np.array_equal(alone.images, together.images[rows])
        assert alone.captions == together.captions[rows] and alone.extras["filters"].tolist() == [f] * variants


def test_the_same_seed_gives_the_same_gallery_and_another_one_another(hhccode: TorchClassifier) -> None:
    first, second = (climb(hhccode, "conv_layer.0.conv.0", steps=6, seed=3) for _ in range(2))
    other = climb(hhccode, "conv_layer.0.conv.0", steps=6, seed=4)
    assert np.array_equal(first.images, second.images) and first.captions == second.captions
    assert np.abs(first.images - other.images).max(axis=(1, 2)).min() > 0.05
    assert len({image.tobytes() for image in climb(hhccode, "input_layer.0", steps=0).images}) == 32


def test_a_whole_layer_hands_over_its_filters_one_by_one_and_itself_last(hhccode: TorchClassifier) -> None:
    finals = [result for result in run(hhccode, Place(layer="input_layer.3"), steps=3) if result.final]
    assert [result.place.filter for result in finals] == [*range(32), None]
    whole = finals[-1].explanation
    for f, result in enumerate(finals[:-1]):
        assert np.array_equal(result.explanation.images, whole.images[f : f + 1])
        assert result.explanation.captions == whole.captions[f : f + 1]
        assert result.explanation.marked == ((0,) if f in whole.marked else ())


def test_explain_many_climbs_places_together_with_the_numbers_of_each_alone(hhccode: TorchClassifier) -> None:
    places = [
        Place(layer="conv_layer.0.conv.0", filter=9),
        Place(layer="conv_layer.0.conv.0", filter=2),
        Place(layer="conv_layer.0.conv.0"),
        Place(layer="input_layer.3", filter=2),
    ]
    subjects = [Subject(hhccode, place) for place in places]
    many = list(FilterAscent().explain_many(subjects, FilterAscentParameters(steps=4)))
    assert [result.place for result in many] == places and all(result.final for result in many)
    for place, result in zip(places, many, strict=True):
        assert np.array_equal(result.explanation.images, climb(hhccode, place.layer, place.filter, steps=4).images)
    subjects = [Subject(hhccode, Place(target=target)) for target in (4, 1)]
    for result in FilterAscent().explain_many(subjects, FilterAscentParameters(steps=3, view="class")):
        alone = climb_class(hhccode, result.place.target, steps=3)
        assert np.array_equal(result.explanation.images, alone.images)


def test_batch_norm_without_running_statistics_mixes_no_filters() -> None:
    torch.manual_seed(4)
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    classifier = opened(network, (8, 8))
    together = climb(classifier, "1", steps=5)
    for f in range(4):
        assert np.array_equal(climb(classifier, "1", f, steps=5).images[0], together.images[f])


# ---- dead filters ----------------------------------------------------------------------------------------------------


def test_dead_filters_are_found_by_their_unmoved_activation() -> None:
    torch.manual_seed(6)
    network = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.Flatten(), nn.Linear(144, 3))
    with torch.no_grad():
        network[0].weight[1] = 0  # always its bias
        network[0].weight[2] *= 1e-6  # weak, but alive
        network[0].bias[2] = 0
        network[2].weight[3] = 0
    classifier = opened(network, (10, 10))
    first, second = climb(classifier, "0", steps=8), climb(classifier, "2", steps=8)
    assert first.marked == (1,) and second.marked == (3,)
    assert first.scores[1] == first.extras["start"][1] == pytest.approx(network[0].bias[1].item())
    assert climb(classifier, "0", 1, steps=8).marked == (0,)


def test_a_filter_that_its_rectifier_silences_at_the_start_still_climbs() -> None:
    torch.manual_seed(7)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 3))
    with torch.no_grad():
        network[0].weight[2] = torch.tensor([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])
        network[0].bias[2] = -1.5  # noise of +-.1 never reaches it, a white edge does
        network[0].weight[3] = 0
        network[0].bias[3] = -1
    made = climb(opened(network, (8, 8)), "1", steps=60, **STILL)
    assert made.extras["start"][2] == 0 and made.scores[2] > 0.1
    assert made.marked == (3,)


def test_filters_that_are_not_finite_are_told_and_not_called_dead() -> None:
    module = smooth()
    with torch.no_grad():
        module[3].weight[2, 0, 0, 0] = float("nan")
    made = climb(opened(module, (8, 8)), "3", steps=4)
    assert made.marked == () and np.flatnonzero(~np.isfinite(made.scores)).tolist() == [2]
    assert made.captions[2] == "filter 2" and np.isfinite(np.delete(made.images, 2, axis=0)).all()
    assert any("1 of 9 activations are not finite" in note for note in made.notes)


def test_says_that_no_gradient_comes_through() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 2, 3), nn.Linear(2, 3)

        @torch.no_grad()
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.conv(x * 2).mean((2, 3)))

    made = climb(opened(Cut(), (8, 8)), "conv", steps=3, **STILL)
    assert made.marked == (0, 1) and any("lets no gradient through" in note for note in made.notes)


# ---- the ways of climbing --------------------------------------------------------------------------------------------


def roughness(images: np.ndarray) -> float:
    return float(np.abs(np.diff(images, axis=1)).mean() + np.abs(np.diff(images, axis=2)).mean())


def test_penalties_blur_and_fourier_smooth_and_pull_to_grey(hhccode: TorchClassifier) -> None:
    layer, steps = "conv_layer.0.conv.0", 12
    plain = climb(hhccode, layer, steps=steps, **STILL)
    assert roughness(climb(hhccode, layer, steps=steps, jitter=0, blur=0.7).images) < 0.5 * roughness(plain.images)
    assert roughness(climb(hhccode, layer, steps=steps, tv=20.0, **STILL).images) < 0.7 * roughness(plain.images)
    fourier = climb(hhccode, layer, steps=steps, space="fourier", **STILL)
    assert roughness(fourier.images) < 0.8 * roughness(plain.images)
    far = np.square(plain.images - 0.5).mean()
    assert np.square(climb(hhccode, layer, steps=steps, l2=100.0, **STILL).images - 0.5).mean() < 0.3 * far


def test_jitter_makes_a_filters_favourite_place_no_matter() -> None:
    """A filter that sees only the middle: with jitter its pattern spreads by as many pixels."""
    torch.manual_seed(8)

    class Middle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 2, 3), nn.Linear(2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.conv(x[:, :, 7:10, 7:10]).mean((2, 3)))

    classifier = opened(Middle(), (17, 17))

    def touched(jitter: int) -> np.ndarray:
        how = {"jitter": jitter, "blur": 0.0}
        moved = climb(classifier, "conv", 0, steps=40, **how).images - climb(classifier, "conv", 0, steps=0).images
        return np.argwhere(moved[0] != 0)

    assert touched(0).min() == 7 and touched(0).max() == 9
    assert touched(3).min() == 4 and touched(3).max() == 12


def test_bounds(hhccode: TorchClassifier) -> None:
    for bounds in ("clip", "squash", "free"):
        made = climb(hhccode, "conv_layer.0.conv.0", steps=10, rate=0.2, bounds=bounds, **STILL)
        assert made.images.min() >= 0 and made.images.max() <= 1
        assert any("unbounded" in note for note in made.notes) == (bounds == "free")
        seen = hhccode.inputs([(255 * image).round().astype(np.uint8) for image in made.images[:20]])
        activations: list[torch.Tensor] = []
        module = hhccode.module.conv_layer[0].conv[0]
        hook = module.register_forward_hook(lambda m, i, out, kept=activations: kept.append(out))
        hhccode.scores(seen)
        hook.remove()
        told = activations[0][torch.arange(20), torch.arange(20)].mean((1, 2)).detach().numpy()
        agree = np.corrcoef(told, made.scores[:20])[0, 1]
        assert agree > 0.999 if bounds != "free" else agree > 0.5  # the score is that of the picture that is shown
        if bounds == "free":
            assert np.abs(made.images.mean((1, 2)) - 0.5).max() < 0.1


def test_variants_start_from_other_noise_and_diversity_drives_them_apart(hhccode: TorchClassifier) -> None:
    layer = "conv_layer.7.conv.0"
    module = hhccode.module.get_submodule(layer)

    def alike(images: np.ndarray) -> float:
        """The mean cosine of the Gram matrices of all pairs, by hand."""
        outputs: list[torch.Tensor] = []
        hook = module.register_forward_hook(lambda m, i, out: outputs.append(out.detach()))
        hhccode.scores(torch.from_numpy(images)[:, None])
        hook.remove()
        grams = [(a.flatten(1) @ a.flatten(1).T).flatten() for a in outputs[0]]
        pairs = [(a, b) for n, a in enumerate(grams) for b in grams[n + 1 :]]
        return float(np.mean([F.cosine_similarity(a, b, dim=0).item() for a, b in pairs]))

    same = climb(hhccode, layer, 3, variants=3, steps=25, **STILL)
    apart = climb(hhccode, layer, 3, variants=3, steps=25, diversity=40.0, **STILL)
    assert same.images.shape == (3, 48, 48) and same.captions[2].startswith("filter 3 #3 ")
    assert len({image.tobytes() for image in same.images}) == 3
    assert alike(apart.images) < alike(same.images) - 0.02
    lonely = climb(hhccode, layer, 3, steps=1, diversity=1.0)
    assert any("set variants" in note for note in lonely.notes)


def test_no_steps_give_the_start() -> None:
    made = climb(opened(smooth(), (8, 8)), "3", steps=0, noise=0.2)
    assert not made.extras["gain"].any() and made.marked == ()
    assert 0.3 <= made.images.min() < 0.32 and 0.68 < made.images.max() <= 0.7
    assert any("no steps" in note for note in made.notes)


def test_bfloat16_climbs_about_as_high(hhccode: TorchClassifier) -> None:
    how = {"steps": 10, "rate": 0.03, **STILL}
    exact, fast = (climb(hhccode, "conv_layer.0.conv.0", precision=p, **how) for p in ("float32", "bfloat16"))
    assert np.corrcoef(exact.scores, fast.scores)[0, 1] > 0.98
    assert any("bfloat16" in note for note in fast.notes) and "bfloat16" in fast.meta["network"]


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


# ---- what is yielded -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("every_pass")
def test_shows_the_gallery_while_it_climbs(hhccode: TorchClassifier) -> None:
    results = run(hhccode, Place(layer="input_layer.3"), steps=6, **STILL)
    climbing = [result for result in results if not result.final]
    assert len(climbing) == 2 * 8 - 1 and all(result.place.filter is None for result in climbing)
    shares = [result.progress for result in climbing]
    assert shares == sorted(shares) and shares[-1] < 1
    whole = results[-1].explanation
    for result in climbing:
        assert result.explanation.images.shape == (32, 48, 48) and result.explanation.marked == ()
    half = climbing[len(climbing) // 2].explanation
    alive = np.setdiff1d(np.arange(32), whole.marked)
    assert (half.scores[alive] > whole.extras["start"][alive]).all()
    assert (half.scores[alive] < whole.scores[alive]).all()
    assert np.isnan(climbing[0].explanation.scores[16:]).all()
    assert climbing[0].explanation.captions[20] == "filter 20"


@pytest.mark.usefixtures("every_pass")
def test_closing_stops_the_work_and_leaves_nothing(hhccode: TorchClassifier) -> None:
    passes = []
    hhccode.module.input_layer[0].register_forward_hook(lambda *_: passes.append(1))
    hooks = _hooks(hhccode)
    copies = {name: _hooks(hhccode.folded("float32", [name] if name else [])[0]) for name in ("", "input_layer.0")}
    results = FilterAscent().explain(Subject(hhccode, Place(layer="conv_layer.3")), FilterAscentParameters())
    next(results)
    next(results)
    passes.clear()
    results.close()
    assert not passes and _hooks(hhccode) == hooks
    for name, before in copies.items():
        assert _hooks(hhccode.folded("float32", [name] if name else [])[0]) == before


def _hooks(classifier: TorchClassifier) -> list[int]:
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [len(getattr(module, name)) for module in classifier.module.modules() for name in names]


# ---- what it is asked for --------------------------------------------------------------------------------------------


def test_the_last_convolution_is_taken_where_no_layer_is_named(hhccode: TorchClassifier) -> None:
    made = climb(hhccode, None, 7, steps=1)
    assert made.meta["layer"] == "conv_layer.15.conv.0"
    assert made.notes[0] == "no layer is named: this is conv_layer.15.conv.0, the last convolution"
    named = climb(hhccode, "conv_layer.15.conv.0", 7, steps=1)
    assert np.array_equal(named.images, made.images) and named.notes == made.notes[1:]


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (Place(layer="conv_layer.15.conv.9"), "did you mean conv_layer.15.conv"),
        (Place(layer="output_layer"), "no such layer with filters"),
        (Place(filter=256), "layer conv_layer.15.conv.0 has 256 filters, counted from 0"),
    ],
)
def test_a_wrong_place_is_named(hhccode: TorchClassifier, place: Place, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        run(hhccode, place)


def test_a_network_without_filters_says_so() -> None:
    classifier = opened(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), (8, 8))
    with pytest.raises(InputError, match="no layer whose output is"):
        run(classifier, Place())
    assert climb_class(classifier, 1, steps=5).extras["gain"][0] > 0


def test_describes_itself() -> None:
    described = FilterAscent.describe()
    values = {info.name: info.default for info in described.parameters}
    assert (described.name, described.kind, described.cost) == ("filter-ascent", "gallery", "slow")
    assert {"view", "steps", "top", "seed", "precision"} <= set(values)
    expected = {
        "ascent": ({Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT}, False),
        "outputs": ({Axis.IMAGE, Axis.LAYER, Axis.CHECKPOINT}, False),
        "images": ({Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT}, True),
        "class": ({Axis.TARGET, Axis.CHECKPOINT}, False),
    }
    for view, (axes, needs_dataset) in expected.items():
        assert described.axes_for(values | {"view": view}) == axes
        assert described.needs_dataset_for(values | {"view": view}) == needs_dataset
    assert type(described).from_dict(described.to_dict()) == described


def test_climbs_where_the_caller_forbids_gradients() -> None:
    classifier = opened(smooth(), (8, 8))
    expected = climb(classifier, "3", steps=4).images
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            assert np.array_equal(climb(classifier, "3", steps=4).images, expected)


@pytest.fixture
def out_of_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[nn.Module, int], None]:
    """The network takes no more than so many pictures at a time."""

    def limit(module: nn.Module, most: int) -> None:
        def check(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            if len(given[0]) > most:
                raise torch.OutOfMemoryError

        module.register_forward_pre_hook(check)

    return limit


def test_halves_the_batch_where_memory_runs_out(out_of_memory: Callable[[nn.Module, int], None]) -> None:
    module = smooth()
    expected = climb(opened(smooth(), (8, 8)), "3", steps=4)
    classifier = opened(module, (8, 8))
    classifier.folded()
    out_of_memory(classifier.folded()[0].module, 2)
    made = climb(classifier, "3", steps=4)
    np.testing.assert_allclose(made.images, expected.images, atol=1e-4)
    out_of_memory(classifier.folded()[0].module, 0)
    with pytest.raises(torch.OutOfMemoryError):
        climb(classifier, "3", steps=4)


def test_waves_bound_the_memory_and_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_tui_plugins import ascent_climb

    classifier = opened(smooth(), (8, 8))
    whole = climb(classifier, "3", steps=5)
    monkeypatch.setattr(ascent_climb, "_WAVE", 1)
    monkeypatch.setattr(pacing, "_EVERY", 0.0)
    results = run(classifier, Place(layer="3"), steps=5)
    assert np.array_equal(results[-1].explanation.images, whole.images)


def test_parameters_are_those_of_the_climb() -> None:
    from fer_tui_plugins.ascent_climb import Climb

    declared = {each.name for each in dataclasses.fields(FilterAscentParameters)}
    assert {each.name for each in dataclasses.fields(Climb)} <= declared
