"""The list's order, completion in the narrowing box, and the words they share, against NumPy and by a user."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import numpy as np
import pytest

from fer_tui.engine.settings import Settings
from fer_tui.tui import raw_scores
from fer_tui.tui.browser import Browser
from fer_tui.tui.completion import complete
from fer_tui.tui.order import NAMES, Order

Opened = Callable[..., AbstractAsyncContextManager[Any]]
CLASSES = ("anger", "fear", "sad face", "surprise")


def browser_of(count: int = 50, known: int | None = None) -> tuple[Browser, np.ndarray, np.ndarray]:
    """A browser with predictions of its first `known` rows; labels, and float64 probabilities of all."""
    rng = np.random.default_rng(5)
    labels, scores = rng.integers(0, 4, count), rng.normal(0, 3, (count, 4)).astype(np.float32)
    browser = Browser(labels, CLASSES)
    browser.predictions.add(0, scores[:known])
    odds = np.exp(scores.astype(float) - scores.max(1, keepdims=True))
    return browser, scores, odds / odds.sum(1, keepdims=True)


def expected(by: str, labels: np.ndarray, scores: np.ndarray, shares: np.ndarray) -> np.ndarray:
    ranked, rows = np.sort(shares, 1), np.arange(len(labels))
    return {
        "dataset": rows,
        "score": scores[rows, labels],
        "confidence": ranked[:, -1],
        "loss": -np.log(shares[rows, labels]),
        "entropy": -(shares * np.log(shares)).sum(1),
        "margin": ranked[:, -1] - ranked[:, -2],
    }[by]


@pytest.mark.parametrize(
    "order", [Order(by, down) for by in NAMES for down in (False, True)], ids=lambda order: f"{order.by}-{order.down}"
)
def test_orders_are_what_they_are_called(order: Order) -> None:
    browser, scores, shares = browser_of()
    browser.target = "true"
    browser.go(17)
    assert browser.sort(order) and browser.row == 17
    values = expected(order.by, browser.predictions.labels, scores, shares)
    wanted = np.argsort(-values if order.down else values, kind="stable").tolist()
    assert browser.listed.tolist() == wanted and wanted[browser.position] == 17
    browser.narrow("true:fear")
    kept = [row for row in wanted if browser.predictions.labels[row] == 1]
    assert browser.listed.tolist() == kept and order.words in ("", browser.order.words)


@pytest.mark.parametrize("by", ["loss", "entropy", "margin"])
def test_narrowing_by_the_same_numbers(by: str) -> None:
    browser, scores, shares = browser_of()
    values = expected(by, browser.predictions.labels, scores, shares)
    browser.narrow(f"{by}<.4")
    assert browser.listed.tolist() == np.flatnonzero(values < 0.4).tolist()


def test_a_list_stays_as_it_is_while_predictions_come_and_is_sorted_when_all_are_there() -> None:
    browser, scores, shares = browser_of(known=20)
    loss = expected("loss", browser.predictions.labels, scores, shares)
    browser.sort(Order("loss", down=True))
    so_far = [*np.argsort(-loss[:20], kind="stable").tolist(), *range(20, 50)]
    assert browser.listed.tolist() == so_far
    browser.go(7)
    browser.predictions.add(20, scores[20:40])
    assert not browser.update() and browser.listed.tolist() == so_far
    browser.predictions.add(40, scores[40:])
    assert browser.update() and browser.listed.tolist() == np.argsort(-loss, kind="stable").tolist()
    assert browser.row == 7 and not browser.update()


def test_a_large_dataset_has_no_order_by_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_scores, "_IN_MEMORY", 100)
    monkeypatch.setattr(raw_scores, "_MOST", 100)
    browser, _, _ = browser_of()
    assert not browser.sort(Order("score")) and browser.order == Order() and browser.count == 50
    assert browser.sort(Order("loss"))


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("wr", "wrong "),
        ("tr", "true:"),
        ("true:", "true:anger "),
        ("true:fear,s", 'true:fear,"sad face" '),
        ("-pred:FE", "-pred:fear "),
        ("true:face", 'true:"sad face" '),
        ('true:"sad', 'true:"sad face" '),
        ("conf", "conf<"),
        ("wrong marg", "wrong margin<"),
        ("", ""),
        ("wrong ", "wrong wrong "),
        ("true:zz", "true:zz"),
        ("conf<.5", "conf<.5"),
        ("lea", "lea"),
    ],
)
def test_completion(text: str, taken: str) -> None:
    found = complete(text, len(text), CLASSES)
    assert (found.take(text, len(text), 0)[0] if found.words else text) == taken


def test_completion_in_the_middle_and_of_checkpoints() -> None:
    found = complete("tr wrong", 2, CLASSES)
    assert found.take("tr wrong", 2, 0) == ("true: wrong", 5)
    names = ("run/e0.pt", "run/e10.pt", "run/e200.pt")
    assert complete("learned:", 8, CLASSES, names).words == ("0", "10", "200")
    assert "forgotten" in complete("f", 1, CLASSES, names).words
    assert complete("conf", 4, CLASSES).words == ("conf<", "conf<=", "conf>", "conf>=", "conf=")


async def test_sorting_and_completing_by_keys(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        loss = sight.browser.predictions.loss
        await sight.type("S")
        assert "1 dataset order ↓ descending" in sight.text() and "4 loss ↓ descending" in sight.text()
        await sight.type("4")
        assert sight.browser.row == 0 and "by loss ↓" in sight.lines()[1]
        await sight.type("4S")
        assert "by loss ↑" in sight.lines()[1] and sight.browser.row_at(0) == int(loss.argmin())
        await sight.type("4S")
        await sight.type("gg")
        assert sight.browser.row == int(loss.argmax())
        await sight.type("/tr")
        assert "true:" in sight.text("#completion")
        await sight.type("{tab}sa{tab}")
        assert sight.text("#understood").split()[:2] == ["50", "images"]
        await sight.type("conf>")
        assert "a number is missing" in sight.text("#understood")
        assert sight.text("#understood").index("^") == len(" true:sad ")
        await sight.type(".1{enter}")
        rows = np.flatnonzero(np.asarray(sight.browser.predictions.labels) == sight.browser.classes.index("sad"))
        assert sight.browser.listed.tolist() == rows[np.argsort(-loss[rows], kind="stable")].tolist()
        await sight.type("1SH")
        assert sight.browser.order == Order("loss", down=True) and sight.browser.narrowing == "true:sad conf>.1"
        await sight.type("/{ctrl+u}true:{down}{tab}{enter}")
        assert sight.browser.narrowing == "true:disgust"
        await sight.type("{escape}2S")
        assert "by score of the explained class ↓" in sight.text("#list-title")
