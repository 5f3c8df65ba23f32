"""The parts of LIME, each against something independent of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui_plugins.hastening import hastened
from fer_tui_plugins.lime_inputs import Normalisation, Picture, in_colour, normalisation, probable
from fer_tui_plugins.lime_regression import closeness, draw, fit, package_fit, stability
from fer_tui_plugins.lime_sampling import Sampling
from fer_tui_plugins.lime_segments import SEGMENTATIONS, fitting_count, grid, segmented

# ---- segments --------------------------------------------------------------------------------------------------------


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("method", SEGMENTATIONS)
@pytest.mark.parametrize("image", [noise(40, 61), noise(32, 32, 3), np.zeros((48, 48), np.uint8)])
def test_segments_are_numbered_from_zero_without_gaps(method: str, image: np.ndarray) -> None:
    segments = segmented(in_colour(image), method, 0)
    assert segments.shape == image.shape[:2] and segments.dtype == np.int64
    assert np.array_equal(np.unique(segments), np.arange(segments.max() + 1))


def test_slic_cuts_faces_into_tens_of_segments_and_quickshift_into_a_few(public: tuple) -> None:
    faces = [in_colour(image) for image in public[0][:40]]
    counts = {m: [segmented(face, m, 0).max() + 1 for face in faces[:10]] for m in ("slic", "felzenszwalb", "grid")}
    assert all(20 <= count <= 70 for found in counts.values() for count in found)
    assert np.median([segmented(face, "quickshift", 0).max() + 1 for face in faces[:10]]) < 15
    assert all(segmented(face, "slic", 100).max() > 60 for face in faces[:10])


def test_equals_scikit_image_as_the_package_calls_it(public: tuple) -> None:
    wrappers = pytest.importorskip("lime.wrappers.scikit_image")
    rgb = in_colour(public[0][7])
    theirs = wrappers.SegmentationAlgorithm("quickshift", kernel_size=4, max_dist=200, ratio=0.2, random_seed=0)(rgb)
    assert np.array_equal(segmented(rgb, "quickshift", 0), theirs)
    theirs = wrappers.SegmentationAlgorithm("slic", n_segments=50, start_label=0)(rgb)
    assert np.array_equal(segmented(rgb, "slic", 0), theirs)


def test_the_count_fits_the_size() -> None:
    assert [fitting_count(side, side) for side in (8, 28, 48, 96, 224, 1000)] == [16, 17, 50, 100, 100, 100]


@pytest.mark.parametrize(("height", "width", "count"), [(48, 48, 36), (30, 90, 27), (7, 5, 4), (3, 3, 100), (50, 2, 5)])
def test_grid_cells_are_rectangles_of_nearly_one_size(height: int, width: int, count: int) -> None:
    cells = grid(height, width, count)
    sizes = []
    for cell in range(cells.max() + 1):
        rows, columns = np.nonzero(cells == cell)
        sides = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == sides[0] * sides[1]
        sizes.append(sides)
    tall, wide = zip(*sizes, strict=True)
    assert max(tall) - min(tall) <= 1 and max(wide) - min(wide) <= 1
    assert cells.max() + 1 <= height * width
    if count <= height * width / 4:
        assert 0.6 * count <= cells.max() + 1 <= 1.6 * count


# ---- regression ------------------------------------------------------------------------------------------------------


def samples(seed: int = 0, count: int = 150, segments: int = 20, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    data = draw(seed, count, segments)
    rng = np.random.default_rng(seed)
    targets = data @ rng.normal(0, 1, (segments, classes)) + rng.normal(0, 1, (count, classes))
    return data, targets.astype(np.float32)


def test_weights_are_the_packages_also_where_all_is_hidden() -> None:
    pairwise = pytest.importorskip("sklearn.metrics").pairwise_distances
    data = draw(0, 300, 5)  # so few segments that some sample hides them all
    assert (data.sum(1) == 0).any() and data[0].all()
    distances = pairwise(data, data[:1], metric="cosine").ravel()
    np.testing.assert_allclose(closeness(data), np.sqrt(np.exp(-(distances**2) / 0.25**2)), rtol=1e-12)


@pytest.mark.parametrize(("count", "segments"), [(150, 20), (30, 60), (40, 1)])
def test_all_classes_at_once_are_what_scikit_learn_finds_one_by_one(count: int, segments: int) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    data, targets = samples(1, count, segments)
    weights = closeness(data)
    made = fit(data, targets, weights)
    for label in range(3):
        model = linear.Ridge(alpha=1).fit(data, targets[:, label], sample_weight=weights)
        np.testing.assert_allclose(made.coefficients[label], model.coef_, atol=1e-10)
        assert made.intercepts[label] == pytest.approx(model.intercept_, abs=1e-10)
        assert made.r2[label] == pytest.approx(model.score(data, targets[:, label], sample_weight=weights), abs=1e-10)
        assert made.predictions[label] == pytest.approx(model.predict(data[:1])[0], abs=1e-10)
        exact, intercept = package_fit(data, targets[:, label])
        np.testing.assert_allclose(exact, made.coefficients[label], atol=1e-10)
        assert intercept == pytest.approx(made.intercepts[label], abs=1e-10)


def test_without_a_penalty_a_line_is_found_again() -> None:
    data = draw(3, 200, 10)
    slopes, level = np.random.default_rng(0).normal(0, 1, (2, 10)), np.array([0.5, -2.0])
    made = fit(data, data @ slopes.T + level, closeness(data), alpha=0.0)
    np.testing.assert_allclose(made.coefficients, slopes, atol=1e-10)
    np.testing.assert_allclose(made.intercepts, level, atol=1e-10)
    np.testing.assert_allclose(made.r2, 1, atol=1e-12)


def test_a_constant_is_explained_wholly() -> None:
    data = draw(0, 50, 8)
    made = fit(data, np.full((50, 1), 0.25), closeness(data))
    assert np.abs(made.coefficients).max() < 1e-12 and made.intercepts[0] == pytest.approx(0.25)


def test_the_same_draws_as_the_package_and_a_prefix_of_longer_ones() -> None:
    state = np.random.RandomState(11)
    expected = state.randint(0, 2, 70 * 9).reshape(70, 9)
    expected[0] = 1
    assert np.array_equal(draw(11, 70, 9), expected)
    assert np.array_equal(draw(11, 500, 9)[:70], expected)


@pytest.mark.parametrize("noise_level", [0.3, 2.0, 8.0])
def test_stability_foretells_what_other_seeds_choose(noise_level: float) -> None:
    """Against the truth: the mean overlap of the strongest segments of runs with really different seeds."""
    segments, count, top = 30, 400, 5
    slopes = np.random.default_rng(0).normal(0, 1, (segments, 4))
    tops, told = [], []
    for seed in range(12):
        data = draw(seed, count, segments)
        values = data @ slopes + np.random.default_rng(1000 + seed).normal(0, noise_level, (count, 4))
        weights = closeness(data)
        strongest = np.argsort(-np.abs(fit(data, values, weights).coefficients), axis=1)[:, :top]
        tops.append([set(row) for row in strongest.tolist()])
        told.append(stability(data, values, weights, top, seed))
    pairs = list(itertools.combinations(tops, 2))
    true = np.mean([[len(a & b) / top for a, b in zip(*pair, strict=True)] for pair in pairs])
    assert np.mean(told) == pytest.approx(true, abs=0.12)
    assert np.array_equal(told[-1], stability(data, values, weights, top, 11))
    assert np.min(told) >= 0 and np.max(told) <= 1


# ---- inputs ----------------------------------------------------------------------------------------------------------


def opened(channels: int = 1, size: int = 24, module: nn.Module | None = None, **given: object) -> TorchClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = module or nn.Sequential(nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
        network(torch.zeros(1, channels, size, size))
    return open_classifier(network.eval(), size=(size, size), classes=list("abc"), device="cpu", **given)


def cut(classifier: TorchClassifier, image: np.ndarray) -> Picture:
    shown = classifier.shown(image)
    return Picture.cut(shown, grid(*shown.shape[:2], 16))


def found(classifier: TorchClassifier, image: np.ndarray) -> Normalisation | None:
    return normalisation(classifier, image, cut(classifier, image))


@pytest.mark.parametrize(
    ("channels", "mean", "std"),
    [
        (1, 0.0, 1.0),
        (1, 0.5077, 0.255),
        (3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        (3, 0.0, 1 / 255),
        (1, 0.50774250, 0.2550123456),
    ],
)
def test_mean_and_std_are_found_from_what_becomes_of_pictures(channels: int, mean: object, std: object) -> None:
    classifier = opened(channels, mean=mean, std=std)
    image = noise(30, 31, 3)  # fitted, and made gray where the network is
    made = found(classifier, image)
    assert made is not None
    rtol = 1e-6
    np.testing.assert_allclose(made.mean.flatten(), np.broadcast_to(mean, channels), rtol=rtol, atol=1e-7)
    np.testing.assert_allclose(made.std.flatten(), np.broadcast_to(std, channels), rtol=rtol)
    pictures = classifier.shown(noise(24, 24, 3, seed=5))
    gap = (made(in_colour(pictures)[None]) - classifier.inputs([pictures])).abs().max()
    assert gap == 0 or (isinstance(mean, float) and gap < 1e-5)


def test_short_numbers_are_found_to_the_last_bit() -> None:
    classifier = opened(3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    made = found(classifier, noise(24, 24, 3))
    assert made is not None
    assert made.mean.flatten().tolist() == torch.tensor([0.485, 0.456, 0.406]).tolist()
    assert made.std.flatten().tolist() == torch.tensor([0.229, 0.224, 0.225]).tolist()
    assert made(np.zeros((2, 24, 24, 3))).stride() == (3 * 576, 576, 24, 1)


def standardised(picture: object) -> np.ndarray:
    array = np.asarray(picture, np.float32)
    return ((array - array.mean()) / (array.std() + 1e-6))[None]


def stretched(picture: object) -> np.ndarray:
    """Pixel by pixel on black, on white and on a picture with all grays; not on others."""
    array = np.asarray(picture, np.float32)
    low, high = (array.min(), array.max()) if np.ptp(array) else (0.0, 255.0)
    return ((array - low) / (high - low))[None]


def plain(picture: object) -> np.ndarray:
    return ((np.asarray(picture, np.float32) / 255 - 0.25) / 0.5)[None]


def test_other_preparations_are_recognised() -> None:
    image = noise(24, 24)
    image[0, :2] = 0, 255
    assert found(opened(transform=standardised), image) is None
    assert found(opened(transform=stretched), image) is None
    assert found(opened(transform=plain), image) is not None


@pytest.mark.parametrize("exact", [False, True])
def test_other_preparations_see_each_picture_in_eight_bits(exact: bool) -> None:
    classifier, image = opened(transform=standardised), noise(24, 24)
    sampling = Sampling(classifier, image, samples=30, segmentation="grid", exact=exact, segments=16)
    assert list(sampling.predicted())[-1] == 30
    assert sampling.about["prepared"] == "picture by picture, in 8 bits"
    pictures = np.repeat(image[None], 30, 0)
    for segment, row in itertools.product(range(16), range(30)):
        inside = sampling.segments == segment
        if not sampling.data[row, segment]:
            pictures[row][inside] = np.rint(image[inside].mean())
    with torch.no_grad():
        x = torch.from_numpy(np.stack([standardised(picture) for picture in pictures]))
        expected = classifier.module(x).softmax(1).numpy()
    np.testing.assert_allclose(sampling.probabilities, expected, atol=1e-5)


def test_a_hidden_segment_is_its_mean_in_each_channel() -> None:
    image = noise(24, 24, 3)
    picture = cut(opened(3), image)
    rows = np.ones((2, 16), np.int64)
    rows[1, 5] = 0
    inside = picture.segments == 5
    made = picture.samples(rows)
    assert np.array_equal(made[0], image / 255) and np.array_equal(made[1][~inside], (image / 255)[~inside])
    np.testing.assert_allclose(made[1][inside], (image / 255)[inside].mean(0)[None].repeat(inside.sum(), 0), rtol=1e-12)


def test_a_softmax_head_is_told_from_scores() -> None:
    head = nn.Sequential(nn.Flatten(), nn.Linear(576, 3), nn.Softmax(1))
    assert probable(opened(module=head), noise(24, 24)) and not probable(opened(), noise(24, 24))


# ---- the faster copy -------------------------------------------------------------------------------------------------


def fused(module: nn.Module) -> int:
    return sum(type(each).__name__ == "_Fused" for each in module.modules())


@pytest.mark.parametrize(("precision", "rtol"), [("float32", 1e-5), ("bfloat16", 2e-2)])
def test_the_faster_copy_scores_as_the_folded_one(precision: str, rtol: float) -> None:
    parts = [nn.Conv2d(1, 8, 3, padding=1, stride=2), nn.BatchNorm2d(8), nn.ReLU6()]
    more = [nn.Conv2d(8, 8, (3, 1), padding=(1, 0), groups=8), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.Flatten()]
    classifier = opened(module=nn.Sequential(*parts, *more, nn.LazyLinear(3)))
    x = torch.rand(5, 1, 24, 24, generator=torch.Generator().manual_seed(1))
    made, how = hastened(classifier, precision, x[:2])
    folded, folded_how = classifier.folded(precision)
    assert fused(made.module) == 3 and fused(folded.module) == fused(classifier.module) == 0
    assert "activations fused" in how and ("bfloat16" in how) == ("bfloat16" in folded_how) == (rtol > 1e-3)
    with torch.no_grad():
        expected = folded.scores(x)
        assert (made.scores(x) - expected).abs().max() <= rtol * expected.abs().max()
        assert next(made.module.parameters()).dtype == getattr(torch, precision)


class Twice(nn.Module):
    """An activation's input is used once more, and a convolution's weight or its padding by hand."""

    def __init__(self, weight: bool) -> None:
        super().__init__()
        self.weight, self.conv, self.act, self.head = weight, nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        y = self.act(y) + (0 if self.weight else y)
        return self.head(y.mean((2, 3))) + (self.conv.weight.sum() if self.weight else 0)


@pytest.mark.parametrize("weight", [True, False])
def test_where_it_would_change_a_score_the_folded_copy_runs(weight: bool) -> None:
    classifier = opened(module=Twice(weight))
    x = torch.rand(3, 1, 24, 24, generator=torch.Generator().manual_seed(1))
    made, how = hastened(classifier, "float32", x)
    assert made is classifier.folded()[0] and "fused" not in how
    with torch.no_grad():
        assert torch.allclose(made.scores(x), classifier.module(x), atol=1e-5)


@pytest.mark.parametrize("mode", ["same", "valid", "reflect"])
def test_paddings_are_kept(mode: str) -> None:
    given = {"padding": 2, "padding_mode": mode} if mode == "reflect" else {"padding": mode}
    convolution = nn.Conv2d(1, 6, 5, **given)
    classifier = opened(module=nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)))
    x = torch.rand(3, 1, 24, 24, generator=torch.Generator().manual_seed(1))
    made, _ = hastened(classifier, "float32", x)
    with torch.no_grad():
        assert torch.allclose(made.scores(x), classifier.module(x), atol=1e-5)


def test_a_network_that_cannot_be_copied_runs_as_it_is() -> None:
    class Stubborn(nn.Sequential):
        def __deepcopy__(self, memo: object) -> None:
            raise TypeError("no copies")

    classifier = opened(module=Stubborn(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)))
    found = []
    for exact in (False, True):
        sampling = Sampling(classifier, noise(24, 24), samples=30, segmentation="grid", exact=exact)
        assert list(sampling.predicted())[-1] == 30
        found.append(sampling.probabilities)
    assert np.abs(found[0] - found[1]).max() < 1e-6
