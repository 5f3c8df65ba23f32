"""view=outputs: what the filters answer to an image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Gallery, Place, Subject
from fer_tui.picture.sheets import columns_for as sheet_columns
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters
from fer_tui_plugins.filter_outputs import amount, columns_for, numbered


def outputs(classifier: TorchClassifier, image: np.ndarray, layer: str | None, **parameters: object) -> Gallery:
    subject = Subject(classifier, Place(image=3, layer=layer), image)
    (result,) = FilterAscent().explain(subject, FilterAscentParameters(view="outputs", **parameters))
    assert result.final and result.place == subject.place and isinstance(result.explanation, Gallery)
    return result.explanation


def hooked(classifier: TorchClassifier, image: np.ndarray, layer: str) -> np.ndarray:
    """The layer's output in a run of the whole network."""
    seen: list[torch.Tensor] = []
    hook = classifier.module.get_submodule(layer).register_forward_hook(lambda m, i, out: seen.append(out.clone()))
    classifier.predict([image])
    hook.remove()
    return seen[0][0].numpy()


@pytest.mark.parametrize(
    "layer", ["input_layer.0", "input_layer", "conv_layer.3.conv.1", "conv_layer.7", "conv_layer.17", "conv_layer"]
)
def test_equals_a_hook_on_the_whole_network(hhccode: TorchClassifier, public: tuple, layer: str) -> None:
    for row in (0, 17):
        image = public[0][row]
        maps = hooked(hhccode, image, layer)
        for rank, scores in (("mean", maps.mean((1, 2))), ("maximum", maps.max((1, 2)))):
            made = outputs(hhccode, image, layer, rank=rank, top=7)
            assert np.array_equal(made.images, maps)
            np.testing.assert_allclose(made.scores, scores, rtol=1e-6)
            assert len(made.marked) == 7
            rest = np.setdiff1d(np.arange(len(maps)), made.marked)
            assert made.scores[list(made.marked)].min() >= made.scores[rest].max()
            assert sorted(made.extras["strongest"].tolist()) == list(made.marked)
            assert (np.diff(made.scores[made.extras["strongest"]]) <= 0).all()
            assert np.array_equal(made.extras["mean"], maps.mean((1, 2)))
            assert np.array_equal(made.extras["maximum"], maps.max((1, 2)))


def test_what_follows_in_place_does_not_show() -> None:
    torch.manual_seed(1)
    conv = nn.Conv2d(1, 3, 3)
    network = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(108, 3))
    classifier = open_classifier(network, size=(8, 8), classes=["a", "b", "c"], device="cpu")
    image = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    made = outputs(classifier, image, "0")
    assert made.images.min() < 0
    np.testing.assert_allclose(made.images, conv(classifier.inputs([image]))[0].detach(), atol=1e-6)


@pytest.mark.parametrize("order", ["columns", "rows"])
def test_the_framed_are_numbered_as_they_lie_on_the_sheet(hhccode: TorchClassifier, public: tuple, order: str) -> None:
    made = outputs(hhccode, public[0][0], "conv_layer.3", top=9, order=order)
    columns = sheet_columns(*made.images.shape)
    assert columns == 8
    grid = np.arange(64).reshape(8, 8)  # of the sheet: 8 rows of 8
    walk = (grid.T if order == "columns" else grid).ravel().tolist()
    expected = [index for index in walk if index in made.marked]
    assert [made.captions[index].split(":")[0] for index in expected] == [str(n) for n in range(1, 10)]
    assert [int(made.extras["number"][index]) for index in expected] == list(range(1, 10))
    assert np.count_nonzero(made.extras["number"]) == 9
    assert made.captions[expected[0]].startswith(f"1: filter {expected[0]} ")
    plain = next(n for n in range(64) if n not in made.marked)
    assert made.captions[plain].startswith(f"filter {plain} ")


def test_numbers_on_a_sheet_whose_last_row_is_short() -> None:
    # 0 1 2
    # 3 4 5
    # 6 7
    assert numbered(np.array([7, 2, 3, 0]), 3, "columns") == {0: 1, 3: 2, 7: 3, 2: 4}
    assert numbered(np.array([7, 2, 3, 0]), 3, "rows") == {0: 1, 2: 2, 3: 3, 7: 4}


def test_the_sheet_has_the_columns_that_are_counted_on() -> None:
    shapes = np.random.default_rng(0).integers(1, 300, (500, 3)).tolist()
    assert [columns_for(*shape) for shape in shapes] == [sheet_columns(*shape) for shape in shapes]


class Planted(nn.Module):
    """Filters that answer with what they are told to: 2.0, nothing, 5.0 in a corner, 2.0, not a number."""

    def __init__(self) -> None:
        super().__init__()
        self.told, self.head = nn.Identity(), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = torch.zeros(len(x), 5, 4, 4)
        maps[:, 0], maps[:, 3], maps[:, 2, 0, 0], maps[:, 4] = 2.0, 2.0, 5.0, float("nan")
        return self.head(self.told(maps).nan_to_num().mean((2, 3)))


def test_ranks_ties_and_outputs_without_a_pattern() -> None:
    classifier = open_classifier(Planted(), size=(4, 4), classes=["a", "b", "c"], device="cpu")
    image = np.zeros((4, 4), np.uint8)
    assert outputs(classifier, image, "told", top=1).marked == (0,)  # of equals the first
    assert outputs(classifier, image, "told", top=1, rank="maximum").marked == (2,)
    made = outputs(classifier, image, "told", top=3)
    assert made.extras["strongest"].tolist() == [0, 3, 2]
    assert outputs(classifier, image, "told", top=99).marked == (0, 1, 2, 3, 4)
    assert made.notes == ("1 of 5 outputs are not finite", "3 of 5 outputs are the same everywhere")


def test_the_last_convolution_is_taken_where_no_layer_is_named(hhccode: TorchClassifier, public: tuple) -> None:
    made = outputs(hhccode, public[0][0], None)
    assert made.meta["layer"] == "conv_layer.15.conv.0" and "the last convolution" in made.notes[0]
    assert np.array_equal(made.images, hooked(hhccode, public[0][0], "conv_layer.15.conv.0"))


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00"), (4.7, "4.70"), (-0.31, "-0.31"), (0.0123, "0.012"), (1234.5, "1.2e+03")]
)
def test_amounts_in_captions(value: float, text: str) -> None:
    assert amount(value) == text
