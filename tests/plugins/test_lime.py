"""LIME against the lime package, to the last bit and beyond it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier
from tests.plugins.limes import Array, Brightness, blobs, coefficients, explain, functional
from tests.plugins.opening import opened

lime_image = pytest.importorskip("lime.lime_image")


@pytest.fixture(autouse=True)
def no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lime_image, "tqdm", lambda rows: rows)


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


def test_the_packages_way_leaves_no_other_random_state_where_it_is_the_first_import() -> None:
    code = (
        "import fer_tui, numpy; from fer_tui.testing import Toy; "
        "classifier = fer_tui.open_classifier(Toy(1, 3), size=(24, 20)); "
        "fer_tui.explain('lime', classifier, numpy.eye(24, 20).astype('uint8'), target=1, samples=20, exact=True)"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code], capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stderr
