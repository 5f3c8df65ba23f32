"""A run of lime: what it yields, early and for all classes, and what it leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier
from fer_tui.contract import Place, Subject
from fer_tui_plugins.lime import Lime, LimeParameters
from tests.plugins.limes import Brightness, Functional, blobs, coefficients, explain, functional, run
from tests.plugins.opening import opened

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
