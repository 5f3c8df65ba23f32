"""The promises of fer-tui's contract, and what is true of this method alone."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from fer_tui_my_explainer import MyExplainer, random_masks

import fer_tui
from fer_tui.contract import Heatmap
from fer_tui.testing import Conformance, drawn_faces


class TestMyExplainer(Conformance):
    explainer = MyExplainer
    settings: ClassVar = {"mean": {"masks": 200}, "zero": {"masks": 200, "hide": "zero"}}  # tried one after another


def test_masks_show_the_share_that_was_asked_for() -> None:
    masks = random_masks(np.random.default_rng(0), 500, 20, 24, 6, 0.3)
    assert masks.shape == (500, 20, 24)
    assert abs(masks.mean() - 0.3) < 0.02
    assert np.abs(masks.mean(0) - 0.3).max() < 0.1  # every pixel as often as any other


def test_a_face_is_read_in_its_features() -> None:
    faces = drawn_faces(7)
    features = np.any([faces.masks[name] for name in ("eyes", "brows", "nose", "mouth")], axis=0)
    inside, area = [], []
    for row, where in enumerate(features):
        made = fer_tui.explain("my-explainer", faces.classifier, faces.dataset[row].image, masks=400)
        assert isinstance(made, Heatmap)
        values = np.maximum(made.values, 0)
        inside.append(values[where].sum() / values.sum())
        area.append(where.mean())
    assert np.mean(inside) > 1.5 * np.mean(area)
