from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Axis, InputError, Matrix, Parameters, Place, Result, Sample, Subject
from fer_tui_plugins import confusion
from fer_tui_plugins.confusion import Confusion


class Rows:
    """Arrays as a dataset."""

    digest = "rows"

    def __init__(self, images: np.ndarray, labels: Sequence[int], classes: Sequence[str]) -> None:
        self._images, self.labels, self.classes = images, np.asarray(labels, np.int64), tuple(classes)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> Sample:
        return Sample(self._images[row], int(self.labels[row]), str(row))

    def images(self, start: int, stop: int) -> np.ndarray:
        return self._images[start:stop]


def brightest(classes: int = 3) -> TorchClassifier:
    """Predicts the index of the brightest of the first pixels; a pixel of 255 in the last place breaks the scores."""

    class Brightest(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores = x.flatten(1)[:, :classes] * self.scale
            return scores.masked_fill(x.flatten(1)[:, -1:] == 1, float("nan"))

    names = [f"class{n}" for n in range(classes)]
    return open_classifier(Brightest(), size=(4, 4), classes=names, device="cpu")


def pictures(predicted: Sequence[int], broken: Sequence[int] = ()) -> np.ndarray:
    images = np.zeros((len(predicted), 4, 4), np.uint8)
    for row, index in enumerate(predicted):
        images[row, 0, index] = 200
    images[list(broken), 3, 3] = 255
    return images


def run(classifier: TorchClassifier, rows: Rows, **given: object) -> list[Result]:
    subject = Subject(classifier, Place(checkpoint=0), dataset=rows, **given)
    return list(Confusion().explain(subject, Parameters()))


def final(classifier: TorchClassifier, rows: Rows, **given: object) -> Matrix:
    last = run(classifier, rows, **given)[-1]
    assert last.final and last.progress == 1 and isinstance(last.explanation, Matrix)
    return last.explanation


def test_counts_by_hand_rows_are_true_classes() -> None:
    truth, guess = [0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 2, 0]
    made = final(brightest(), Rows(pictures(guess), truth, ("class0", "class1", "class2")))
    assert made.counts.tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 1]]
    assert made.classes == ("class0", "class1", "class2") and made.notes == ()
    assert made.extras["predicted"].tolist() == guess
    assert made.extras["distribution"].tolist() == [3, 2, 1]


def test_equals_a_plain_count_and_scikit_learn_on_real_rows(public: tuple, hhccode: TorchClassifier) -> None:
    images, labels = public[0][:400], public[1][:400]
    made = final(hhccode, Rows(images, labels, hhccode.classes))
    guess = np.concatenate([hhccode.predict(images[n : n + 50]) for n in range(0, 400, 50)]).argmax(1)
    count = Counter(zip(labels.tolist(), guess.tolist(), strict=True))
    assert made.counts.tolist() == [[count[true, predicted] for predicted in range(7)] for true in range(7)]
    assert 0.55 < made.counts.trace() / 400 < 0.77  # .6612 over all PublicTest rows
    metrics = pytest.importorskip("sklearn.metrics")
    assert np.array_equal(made.counts, metrics.confusion_matrix(labels, guess, labels=range(7)))


def test_rows_without_label_are_left_out_and_told() -> None:
    made = final(brightest(), Rows(pictures([0, 1, 2, 2]), [0, -1, 1, -1], ("a", "b", "c")))
    assert made.counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert made.notes == ("rows without a label, left out: 2 of 4",)
    assert made.extras["predicted"].tolist() == [0, 1, 2, 2]


def test_without_any_label_the_distribution_of_predictions_is_told() -> None:
    made = final(brightest(), Rows(pictures([2, 1, 2, 2]), [-1] * 4, ("a", "b", "c")))
    assert not made.counts.any() and made.extras["distribution"].tolist() == [0, 1, 3]
    assert made.notes == (
        "no row has a label, so nothing can be counted by true class; predicted are: class2 75.0%, class1 25.0%",
    )


def test_rows_with_broken_scores_are_left_out_and_told() -> None:
    made = final(brightest(), Rows(pictures([0, 1, 2], broken=[1]), [0, 1, 2], ("a", "b", "c")))
    assert made.counts.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert made.notes == ("rows without finite scores (unreadable pictures have none), left out: 1 of 3",)
    assert made.extras["predicted"].tolist() == [0, -1, 2]


def test_takes_scores_in_any_order_and_streams_better_and_better_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion, "_EVERY", 0.0)
    guess = [n % 3 for n in range(100)]
    scores = np.eye(3, dtype=np.float32)[guess]

    def stream() -> Iterator[tuple[int, np.ndarray]]:
        for start in (40, 60, 80, 0, 20):
            yield start, scores[start : start + 20]

    rows = Rows(pictures(guess), [0] * 100, ("a", "b", "c"))
    results = run(brightest(), rows, scores=stream)
    assert [result.progress for result in results] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert [result.final for result in results] == [False] * 4 + [True]
    assert [int(result.explanation.counts.sum()) for result in results] == [20, 40, 60, 80, 100]
    assert results[0].explanation.counts[0].tolist() == [int((np.array(guess[40:60]) == n).sum()) for n in range(3)]
    assert results[-1].explanation.extras["predicted"].tolist() == guess


def test_closing_it_stops_the_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion, "_EVERY", 0.0)
    asked = []

    def stream() -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, 100, 10):
            asked.append(start)
            yield start, np.eye(3, dtype=np.float32)[[0] * 10]

    rows = Rows(pictures([0] * 100), [0] * 100, ("a", "b", "c"))
    results = Confusion().explain(Subject(brightest(), Place(checkpoint=0), dataset=rows, scores=stream), Parameters())
    next(results)
    results.close()
    assert asked == [0]


def test_an_empty_dataset_gives_an_empty_matrix() -> None:
    made = final(brightest(), Rows(pictures([]), [], ("a", "b", "c")))
    assert not made.counts.any() and made.notes == ("the dataset has no rows",)


def test_a_label_that_is_no_class_names_its_row() -> None:
    with pytest.raises(InputError, match="row 1: label 9 is no class of the network, which has 3"):
        final(brightest(), Rows(pictures([0, 1]), [0, 9], ("a", "b", "c")))


def test_without_a_dataset_it_says_so() -> None:
    with pytest.raises(InputError, match="name one with --data"):
        list(Confusion().explain(Subject(brightest(), Place(checkpoint=0)), Parameters()))


def test_describes_itself() -> None:
    described = Confusion.describe()
    assert described.axes == {Axis.CHECKPOINT} and described.needs_dataset
    assert (described.name, described.kind, described.cost) == ("confusion", "matrix", "slow")


def _measured(public: tuple, classifier: TorchClassifier, count: int = 300) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """A real matrix, the labels, and the probabilities by a plain loop."""
    images, labels = public[0][:count], public[1][:count]
    made = final(classifier, Rows(images, labels, classifier.classes))
    with torch.no_grad():
        parts = [classifier.scores(classifier.inputs(part)).double().softmax(1) for part in np.split(images, 10)]
    return made, labels, torch.cat(parts).numpy()


def test_measures_equal_scikit_learns(public: tuple, hhccode: TorchClassifier) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    made, labels, shares = _measured(public, hhccode)
    guess = shares.argmax(1)
    expected = metrics.precision_recall_fscore_support(labels, guess, labels=range(7), zero_division=np.nan)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert made.extras[name] == pytest.approx(values, nan_ok=True)
    normalised = metrics.confusion_matrix(labels, guess, labels=range(7), normalize="true")
    assert made.extras["rates"] == pytest.approx(normalised)
    assert made.meta["accuracy"] == pytest.approx(metrics.accuracy_score(labels, guess))
    assert made.meta["macro_f1"] == pytest.approx(metrics.f1_score(labels, guess, average="macro"))


def test_calibration_error_equals_a_plain_loop(public: tuple, hhccode: TorchClassifier) -> None:
    made, labels, shares = _measured(public, hhccode)
    confidence, right = shares.max(1), shares.argmax(1) == labels
    error = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert 0 < error < 0.5
    assert made.meta["calibration_error"] == pytest.approx(error, abs=1e-5)


def test_a_cell_knows_its_images_hardest_first(public: tuple, hhccode: TorchClassifier) -> None:
    made, labels, shares = _measured(public, hhccode)
    guess = shares.argmax(1)
    for true in range(7):
        for predicted in range(7):
            rows = made.rows(true, predicted)
            assert len(rows) == made.counts[true, predicted]
            assert set(rows.tolist()) == set(np.flatnonzero((labels == true) & (guess == predicted)).tolist())
            assert (np.diff(shares[rows, true]) >= -1e-6).all()


def test_the_most_confused_pairs_come_first() -> None:
    truth, guess = [0, 0, 0, 1, 1, 2], [1, 1, 0, 2, 1, 2]
    made = final(brightest(), Rows(pictures(guess), truth, ("a", "b", "c")))
    assert made.meta["confused"] == [
        {"true": "class0", "predicted": "class1", "count": 2, "share": pytest.approx(2 / 3)},
        {"true": "class1", "predicted": "class2", "count": 1, "share": 0.5},
    ]


def test_what_is_not_defined_is_nan_and_null() -> None:
    made = final(brightest(), Rows(pictures([0, 0]), [0, 0], ("a", "b", "c")))
    assert np.isnan(made.extras["rates"][1:]).all() and np.isnan(made.extras["recall"][1:]).all()
    assert made.extras["f1"][0] == 1 and np.isnan(made.extras["f1"][1:]).all() and made.meta["macro_f1"] == 1
    unlabelled = final(brightest(), Rows(pictures([0, 1]), [-1, -1], ("a", "b", "c")))
    assert unlabelled.meta["accuracy"] is unlabelled.meta["calibration_error"] is unlabelled.meta["macro_f1"] is None


def test_a_softmax_head_is_not_softened_twice() -> None:
    from fer_tui_plugins.confusion_measures import probabilities

    shares = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)
    assert np.array_equal(probabilities(shares), shares)
    scores = np.array([[1.0, 2.0, -1.0]], np.float32)
    assert probabilities(scores) == pytest.approx(np.exp(scores) / np.exp(scores).sum())
