"""The views of a LIME explanation against the package's own explanation object."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from fer_tui_plugins.lime_views import chosen, image_and_mask, outline, ranked, signs

lime_image = pytest.importorskip("lime.lime_image")
VIEWS = [
    {
        "positive_only": positive,
        "negative_only": negative,
        "hide_rest": hide,
        "num_features": count,
        "min_weight": least,
    }
    for positive, negative, hide, count, least in itertools.product(
        (True, False), (True, False), (True, False), (1, 5, 100), (0.0, 0.4)
    )
    if not (positive and negative)
]


def made(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """image float64 (H, W, 3), segments, coefficients with a zero and two of one size."""
    rng = np.random.default_rng(seed)
    segments = rng.integers(0, 12, (14, 19))
    segments.flat[:12] = np.arange(12)
    weights = rng.normal(0, 0.5, 12)
    weights[3], weights[7] = 0.0, -weights[2]
    return rng.random((14, 19, 3)), segments, weights


def explanation(image: np.ndarray, segments: np.ndarray, weights: np.ndarray) -> Any:
    theirs = lime_image.ImageExplanation(image, segments)
    theirs.local_exp[4] = sorted(enumerate(weights), key=lambda pair: np.abs(pair[1]), reverse=True)
    return theirs


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_packages_image_and_mask(seed: int, view: dict[str, Any]) -> None:
    image, segments, weights = made(seed)
    expected_image, expected_mask = explanation(image, segments, weights).get_image_and_mask(4, **view)
    found_image, found_mask = image_and_mask(image, segments, weights, **view)
    assert np.array_equal(found_image, expected_image)
    assert np.array_equal(found_mask, expected_mask) and found_mask.dtype == np.int8


def test_defaults_are_the_packages() -> None:
    image, segments, weights = made(3)
    expected_image, expected_mask = explanation(image, segments, weights).get_image_and_mask(4)
    found_image, found_mask = image_and_mask(image, segments, weights)
    assert np.array_equal(found_image, expected_image) and np.array_equal(found_mask, expected_mask)


def test_pictures_of_eight_bits_stay_so_and_are_not_written_to() -> None:
    image, segments, weights = made(0)
    picture = (image * 255).astype(np.uint8)
    before = picture.copy()
    for view in VIEWS:
        theirs, _ = explanation(picture, segments, weights).get_image_and_mask(4, **view)
        mine, _ = image_and_mask(picture, segments, weights, **view)
        assert mine.dtype == np.uint8 and np.array_equal(mine, theirs)
    assert np.array_equal(picture, before)


def test_both_signs_alone_are_refused() -> None:
    image, segments, weights = made(0)
    with pytest.raises(ValueError, match="cannot both"):
        image_and_mask(image, segments, weights, positive_only=True, negative_only=True)
    with pytest.raises(ValueError, match="cannot both"):
        chosen(weights, positive_only=True, negative_only=True)


def test_chosen_by_hand() -> None:
    weights = np.array([0.1, -0.5, 0.3, 0.3, 0.0])
    assert ranked(weights).tolist() == [1, 2, 3, 0, 4]
    assert chosen(weights, num_features=2).tolist() == [2, 3]
    assert chosen(weights, positive_only=False, negative_only=True).tolist() == [1]
    assert chosen(weights, positive_only=False, num_features=2).tolist() == [1, 2]
    assert chosen(weights, positive_only=False, num_features=4, min_weight=0.2).tolist() == [1, 2, 3]
    segments = np.array([[0, 1], [2, 4]])
    assert signs(segments, weights, np.array([1, 2])).tolist() == [[0, -1], [1, 0]]
    assert signs(segments, weights, np.array([], int)).tolist() == [[0, 0], [0, 0]]


def test_outline_equals_scikit_images_inner_boundaries() -> None:
    segmentation = pytest.importorskip("skimage.segmentation")
    for seed in range(4):
        mask = np.kron(np.random.default_rng(seed).integers(-1, 2, (5, 7)), np.ones((4, 3), int)).astype(np.int8)
        expected = segmentation.find_boundaries(mask, connectivity=1, mode="inner", background=0)
        assert np.array_equal(outline(mask), expected & (mask != 0))
        assert outline(mask).any()
    assert not outline(np.ones((3, 3), np.int8)).any() and not outline(np.zeros((3, 3), np.int8)).any()
    ring = np.zeros((5, 5), np.int8)
    ring[1:4, 1:4] = 1
    assert outline(ring).sum() == 8 and not outline(ring)[2, 2]
