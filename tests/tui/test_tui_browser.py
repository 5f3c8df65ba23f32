"""The list and the place in it, against a model of plain lists; the predictions that stream in."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fer_tui.contract import Place
from fer_tui.tui import raw_scores
from fer_tui.tui.browser import Browser
from fer_tui.tui.marks import Marks
from fer_tui.tui.narrowing import NarrowingError
from fer_tui.tui.order import ORDERS
from fer_tui.tui.predictions import Predictions, probabilities
from fer_tui.tui.ranking import by_rank
from fer_tui.tui.state import State

CLASSES = ("anger", "fear", "sad")
ROWS = 23


def softmax(scores: Sequence[float]) -> list[float]:
    raised = [np.exp(float(s) - max(map(float, scores))) for s in scores]
    return [r / sum(raised) for r in raised]


@dataclass
class Model:
    """What a browser is, in plain lists. The cursor is a row; it stands on the listed row that is nearest to it."""

    labels: list[int]
    scores: list[list[float] | None]
    terms: str = ""
    row: int = 0
    checked: list[int] = field(default_factory=list)
    position: int = 0

    def predicted(self, row: int) -> int:
        scores = self.scores[row]
        return -1 if scores is None else scores.index(max(scores))

    def is_wrong(self, row: int) -> bool:
        return self.labels[row] >= 0 and self.predicted(row) not in (-1, self.labels[row])

    def holds(self, term: str, row: int) -> bool:
        if term == "wrong":
            return self.is_wrong(row)
        if term == "right":
            return self.predicted(row) == self.labels[row] >= 0
        name, value = term.split(":" if ":" in term else "<")
        if name == "row":
            return row < int(value)
        return {"true": self.labels[row], "pred": self.predicted(row)}[name] == CLASSES.index(value)

    def look(self) -> None:
        self.checked = [r for r in range(len(self.labels)) if all(self.holds(t, r) for t in self.terms.split())]
        far = [abs(row - self.row) for row in self.checked]
        self.position = far.index(min(far)) if far else 0

    def move_to(self, position: int) -> None:
        if self.checked:
            self.position = sorted((0, position, len(self.checked) - 1))[1]
            self.row = self.checked[self.position]

    def mistake(self, steps: int) -> None:
        places = [p for p, row in enumerate(self.checked) if self.is_wrong(row)]
        after = [p for p in places if p > self.position][:steps] if steps > 0 else []
        before = [p for p in places if p < self.position][steps:] if steps < 0 else []
        if after or before:
            self.move_to(after[-1] if after else before[0])


steps = st.one_of(
    st.tuples(st.just("move"), st.integers(-30, 30)),
    st.tuples(st.just("move_to"), st.integers(-2, 30)),
    st.tuples(st.just("go"), st.integers(0, ROWS - 1)),
    st.tuples(st.just("mistake"), st.integers(-3, 3)),
    st.tuples(
        st.just("narrow"), st.sampled_from(["", "wrong", "right", "true:sad", "pred:fear wrong", "row<0", "row<9"])
    ),
    st.tuples(st.just("predict"), st.integers(0, ROWS - 1), st.integers(1, 9), st.integers(0, 1 << 20)),
)


@settings(max_examples=150, deadline=None)
@given(labels=st.lists(st.integers(-1, 2), min_size=ROWS, max_size=ROWS), walk=st.lists(steps, max_size=40))
def test_a_walk_is_as_in_plain_lists(labels: list[int], walk: list[tuple[object, ...]]) -> None:
    browser, model = Browser(np.array(labels), CLASSES), Model(labels, [None] * ROWS)
    model.look()
    for what, *values in walk:
        number = values[0]
        match what:
            case "move":
                browser.move(number)
                model.move_to(model.position + number)
            case "move_to":
                browser.move_to(number)
                model.move_to(number)
            case "go":
                assert browser.go(number) == (number in model.checked)
                if model.checked:
                    model.row = number
                    model.look()
                    model.row = model.checked[model.position]
            case "mistake":
                browser.next_mistake(number)
                model.mistake(number)
            case "narrow":
                browser.narrow(number)
                model.terms = number
                model.look()
            case "predict":
                scores = np.random.default_rng(values[2]).normal(size=(min(values[1], ROWS - number), 3))
                browser.predictions.add(number, scores.astype(np.float32))
                model.scores[number : number + len(scores)] = scores.astype(np.float32).tolist()
                assert browser.update() == any(word in model.terms for word in ("wrong", "right", "pred"))
                model.look()
        assert [browser.row_at(p) for p in range(browser.count)] == model.checked
        assert browser.position == model.position
        assert browser.row == (model.checked[model.position] if model.checked else None)
        if browser.row is not None:
            assert (browser.label, browser.predicted) == (labels[browser.row], model.predicted(browser.row))


def browser_of(labels: Sequence[int], predicted: Sequence[int], classes: Sequence[str] = CLASSES) -> Browser:
    browser = Browser(np.array(labels), classes)
    browser.predictions.add(0, np.eye(len(classes), dtype=np.float32)[list(predicted)])
    return browser


def test_an_empty_list_has_no_row_and_does_not_move() -> None:
    browser = Browser(np.array([], np.int64), CLASSES)
    browser.move(3)
    assert (browser.count, browser.row, browser.label, browser.predicted) == (0, None, -1, -1)
    assert browser.place == Place(checkpoint=0)
    assert not browser.go(0) and not browser.next_mistake(1)


def test_an_empty_narrowing_gives_the_row_back_when_it_ends() -> None:
    browser = Browser(np.arange(9) % 3, CLASSES)
    browser.go(7)
    browser.narrow("row<0")
    assert (browser.count, browser.row) == (0, None)
    browser.move(1)
    browser.narrow("")
    assert (browser.count, browser.row) == (9, 7)


def test_a_wrong_narrowing_leaves_all_as_it_is() -> None:
    browser = Browser(np.arange(9) % 3, CLASSES)
    browser.narrow("true:fear")
    browser.move(1)
    with pytest.raises(NarrowingError):
        browser.narrow("true:fear tree:sad")
    assert (browser.narrowing, browser.count, browser.row) == ("true:fear", 3, 4)


def test_the_target_follows_the_image_or_stays_a_class() -> None:
    browser = browser_of([0, 1, -1], [2, 1, 0])
    seen = []
    for swaps in range(2):
        for row in range(3):
            browser.go(row)
            seen.append(browser.place.target)
        browser.swap_target()
        assert browser.target == ("true" if swaps == 0 else "predicted")
    assert seen == [2, 1, 0, 0, 1, 0]
    browser.go(0)
    browser.step_target(1)
    assert browser.target == 0
    browser.step_target(-1)
    assert browser.target == 2
    browser.swap_target()
    assert browser.target == "predicted"


def test_the_target_is_unknown_until_the_row_is_predicted() -> None:
    browser = Browser(np.array([0, 1]), CLASSES)
    assert browser.place == Place(image=0, target=None, checkpoint=0)
    browser.predictions.add(0, np.array([[0, 5, 1]], np.float32))
    assert browser.place == Place(image=0, target=1, checkpoint=0)


def test_other_weights_forget_predictions_and_keep_place_and_narrowing() -> None:
    browser = browser_of([0, 1, 2, 0, 1, 2], [0, 0, 2, 0, 0, 2])
    browser.narrow("true:fear")
    browser.move(1)
    browser.target = 2
    browser.renew(np.array([0, 1, 2, 0, 1, 2]), CLASSES)
    assert (browser.row, browser.count, browser.target, browser.predictions.count) == (4, 2, 2, 0)
    browser.renew(np.array([0, 1, 1, 0, 1, 1]), ("no", "yes"))
    assert (browser.narrowing, browser.row, browser.target) == ("", 4, "predicted")


# ---- predictions -----------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    labels=st.lists(st.integers(-1, 2), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=8),
    order=st.randoms(use_true_random=False),
    seed=st.integers(0, 1 << 20),
)
def test_chunks_in_any_order_and_twice_make_the_same(
    labels: list[int], cuts: list[int], order: object, seed: int
) -> None:
    scores = np.random.default_rng(seed).normal(size=(len(labels), 3)).astype(np.float32)
    edges = sorted({0, len(labels), *(cut for cut in cuts if cut < len(labels))})
    chunks = list(itertools.pairwise(edges))
    chunks += chunks[:2]
    order.shuffle(chunks)  # type: ignore[attr-defined]
    known = Predictions(np.array(labels), 3)
    seen: set[int] = set()
    for start, stop in chunks:
        known.add(start, scores[start:stop])
        seen |= set(range(start, stop))
        labelled = [row for row in seen if labels[row] >= 0]
        right = [row for row in labelled if scores[row].argmax() == labels[row]]
        assert known.accuracy == (len(right), len(labelled))
        assert (known.count, known.complete) == (len(seen), len(seen) == len(labels))
    assert known.predicted.tolist() == scores.argmax(1).tolist()
    assert np.flatnonzero(known.wrong).tolist() == [
        row for row, label in enumerate(labels) if label >= 0 and scores[row].argmax() != label
    ]
    for row, label in enumerate(labels):
        shares = softmax(scores[row].tolist())
        of_label = shares[label] if label >= 0 else np.nan
        assert known.confidence[row] == pytest.approx(max(shares), rel=1e-5)
        assert known.true_confidence[row] == pytest.approx(of_label, rel=1e-5, nan_ok=True)
        assert known.scores_of(row).tolist() == scores[row].tolist()  # type: ignore[union-attr]


def test_new_scores_of_a_row_replace_the_old_ones() -> None:
    known = Predictions(np.array([0, 1]), 2)
    known.add(0, np.array([[1, 0], [0, 1]], np.float32))
    assert known.accuracy == (2, 2)
    known.add(1, np.array([[1, 0]], np.float32))
    assert known.accuracy == (1, 2) and known.wrong.tolist() == [False, True]


def test_scores_that_are_not_finite_predict_nothing() -> None:
    known = Predictions(np.array([0, 1, 1]), 2)
    known.add(0, np.array([[np.nan, 0], [0, np.inf], [0, 1]], np.float32))
    assert known.predicted.tolist() == [-1, -1, 1]
    assert known.complete and known.accuracy == (1, 1)
    assert np.isnan(known.confidence[:2]).all() and not known.wrong.any()


def test_probabilities_stay_and_scores_become_them() -> None:
    shares = np.array([[0.25, 0.75], [1, 0]], np.float32)
    assert probabilities(shares) is shares
    scores: NDArray[np.float32] = np.array([[1000, 999], [-1000, -999.5]], np.float32)
    expected = [softmax(row) for row in scores.tolist()]
    np.testing.assert_allclose(probabilities(scores), expected, rtol=1e-6)
    assert probabilities(np.ones((2, 1), np.float32)).tolist() == [[1], [1]]


def test_a_large_dataset_keeps_the_scores_that_came_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_scores, "_IN_MEMORY", 3 * 10 * 2 * 4)
    monkeypatch.setattr(raw_scores, "_MOST", 0)
    known = Predictions(np.zeros(100, np.int64), 2)
    scores = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    for start in range(0, 100, 10):
        known.add(start, scores[start : start + 10])
    held = [row for row in range(100) if known.scores_of(row) is not None]
    assert held == list(range(70, 100))
    assert known.scores_of(75).tolist() == scores[75].tolist()  # type: ignore[union-attr]
    assert known.complete and (known.predicted == scores.argmax(1)).all()


def test_scores_in_a_file_are_those_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(1).normal(size=(300, 3)).astype(np.float32)
    labels = np.random.default_rng(2).integers(-1, 3, 300)
    small = Predictions(labels, 3)
    monkeypatch.setattr(raw_scores, "_IN_MEMORY", 0)
    monkeypatch.setattr(raw_scores, "_BLOCK", 64)
    large = Predictions(labels, 3)
    for start in (100, 0, 200):
        for known in (small, large):
            known.add(start, scores[start : start + 100])
            assert known.scores_of(299) is None or start == 200
    assert np.array_equal(large.all_scores, scores) and np.array_equal(small.all_scores, scores)
    assert all(np.array_equal(large.scores_of(row), scores[row]) for row in range(300))
    for target in (2, "predicted", "true"):
        assert np.array_equal(large.scores_for(target), small.scores_for(target), equal_nan=True)


@given(st.lists(st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.0]), max_size=60), st.data())
def test_rows_are_sorted_as_by_a_stable_argsort(values: list[float], data: st.DataObject) -> None:
    ranks = np.array(values, np.float32)
    rows = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    for each in (ranks, -ranks, ranks.astype(np.float64)):
        assert by_rank(rows, each).tolist() == rows[np.argsort(each[rows], kind="stable")].tolist()


def test_a_million_rows_take_little_memory() -> None:
    labels = np.zeros(1_000_000, np.int64)  # of the mapped dataset: they are there anyhow
    scores = np.ones((512, 7), np.float32)
    tracemalloc.start()
    browser = Browser(labels, [str(n) for n in range(7)], Marks(State(None).of("x"), range(1_000_000)))
    for start in range(0, 1_000_000, 512 * 40):
        browser.predictions.add(start, scores)
    held = tracemalloc.get_traced_memory()[0]
    browser.narrow("conf>.1 -marked")
    browser.sort(ORDERS[3])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 22e6 and peak < 80e6
