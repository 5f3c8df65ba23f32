"""lime says when it is not to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier
from fer_tui.contract import Axis, Place, Subject
from fer_tui_plugins.lime import Lime, LimeParameters
from tests.plugins.limes import Functional, blobs, coefficients, explain, functional, run
from tests.plugins.opening import opened


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
