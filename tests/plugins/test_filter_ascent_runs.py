"""A run of filter-ascent: what it yields, what it is asked for, what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier
from fer_tui.contract import Axis, InputError, Place, Subject
from fer_tui_plugins import ascent_gallery, pacing
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters
from tests.plugins.climbs import STILL, climb, climb_class, run, smooth
from tests.plugins.opening import opened


@pytest.fixture
def every_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result after every pass through the network."""
    monkeypatch.setattr(pacing, "_EVERY", 0.0)
    monkeypatch.setattr(pacing, "_SHARE", 0)


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
    torch.manual_seed(0)
    classifier = opened(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), (8, 8))
    with pytest.raises(InputError, match="no layer whose output is"):
        run(classifier, Place())
    assert climb_class(classifier, 1, steps=50).extras["gain"][0] > 0


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


@pytest.mark.usefixtures("every_pass")
def test_what_is_shown_of_a_large_climb_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    network = opened(smooth(3), (20, 17))
    *before, whole = run(network, Place(layer="0"), steps=3)
    monkeypatch.setattr(ascent_gallery, "_LOOK", whole.explanation.images.nbytes // 4)
    *shown, last = run(network, Place(layer="0"), steps=3)
    assert np.array_equal(last.explanation.images, whole.explanation.images)
    for each, full in zip(shown, before, strict=True):
        every = 1 if each.final else 2
        assert np.array_equal(each.explanation.images, full.explanation.images[:, ::every, ::every])
