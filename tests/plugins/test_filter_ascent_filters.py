"""filter-ascent's filters: alone and together, dead ones, and the ways of climbing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier
from fer_tui.contract import Place, Subject
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters
from tests.plugins.climbs import STILL, climb, climb_class, run, smooth
from tests.plugins.opening import opened

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
