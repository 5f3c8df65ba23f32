"""The tables of fer-tui's own explainers, and LIME's action, against arrays, other libraries, or another way there."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops

import fer_tui
from fer_tui.contract import Axis, Classifier, Explanation, Gallery, Heatmap, Matrix
from fer_tui.dataset import MappedDataset
from fer_tui.testing import drawn_faces

ROW, SAMPLES = 3, 300


@pytest.fixture(scope="module")
def faces() -> tuple[Classifier, MappedDataset]:
    found = drawn_faces(40)
    return found.classifier, found.dataset  # type: ignore[return-value]


def columns(explanation: Explanation, name: str) -> dict[str, list[object]]:
    table = explanation.tables[name]
    return {column.heading: [row[n] for row in table.rows] for n, column in enumerate(table.columns)}


def links(explanation: Explanation, name: str) -> list[Axis | None]:
    return [each.link for each in explanation.tables[name].columns]


def test_the_segments_of_lime(faces: tuple[Classifier, MappedDataset]) -> None:
    classifier, dataset = faces
    made = fer_tui.explain("lime", classifier, dataset[ROW].image, target=2, samples=SAMPLES, features=4)
    assert isinstance(made, Heatmap)
    _where(made)
    told, segments, weights = columns(made, "segments"), made.extras["segments"], made.extras["coefficients"][2]
    order = np.argsort(-np.abs(weights), kind="stable")
    assert told["coefficient"] == pytest.approx(weights[order].tolist())
    assert sorted(told["segment"]) == list(range(len(weights)))  # type: ignore[type-var]
    assert told["chosen"] == [True] * 4 + [False] * (len(weights) - 4)
    for segment, weight, is_chosen in zip(told["segment"], told["coefficient"], told["chosen"], strict=True):
        assert np.all(made.values[segments == segment] == np.float32(weight))  # type: ignore[arg-type]
        assert bool(made.extras["mask"][segments == segment].any()) == is_chosen


def _where(made: Explanation) -> None:
    """Centre and area of each segment, as scikit-image has them."""
    told, segments = columns(made, "segments"), made.extras["segments"]
    known = {each.label - 1: each for each in regionprops(segments + 1)}
    for segment, row, column, area in zip(*(told[n] for n in ("segment", "row", "column", "area")), strict=True):
        each = known[segment]  # type: ignore[index]
        assert (row, column) == pytest.approx(each.centroid, abs=0.051)
        assert area == pytest.approx(100 * each.area / segments.size, abs=0.051)


def test_limes_other_seeds_is_what_four_runs_make(faces: tuple[Classifier, MappedDataset]) -> None:
    classifier, image = faces[0], faces[1][ROW].image
    asked = {"target": 2, "samples": SAMPLES, "features": 4}
    made = fer_tui.explain("lime", classifier, image, action="other-seeds", seed=7, **asked)
    runs = [fer_tui.explain("lime", classifier, image, seed=seed, **asked) for seed in (7, 8, 9, 10)]
    assert isinstance(made, Heatmap)
    weights = np.array([each.extras["coefficients"][2] for each in runs])
    taken = np.zeros(weights.shape, bool)
    for each, run in zip(taken, runs, strict=True):
        each[[segment for segment, *_, is_chosen in run.tables["segments"].rows if is_chosen]] = True
    assert all(np.array_equal(each.extras["segments"], made.extras["segments"]) for each in runs)
    np.testing.assert_allclose(made.values, weights.mean(0)[made.extras["segments"]], atol=1e-6)
    _where(made)
    told = columns(made, "segments")
    order = [int(each) for each in told["segment"]]  # type: ignore[call-overload]
    assert told["mean"] == pytest.approx(weights.mean(0)[order].tolist(), abs=1e-7)
    assert told["deviation"] == pytest.approx(weights.std(0, ddof=1)[order].tolist(), abs=1e-7)
    assert told["chosen"] == taken.sum(0)[order].tolist()
    assert np.all(np.diff(np.abs(told["mean"])) <= 0)  # type: ignore[arg-type]
    steady = int(taken.all(0).sum())
    assert made.notes == (f"{steady} of the 4 strongest segments are the same with all 4 seeds",)
    assert made.meta["steady"] == steady


def test_the_tables_of_filters(faces: tuple[Classifier, MappedDataset]) -> None:
    classifier, dataset = faces
    layer = next(each for each in classifier.layers if each.filters and each.filters <= 64)
    climbed = fer_tui.explain("filter-ascent", classifier, layer=layer.name, steps=5)
    assert isinstance(climbed, Gallery) and links(climbed, "filters")[0] is Axis.FILTER
    told = columns(climbed, "filters")
    assert told["filter"] == list(range(layer.filters)) and told["final"] == climbed.scores.tolist()
    assert [float(caption.split(" -> ")[0].split()[-1]) for caption in climbed.captions] == pytest.approx(
        told["start"], rel=0.06, abs=0.006
    )
    assert told["gain"] == pytest.approx(np.subtract(told["final"], told["start"]).tolist())

    image = dataset[ROW].image
    outputs = fer_tui.explain("filter-ascent", classifier, image, layer=layer.name, view="outputs", top=3)
    assert isinstance(outputs, Gallery)
    told, maps = columns(outputs, "filters"), outputs.images
    assert told["mean"] == pytest.approx(maps.mean((1, 2)).tolist(), abs=1e-5)
    assert told["maximum"] == pytest.approx(maps.max((1, 2)).tolist(), abs=1e-6)
    best = np.argsort(-maps.mean((1, 2)), kind="stable")[:3].tolist()
    assert [told["rank"].index(rank) for rank in (1, 2, 3)] == best and told["rank"].count(None) == layer.filters - 3


def test_the_table_of_classes(faces: tuple[Classifier, MappedDataset]) -> None:
    from sklearn.metrics import precision_recall_fscore_support

    classifier, dataset = faces
    made = fer_tui.explain("confusion", classifier, dataset=dataset)
    assert isinstance(made, Matrix) and links(made, "classes") == [Axis.TARGET, *[None] * 6]
    labels, told = np.asarray(dataset.labels), columns(made, "classes")
    predicted = classifier.predict([dataset[row].image for row in range(len(dataset))]).argmax(1)
    theirs = precision_recall_fscore_support(labels, predicted, labels=range(7), zero_division=np.nan)
    for name, expected in zip(("precision", "recall", "F1", "images"), theirs, strict=True):
        assert told[name] == pytest.approx([None if e != e else float(e) for e in expected])
    assert told["predicted"] == np.bincount(predicted, minlength=7).tolist()
    assert told["mistakes"] == [int(((labels == n) & (predicted != n)).sum()) for n in range(7)]
