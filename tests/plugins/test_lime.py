"""LIME against the lime package, to the last bit and beyond it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Axis, Heatmap, Place, Result, Subject
from fer_tui_plugins.lime import Lime, LimeParameters

lime_image = pytest.importorskip("lime.lime_image")
Array = np.ndarray


@pytest.fixture(autouse=True)
def no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lime_image, "tqdm", lambda rows: rows)


def run(classifier: TorchClassifier, image: Array, target: int = 0, **parameters: object) -> list[Result]:
    subject = Subject(classifier, Place(image=0, target=target, checkpoint=0), image)
    return list(Lime().explain(subject, LimeParameters(**parameters)))


def explain(classifier: TorchClassifier, image: Array, target: int = 0, **parameters: object) -> Heatmap:
    last = run(classifier, image, target, **parameters)[-1]
    assert last.final and last.place.target == target and isinstance(last.explanation, Heatmap)
    return last.explanation


def coefficients(*given: Any, **parameters: object) -> Array:
    return explain(*given, **parameters).extras["coefficients"]


def package(
    image: Array, function: Callable[[Array], Array], segments: Array, classes: int, **given: Any
) -> tuple[Array, Any]:
    """Coefficients (classes, segments), and the package's own explanation. image: float64 (H, W, 3)."""
    seed = given.pop("seed", 0)
    explanation = lime_image.LimeImageExplainer(random_state=seed).explain_instance(
        image, function, top_labels=classes, segmentation_fn=lambda _: segments, random_seed=seed, **given
    )
    found = np.empty((classes, segments.max() + 1))
    for label, pairs in explanation.local_exp.items():
        for segment, weight in pairs:
            found[label, segment] = weight
    return found, explanation


def gray_function(module: nn.Module) -> Callable[[Array], Array]:
    """As a user of the package would write it for a gray network."""

    def function(images: Array) -> Array:
        with torch.no_grad():
            return module(torch.from_numpy(images[..., 0])[:, None].float()).softmax(1).numpy()

    return function


def in_colour(image: Array) -> Array:
    return np.repeat(image[..., None] / 255, 3, axis=2) if image.ndim == 2 else image / 255


def opened(module: nn.Module, size: tuple[int, int], classes: int = 3, **given: Any) -> TorchClassifier:
    names = [f"class{n}" for n in range(classes)]
    return open_classifier(module.eval(), size=size, classes=names, device="cpu", **given)


def blobs(height: int, width: int, colours: int = 0, seed: int = 0) -> Array:
    """Soft blobs, uint8, so that a segmentation finds something."""
    small = torch.from_numpy(np.random.default_rng(seed).random((1, colours or 1, 6, 6), np.float32))
    large = F.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)[0].permute(1, 2, 0)
    image = (large.numpy() * 255).astype(np.uint8)
    return image if colours else image[..., 0]


class Functional(nn.Module):
    """Functional operations, an in-place ReLU that is used twice, a shortcut around it."""

    def __init__(self, channels: int = 3, classes: int = 3) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(channels, 8, 5, stride=2), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.relu, self.head = nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Linear(8, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.first(x))
        x = self.relu(self.norm(self.second(x)) + x)
        x = F.max_pool2d(F.relu(x * 2), 2)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1)) * 4


def functional(channels: int = 3, classes: int = 3) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = Functional(channels, classes).eval()
        module.norm.running_mean.normal_(0, 0.1)
        module.norm.running_var.uniform_(0.5, 1.5)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


# ---- to the last bit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "seed", "given"),
    [
        (3, 0, {}),
        (40, 7, {"segments": 90}),
        (41, 1, {"segmentation": "quickshift"}),
        (42, 2, {"segmentation": "felzenszwalb"}),
        (43, 4294967295, {"segmentation": "grid", "segments": 36}),
    ],
)
def test_exact_is_the_package_to_the_last_bit(
    public: tuple, hhccode: TorchClassifier, row: int, seed: int, given: dict[str, Any]
) -> None:
    image = public[0][row]
    made = explain(hhccode, image, 3, samples=205, seed=seed, exact=True, **given)
    segments = made.extras["segments"]
    expected, explanation = package(
        in_colour(image), gray_function(hhccode.module), segments, 7, num_samples=205, seed=seed
    )
    assert np.array_equal(made.extras["coefficients"], expected)
    assert made.meta["intercept"] == explanation.intercept[3]
    assert np.array_equal(made.values, expected[3][segments].astype(np.float32))


def test_exact_with_a_batch_of_ones_own(public: tuple, hhccode: TorchClassifier) -> None:
    made = explain(hhccode, public[0][5], 1, samples=100, exact=True, batch=7)
    function = gray_function(hhccode.module)
    expected, _ = package(in_colour(public[0][5]), function, made.extras["segments"], 7, num_samples=100, batch_size=7)
    assert np.array_equal(made.extras["coefficients"], expected)


def test_exact_in_colour_with_mean_and_std_and_odd_sides() -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    module, image = functional(), blobs(45, 63, 3)
    made = explain(opened(module, (45, 63), mean=mean, std=std), image, 2, samples=150, exact=True)

    def function(images: Array) -> Array:
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float()
        x = (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
        with torch.no_grad():
            return module(x).softmax(1).numpy()

    expected, _ = package(in_colour(image), function, made.extras["segments"], 3, num_samples=150)
    assert np.array_equal(made.extras["coefficients"], expected)
    assert np.ptp(expected) > 1e-3


# ---- in bulk ---------------------------------------------------------------------------------------------------------


def test_bulk_has_the_packages_numbers_up_to_rounding(public: tuple, hhccode: TorchClassifier) -> None:
    for row in (3, 17):
        image = public[0][row]
        made = explain(hhccode, image, 3, samples=300)
        expected, explanation = package(
            in_colour(image), gray_function(hhccode.module), made.extras["segments"], 7, num_samples=300
        )
        assert np.abs(made.extras["coefficients"] - expected).max() <= 1e-5 * np.abs(expected).max()
        label = explanation.top_labels[0]  # the one that score and local_pred are left of
        last = explain(hhccode, image, label, samples=300)
        assert last.meta["r2"] == pytest.approx(explanation.score, abs=1e-4)
        assert last.meta["predicted"] == pytest.approx(explanation.local_pred[0], abs=1e-5)


def test_bfloat16_tells_the_same_story(public: tuple, hhccode: TorchClassifier) -> None:
    for row in (3, 17):
        full = coefficients(hhccode, public[0][row], 3, samples=500)
        half = coefficients(hhccode, public[0][row], 3, samples=500, precision="bfloat16")
        assert not np.array_equal(full, half)
        for mine, theirs in zip(half, full, strict=True):
            assert np.abs(mine - theirs).max() <= 0.1 * np.abs(full).max()
        assert np.corrcoef(full.ravel(), half.ravel())[0, 1] > 0.995


@pytest.mark.parametrize(("channels", "size", "classes"), [(1, (40, 56), 2), (3, (224, 224), 5)])
def test_bulk_equals_exact_on_functional_frozen_networks(channels: int, size: tuple[int, int], classes: int) -> None:
    module = functional(channels, classes)
    classifier = opened(module, size, classes, mean=0.4, std=0.3)
    image = blobs(*size, 3 if channels == 3 else 0)
    bulk = coefficients(classifier, image, 1, samples=60)
    exact = coefficients(classifier, image, 1, samples=60, exact=True)
    assert np.abs(bulk - exact).max() <= 1e-4 * np.abs(exact).max()
    assert np.ptp(exact) > 1e-4


def test_the_batch_changes_nothing_but_rounding(public: tuple, hhccode: TorchClassifier) -> None:
    reference = coefficients(hhccode, public[0][3], 3, samples=120)
    for batch in (1, 33, 500):
        found = coefficients(hhccode, public[0][3], 3, samples=120, batch=batch)
        assert np.abs(found - reference).max() <= 1e-5 * np.abs(reference).max()


# ---- against mathematics ---------------------------------------------------------------------------------------------


class Brightness(nn.Module):
    """Probabilities that are linear in the pixels: class 1 has `weights` . x, class 0 the rest."""

    def __init__(self, weights: Array) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights.astype(np.float32)).flatten())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        share = x.flatten(1) @ self.weights
        return torch.stack([1 - share, share], 1)


def test_a_linear_probability_is_found_by_its_closed_form() -> None:
    """Hiding a segment takes away weights . (shown - hidden) there; a softmax head gets no second softmax."""
    rng = np.random.default_rng(1)
    weights = rng.random((24, 24)) / (24 * 24)
    image = rng.integers(0, 256, (24, 24), dtype=np.uint8)
    classifier = opened(Brightness(weights), (24, 24), 2)
    made = explain(classifier, image, 1, samples=3000, segmentation="grid", segments=16)
    segments = made.extras["segments"]
    x = image / 255
    hidden = np.zeros_like(x)
    for segment in range(16):
        hidden[segments == segment] = x[segments == segment].mean()
    expected = np.array([(weights * (x - hidden))[segments == segment].sum() for segment in range(16)])
    found = made.extras["coefficients"]
    np.testing.assert_allclose(found[1], expected, atol=0.02 * np.abs(expected).max())
    np.testing.assert_allclose(found[0], -found[1], atol=1e-9 + 1e-3 * np.abs(expected).max())
    assert made.meta["r2"] > 0.999
    assert made.meta["probability"] == pytest.approx((weights * x).sum(), rel=1e-5)
    assert made.meta["predicted"] == pytest.approx((weights * x).sum(), rel=1e-3)


def test_finds_the_segment_that_a_planted_network_looks_at() -> None:
    class Corner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(9.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            contrast = x[:, 0, 8:16, 16:24].var((1, 2)) * self.scale
            return torch.stack([-contrast, contrast, torch.zeros_like(contrast)], 1)

    image = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    made = explain(opened(Corner(), (32, 32)), image, 1, segmentation="grid", segments=16, samples=400, features=1)
    here = np.zeros((32, 32), bool)
    here[8:16, 16:24] = True
    assert (made.values[here] > 10 * np.abs(made.values[~here]).max()).all()
    assert np.array_equal(made.extras["mask"], here.astype(np.int8)) and made.meta["stability"] == 1
    against = explain(opened(Corner(), (32, 32)), image, 0, segmentation="grid", segments=16, samples=400, features=1)
    assert np.array_equal(against.extras["mask"], -here.astype(np.int8))


# ---- all classes, early, and stopped ---------------------------------------------------------------------------------


def test_early_results_then_every_class_the_target_first_and_last(public: tuple, hhccode: TorchClassifier) -> None:
    results = run(hhccode, public[0][3], 4, samples=350)
    early = [result for result in results if not result.final]
    assert {result.place.target for result in early} == {4} and results[0].place.target == 4
    hundreds = [r for r in early if r.explanation.meta["samples"] % 100 == 0]
    assert [r.explanation.meta["samples"] for r in hundreds] == [100, 200, 300]
    progress = [result.progress for result in results]
    assert progress == sorted(progress) and progress[-1] == 1
    for result in hundreds:  # the draws of a longer run begin with those of a shorter one
        short = coefficients(hhccode, public[0][3], 4, samples=result.explanation.meta["samples"])
        found = result.explanation.extras["coefficients"]
        assert np.abs(found - short).max() <= 1e-5 * np.abs(found).max()
    finals = [result for result in results if result.final]
    assert [result.place.target for result in finals] == [0, 1, 2, 3, 5, 6, 4]
    assert len({id(result.explanation.extras["coefficients"]) for result in finals}) == 1
    for result in finals:
        made = result.explanation
        expected = made.extras["coefficients"][result.place.target][made.extras["segments"]]
        assert np.array_equal(made.values, expected.astype(np.float32)) and made.signed
        assert np.array_equal(made.image, public[0][3])


def counted(module: nn.Module) -> list[int]:
    """The batch sizes that reach the network's copies, too: the count lives outside of the module."""
    seen: list[int] = []
    forward = type(module).forward

    class Counting(type(module)):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(len(x))
            return forward(self, x)

    module.__class__ = Counting
    return seen


def test_closing_it_stops_the_work() -> None:
    module = functional(1)
    classifier = opened(module, (32, 32))
    seen = counted(module)
    subject = Subject(classifier, Place(image=0, target=1, checkpoint=0), blobs(32, 32))
    results = Lime().explain(subject, LimeParameters(samples=5000))
    first = next(results)
    assert not first.final and first.explanation.meta["samples"] <= 100
    results.close()
    assert sum(seen) < 1000


def test_one_run_serves_neighbours_that_show_one_image() -> None:
    module = functional(1)
    classifier = opened(module, (32, 32))
    seen = counted(module)
    images = [blobs(32, 32, seed=0), blobs(32, 32, seed=1)]
    places = [(0, 1), (0, 2), (1, 2)]
    subjects = [Subject(classifier, Place(image=row, target=t, checkpoint=0), images[row].copy()) for row, t in places]
    many = {r.place: r.explanation for r in Lime().explain_many(subjects, LimeParameters(samples=200)) if r.final}
    assert 400 <= sum(seen) < 500
    for subject in subjects:
        alone = explain(classifier, subject.image, subject.place.target, samples=200)
        assert np.array_equal(alone.values, many[subject.place].values)
        assert np.array_equal(alone.extras["mask"], many[subject.place].extras["mask"])


def test_long_runs_are_shown_less_often() -> None:
    classifier = opened(Brightness(np.full((8, 8), 1 / 64)), (8, 8), 2)
    rough = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    given = {"samples": 5100, "batch": 50, "segmentation": "grid", "segments": 16}
    counts = [result.explanation.meta["samples"] for result in run(classifier, rough, 1, **given)]
    assert set(range(200, 5100, 200)) <= set(counts)
    assert counts == sorted(counts) and counts[-1] == 5100


def test_of_a_thousand_classes_the_most_probable_get_results() -> None:
    classifier = opened(functional(3, 1000), (32, 32), 1000)
    image = blobs(32, 32, 3)
    finals = [result for result in run(classifier, image, 999, samples=40) if result.final]
    best = np.argsort(-classifier.predict([image])[0], kind="stable")[:64]
    assert {result.place.target for result in finals} == {*best.tolist(), 999}
    assert finals[-1].place.target == 999
    assert finals[0].explanation.extras["coefficients"].shape[0] == 1000


def test_the_seed_decides(public: tuple, hhccode: TorchClassifier) -> None:
    first, again, other = (coefficients(hhccode, public[0][3], 3, samples=100, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


# ---- nothing is left behind ------------------------------------------------------------------------------------------


def state(module: nn.Module) -> list[object]:
    modules = list(module.modules())
    return [
        [tensor.clone().numpy().tobytes() for tensor in module.state_dict().values()],
        [(p.requires_grad, p.grad) for p in module.parameters()],
        [(m.training, type(m), getattr(m, "inplace", None)) for m in modules],
        [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in modules],
        torch.get_rng_state().numpy().tobytes(),
        np.random.get_state()[1].tobytes(),
        torch.is_grad_enabled(),
    ]


@pytest.mark.parametrize("given", [{}, {"exact": True}, {"precision": "bfloat16"}])
def test_leaves_the_network_as_it_was(public: tuple, hhccode: TorchClassifier, given: dict[str, Any]) -> None:
    before = state(hhccode.module)
    run(hhccode, public[0][3], samples=30, **given)
    subject = Subject(hhccode, Place(image=0, target=0, checkpoint=0), public[0][3])
    closed = Lime().explain(subject, LimeParameters(samples=500, **given))
    next(closed)
    closed.close()
    assert state(hhccode.module) == before


def test_leaves_the_network_as_it_was_after_an_exception() -> None:
    class Breaks(Functional):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) == 9:
                raise RuntimeError("nine")
            return super().forward(x)

    module = Breaks(1)
    classifier = opened(module, (32, 32))
    before = state(module)
    with pytest.raises(RuntimeError, match="nine"):
        run(classifier, blobs(32, 32), samples=30, batch=9)
    assert state(module) == before


def test_a_batch_that_exceeds_the_memory_is_halved() -> None:
    class Small(Functional):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > 5:
                raise torch.OutOfMemoryError("too much")
            return super().forward(x)

    torch.manual_seed(0)
    module = Small(1)
    small = coefficients(opened(module, (32, 32)), blobs(32, 32), samples=50, batch=32)
    module.__class__ = Functional
    assert np.abs(small - coefficients(opened(module, (32, 32)), blobs(32, 32), samples=50)).max() <= 1e-7


def test_a_batch_norm_without_statistics_does_not_mix_the_samples() -> None:
    class Mixing(nn.Sequential):
        def __init__(self) -> None:
            norm = nn.BatchNorm2d(4, track_running_stats=False)
            super().__init__(nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Conv2d(4, 3, 30), nn.Flatten())

    torch.manual_seed(0)
    classifier = opened(Mixing(), (32, 32))
    found = coefficients(classifier, blobs(32, 32), samples=40)
    alone = coefficients(classifier, blobs(32, 32), samples=40, exact=True, batch=1)
    assert np.abs(found - alone).max() <= 1e-5 * np.abs(alone).max()


# ---- when not to trust it --------------------------------------------------------------------------------------------


def notes(*given: Any, **parameters: object) -> Sequence[str]:
    return explain(*given, **parameters).notes


def test_tells_when_there_are_too_few_segments(public: tuple, hhccode: TorchClassifier) -> None:
    few = explain(hhccode, public[0][3], 3, samples=100, segmentation="quickshift")
    count = few.extras["segments"].max() + 1
    assert count < 15 and f"the image has only {count} segments" in few.notes[0]
    assert not any("segments: too coarse" in note for note in notes(hhccode, public[0][3], 3, samples=100))


def test_tells_when_the_line_does_not_fit_and_when_another_seed_would_choose_otherwise() -> None:
    class Noise(nn.Module):
        """Nothing linear: the sine of a large number that each segment adds to."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.linspace(500, 3000, 1024))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            share = 0.5 + 0.4 * torch.sin(x.flatten(1) @ self.weights)
            return torch.stack([1 - share, share], 1)

    rough = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    made = explain(opened(Noise(), (32, 32), 2), rough, 1, samples=200, segmentation="grid", segments=64)
    assert made.meta["r2"] < 0.5 and made.meta["stability"] < 0.6
    assert any("linear model explains" in note for note in made.notes)
    assert any("with another seed" in note for note in made.notes)


def test_tells_when_nothing_changes_the_probability() -> None:
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.tensor([0.0, 1.0, 2.0]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.bias.expand(len(x), 3) + 0 * x.mean((1, 2, 3))[:, None]

    made = explain(opened(Constant(), (32, 32)), blobs(32, 32), 1, samples=40)
    assert np.abs(made.values).max() < 1e-6 and any("the same whatever is hidden" in note for note in made.notes)


def test_tells_when_the_class_is_out_of_the_question() -> None:
    class Sure(Functional):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) + torch.tensor([0.0, 0.0, 6.0])

    torch.manual_seed(0)
    classifier = opened(Sure(1), (32, 32))
    assert any("small differences look large" in note for note in notes(classifier, blobs(32, 32), 0, samples=40))
    assert not any("small differences" in note for note in notes(classifier, blobs(32, 32), 2, samples=40))


def test_leaves_out_samples_without_finite_scores() -> None:
    class Sometimes(Functional):
        limit = 0.0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores = super().forward(x)
            dull = x.var((1, 2, 3)) < self.limit
            return scores.masked_fill(dull[:, None], float("nan"))

    torch.manual_seed(0)
    image = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    module = Sometimes(1)
    module.limit = float((image / 255).var()) * 0.4
    made = explain(opened(module, (32, 32)), image, samples=200)
    assert np.isfinite(made.extras["coefficients"]).all()
    assert any("samples have scores that are not finite" in note for note in made.notes)
    module.limit = 1e9  # the whole picture, too
    with pytest.raises(ValueError, match="not finite"):
        run(opened(module, (32, 32)), image, samples=40)


def test_exact_says_that_it_takes_no_other_precision() -> None:
    classifier = opened(functional(1), (32, 32))
    plain = coefficients(classifier, blobs(32, 32), samples=40, exact=True)
    made = explain(classifier, blobs(32, 32), samples=40, exact=True, precision="bfloat16")
    assert np.array_equal(made.extras["coefficients"], plain)
    assert any("predicted in float32" in note for note in made.notes)


def test_describes_itself_and_needs_an_image_and_a_target() -> None:
    described = Lime.describe()
    assert described.axes == {Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT} and not described.needs_dataset
    assert (described.name, described.kind, described.cost) == ("lime", "heatmap", "slow")
    names = [info.name for info in described.parameters]
    assert names == ["samples", "segmentation", "segments", "features", "batch", "exact", "precision", "seed"]
    subject = Subject(opened(functional(1), (32, 32)), Place(checkpoint=0))
    with pytest.raises(ValueError, match="lacks one"):
        next(Lime().explain(subject, LimeParameters()))
