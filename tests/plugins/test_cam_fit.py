"""gap-fit: the fitted layer against scikit-learn's, the map against the fitted score, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Heatmap, InputError, Place, Result
from fer_tui.dataset import MappedDataset, open_dataset
from fer_tui.engine import Engine, Store
from fer_tui_plugins.cam_fit import Fit, fitted_head, logistic


class Flat(nn.Module):
    """Convolutions and a fully connected head: no pooling."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.body = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(width * 16, 3))
        self.passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += len(x)
        return self.head(self.body(x))


@pytest.fixture
def flat() -> TorchClassifier:
    return open_classifier(Flat().eval(), size=(8, 8), classes=["a", "b", "c"], device="cpu")


@pytest.fixture
def stripes(tmp_path: Path) -> MappedDataset:
    """Bright, striped and dark noise; two thirds of the rows are of the training split, ten have no label."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    images = rng.integers(0, 90, (120, 8, 8))
    images[labels == 0] += 120
    images[labels == 1, ::2] += 150
    labels[:10] = -1
    np.savez(
        tmp_path / "stripes.npz",
        images=images.astype(np.uint8), labels=labels, class_names=np.array(["a", "b", "c"]),
        split=np.where(np.arange(120) < 80, "train", "test"),
    )  # fmt: skip
    return open_dataset(tmp_path / "stripes.npz", split="test", cache=tmp_path / "cache")


def final(results: list[Result]) -> Heatmap:
    assert [each.final for each in results] == [False] * (len(results) - 1) + [True]
    explanation = results[-1].explanation
    assert isinstance(explanation, Heatmap)
    return explanation


def done(classifier: TorchClassifier, dataset: MappedDataset, layer: str = "body.2") -> Fit:
    fitting = fitted_head(classifier, dataset, layer, None)
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            return end.value


def means(classifier: TorchClassifier, images: NDArray[np.uint8]) -> torch.Tensor:
    with torch.no_grad():
        return classifier.module.body(classifier.inputs(list(images))).mean((2, 3))


def test_equal_to_scikit_learns_regression() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 400)
    x = rng.normal(size=(400, 5)) * [1, 5, 0.1, 2, 1] + labels[:, None] * [0.5, 1, 0, -0.7, 0]
    weights, bias = logistic(torch.from_numpy(x).float(), torch.from_numpy(labels), 4)
    centre, width = x.mean(0), x.std(0, ddof=1)
    peer = linear.LogisticRegression(C=1 / (1e-4 * len(x)), tol=1e-8, max_iter=2000).fit((x - centre) / width, labels)
    assert weights.numpy() * width == pytest.approx(peer.coef_, abs=2e-3 * np.abs(peer.coef_).max())
    shift = bias.numpy() + weights.numpy() @ centre - peer.intercept_
    assert shift - shift.mean() == pytest.approx(np.zeros(4), abs=5e-3)


def test_the_mean_of_the_map_and_the_bias_are_the_fitted_score(flat: TorchClassifier, stripes: MappedDataset) -> None:
    fit = done(flat, stripes)
    engine = Engine(flat, stripes)
    for row, target in ((0, 0), (1, 1), (2, 2)):
        heatmap = final(list(engine.explain("cam", Place(row, target), {"variant": "gap-fit"})))
        score = means(flat, stripes[row].image[None])[0] @ fit.head.weights[target] + fit.head.bias[target]
        mean = heatmap.extras["map"].mean(dtype=np.float64) + float(fit.head.bias[target])
        assert mean == pytest.approx(float(score), abs=1e-4)
        assert heatmap.meta["variant"] == "gap-fit" and heatmap.meta["layer"] == "body.2"


def test_fitted_to_the_labelled_rows_of_the_training_split(flat: TorchClassifier, stripes: MappedDataset) -> None:
    fit = done(flat, stripes)
    assert (fit.rows, fit.split) == (70, "train")
    train = stripes.narrowed("train")
    known = train.labels >= 0
    images = np.stack([train[row].image for row in range(len(train))])[known]
    guess = (means(flat, images) @ fit.head.weights.T + fit.head.bias).argmax(1).numpy()
    assert fit.accuracy == pytest.approx((guess == train.labels[known]).mean()) and fit.accuracy > 0.9
    heatmap = final(list(Engine(flat, stripes).explain("cam", Place(0, 1), {"variant": "gap-fit"})))
    assert f"{fit.accuracy:.1%} right on the 70 rows it was fitted to (train)" in heatmap.notes[0]


def test_grad_cam_stands_in_while_it_is_fitted(flat: TorchClassifier, stripes: MappedDataset) -> None:
    first, *_ = Engine(flat, stripes).explain("cam", Place(0, 1), {"variant": "gap-fit"})
    assert not first.final and first.explanation.meta["variant"] == "grad"
    assert first.progress is not None and 0 < first.progress < 1


def test_fitted_once_and_kept_between_sessions(flat: TorchClassifier, stripes: MappedDataset, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    first = final(list(Engine(flat, stripes, store).explain("cam", Place(0, 1), {"variant": "gap-fit"})))
    store.close()
    again = Store.open(tmp_path / "store")
    passes = flat.module.passes
    results = list(Engine(flat, stripes, again).explain("cam", Place(1, 2), {"variant": "gap-fit"}))
    assert len(results) == 1 and flat.module.passes - passes < 10
    same = final(list(Engine(flat, stripes, None).explain("cam", Place(1, 2), {"variant": "gap-fit"})))
    assert np.array_equal(final(results).values, same.values)
    assert not np.array_equal(first.values, same.values)
    again.close()


def test_other_weights_are_fitted_anew(flat: TorchClassifier, stripes: MappedDataset) -> None:
    engine = Engine(flat, stripes)
    before = final(list(engine.explain("cam", Place(0, 1), {"variant": "gap-fit"})))
    with torch.no_grad():
        flat.module.body[0].weight.mul_(-1)
    results = list(engine.explain("cam", Place(0, 1), {"variant": "gap-fit"}))
    assert len(results) > 1 and not np.array_equal(final(results).values, before.values)


def test_without_labels_it_says_what_is_missing(flat: TorchClassifier, tmp_path: Path) -> None:
    bare = open_dataset(np.zeros((4, 8, 8), np.uint8), cache=tmp_path)
    with pytest.raises(InputError, match="labelled rows of at least two classes"):
        list(Engine(flat, bare).explain("cam", Place(0, 0), {"variant": "gap-fit"}))
    with pytest.raises(InputError, match="needs one, and none is open"):
        list(Engine(flat).explain("cam", Place(None, 0), {"variant": "gap-fit"}, image=np.zeros((8, 8), np.uint8)))


def test_a_real_network_without_a_pooling_head(shared: Path, nets: Path, tmp_path: Path) -> None:
    classifier = open_classifier(f"{nets}:PlainCNN", shared / "models" / "jimpei_CNN2.pt", device="cpu", size=(48, 48))
    with np.load(shared / "data" / "fer2013_trainval.npz") as file:
        rows = np.r_[:400, 28709:28759]
        some = {key: file[key][rows] for key in ("images", "labels", "usage")}
        np.savez(tmp_path / "some.npz", **some, class_names=file["class_names"])
    dataset = open_dataset(tmp_path / "some.npz", split="PublicTest", cache=tmp_path)
    heatmap = final(list(Engine(classifier, dataset).explain("cam", Place(0), {"variant": "gap-fit"})))
    assert heatmap.meta["variant"] == "gap-fit" and np.ptp(heatmap.values) > 0
    fit = done(classifier, dataset.aligned(classifier.classes), heatmap.meta["layer"])
    assert (fit.rows, fit.split) == (400, "Training") and fit.accuracy > 0.6
