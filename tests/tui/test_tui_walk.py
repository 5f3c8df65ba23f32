"""A long walk at random through the explorer: 2,000 keys and many resizes, beside a simple model of the place."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui.tui.bindings import BINDINGS, Binding
from fer_tui.tui.browser import Browser
from fer_tui.tui.screens.base import DeskScreen
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.pointing import Pointing

Opened = Callable[..., AbstractAsyncContextManager[Any]]

KEYS = 2000
ROWS, CLASSES = 60, ("bee", "cat", "dog")
NEVER = {"leave", "quit"}  # they end the explorer
SIZES = ((80, 24), (120, 40), (200, 60), (100, 30), (40, 12), (20, 5), (300, 80))
ANYTHING = (
    "j",
    "k",
    "h",
    "l",
    "3",
    "{enter}",
    "{tab}",
    "x",
    " ",
    "{escape}",
    "{backspace}",
    "é",
    ":",
    "?",
    "{f5}",
    "G",
)
ORDERS = (
    ("dataset", False),
    ("score", True),
    ("confidence", False),
    ("loss", True),
    ("entropy", True),
    ("margin", False),
)  # by the numbers that S has for them, from 1, and which end comes first
NARROWINGS = ("", "wrong", "right", "true:bee", "pred:dog", "true:cat wrong", "conf<.6", "true:bee pred:dog")


@dataclass
class Model:
    """Where the user must be: which rows are listed in which order, at which of them, which class is explained.

    scores: raw, float32 (N, classes). order: what the list is sorted by, and whether the highest come first.
    """

    labels: np.ndarray
    scores: np.ndarray
    order: tuple[str, bool] = ("dataset", False)
    listed: list[int] = field(default_factory=lambda: list(range(ROWS)))
    wanted: int = 0  # kept where a narrowing does not list it for a while
    target: int | str = "predicted"

    @property
    def probabilities(self) -> np.ndarray:
        exact = np.exp(self.scores.astype(np.float64) - self.scores.max(1, keepdims=True))
        return (exact / exact.sum(1, keepdims=True)).astype(np.float32)

    @property
    def row(self) -> int | None:
        """The listed row that is nearest to where the user went, the first of two."""
        return min(self.listed, key=lambda each: abs(each - self.wanted)) if self.listed else None

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(1)

    @property
    def explained(self) -> int:
        if isinstance(self.target, int):
            return self.target
        return int((self.predicted if self.target == "predicted" else self.labels)[self.row])

    def move(self, steps: int) -> None:
        if self.listed:
            self.wanted = self.listed[min(max(self.listed.index(self.row) + steps, 0), len(self.listed) - 1)]

    def go(self, row: int) -> None:
        if self.listed:
            self.wanted = row
            self.wanted = self.row

    def end(self, at: int) -> None:
        if self.listed:
            self.wanted = self.listed[at]

    def mistake(self, steps: int) -> None:
        if self.listed:
            at = self.listed.index(self.row)
            there = self.listed[at + 1 :] if steps > 0 else self.listed[:at][::-1]
            found = [row for row in there if self.predicted[row] != self.labels[row]]
            if found:
                self.wanted = found[min(abs(steps), len(found)) - 1]

    def see(self, browser: Browser) -> None:
        """Be where the user is now."""
        self.listed = [browser.row_at(at) for at in range(browser.count)]
        self.wanted = browser._row
        self.target, self.order = browser.target, (browser.order.by, browser.order.down)

    def aim(self, target: int | str) -> None:
        """Explain another class; what is sorted by its score is sorted anew."""
        self.target = target
        if self.order[0] == "score":
            self.list(self.listed)

    def sort(self, number: int) -> None:
        """By the order of that number, the other way up where the list has it already."""
        by, down = ORDERS[number]
        self.order = (by, not self.order[1]) if self.order[0] == by else (by, down)
        self.list(self.listed)

    def list(self, rows: list[int]) -> None:
        """List these rows in the order as it is now."""
        shares, numbers = np.sort(self.probabilities, 1), np.arange(ROWS)
        classes = {"predicted": self.predicted, "true": self.labels}.get(self.target, self.target)
        by, down = self.order
        values = {
            "dataset": numbers,
            "score": self.scores[numbers, classes],
            "confidence": shares[:, -1],
            "loss": -np.log(self.probabilities[numbers, self.labels]),
            "entropy": -(self.probabilities * np.log(self.probabilities)).sum(1),
            "margin": shares[:, -1] - shares[:, -2],
        }[by]
        self.listed = sorted(sorted(rows), key=lambda row: -values[row] if down else values[row])

    def narrow(self, text: str) -> None:
        kept = np.ones(ROWS, bool)
        words = text.split()
        for name, numbers in (("true", self.labels), ("pred", self.predicted)):
            asked = [CLASSES.index(word.split(":")[1]) for word in words if word.startswith(f"{name}:")]
            kept &= np.isin(numbers, asked) if asked else True
        if "wrong" in words or "right" in words:
            kept &= (self.predicted == self.labels) == ("right" in words)
        if "conf<.6" in words:
            kept &= self.probabilities.max(1) < 0.6
        self.list(np.flatnonzero(kept).tolist())


def typed(count: int | None, keys: str) -> str:
    return f"{'' if count is None else count}{keys}"


def step(chance: random.Random, model: Model) -> str:
    """Keys of which the model knows what they do, after it has done the same."""
    count = chance.choice((None, None, None, 2, 5, 17, 99))
    times = 1 if count is None else count
    match chance.randrange(13):
        case 0 | 1 | 2:
            model.move(times)
            return typed(count, chance.choice(("j", "{down}")))
        case 3 | 4:
            model.move(-times)
            return typed(count, chance.choice(("k", "{up}")))
        case 5:
            row = chance.choice((None, chance.randrange(ROWS)))
            model.end(0) if row is None else model.go(row)
            return typed(row, chance.choice(("gg", "{home}")))
        case 6:
            row = chance.choice((None, chance.randrange(ROWS)))
            model.end(-1) if row is None else model.go(row)
            return typed(row, chance.choice(("G", "{end}")))
        case 7:
            model.mistake(times)
            return typed(count, "n")
        case 8:
            model.mistake(-times)
            return typed(count, "N")
        case 9:
            model.aim("true" if model.target == "predicted" else "predicted")
            return "t"
        case 10:
            model.aim((model.explained + times) % len(CLASSES))
            return typed(count, "l")
        case 11:
            number = chance.randrange(len(ORDERS))
            model.sort(number)
            return typed(number + 1, "S")
        case _:
            model.aim(chance.randrange(len(CLASSES)))
            return f"{model.target}c"


def pressed(binding: Binding, chance: random.Random) -> str:
    """Some key of a binding, as the test types it."""
    keys = chance.choice(binding.keys).split(" ")
    return "".join(key if len(key) == 1 else f"{{{key}}}" for key in keys)


async def back_to_explore(sight: Any) -> None:
    """Out of popups, boxes and other screens, as a user gets there."""
    for _ in range(8):
        screen = sight.app.screen
        points = isinstance(screen, Pointing) and screen.explained_pane.pointer is not None
        if isinstance(screen, DeskScreen) and screen.focused is None and not screen.keys.pending and not points:
            break
        await sight.type("{escape}")
    assert isinstance(sight.app.screen, DeskScreen), f"no way out of {sight.app.screen}\n{sight.text()}"
    if not isinstance(sight.app.screen, Explore):
        await sight.type("ge")
    assert isinstance(sight.app.screen, Explore), f"no way to the images\n{sight.text()}"
    if sight.app.screen.explained_pane.pointer is not None:  # it was there when the screen was left
        await sight.type("{escape}")
    for _ in range(2):
        if sight.app.screen.pane != "list":
            await sight.type("{tab}")


def check(sight: Any, model: Model, trail: list[str]) -> None:
    browser, told = sight.browser, f"after {trail[-12:]}"
    assert sight.app.return_code is None and not sight.app.desk.refusal, told
    assert "Traceback" not in sight.app.desk.fault, f"{sight.app.desk.fault}\n{told}"
    assert [browser.row_at(at) for at in range(browser.count)] == model.listed, told
    assert browser.row == model.row, told
    if model.listed:
        assert browser.target_class == model.explained, told


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [11])
async def test_a_walk(
    opened: Opened, project: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Known keys move as the model does; any other key, wherever it leads, can be left, and moves nothing else."""
    monkeypatch.chdir(tmp_path)  # what keys write goes there
    chance, trail, count = random.Random(seed), [], 0
    others = [each for each in BINDINGS if each.id not in NEVER]
    async with opened(project(), (120, 40)) as sight:
        await sight.predicted()
        predictions = sight.browser.predictions
        scores = np.array([predictions.scores_of(row) for row in range(ROWS)], np.float32)
        model = Model(np.asarray(predictions.labels), scores)
        while count < KEYS:
            kind = chance.random()
            if kind < 0.6:  # known keys, as fast as they can be typed
                keys = [step(chance, model) for _ in range(chance.randint(1, 12))]
                count += len(keys)
                trail += keys
                await sight.type("".join(keys))
            elif kind < 0.75:
                text = chance.choice(NARROWINGS)
                model.narrow(text)
                count += 1
                trail.append(f"/{text}")
                await sight.type(f"/{{ctrl+u}}{text}{{enter}}")
            elif kind < 0.85:
                size = chance.choice(SIZES)
                trail.append(f"{size[0]} x {size[1]}")
                await sight.pilot.resize_terminal(*size)
                await sight.settle()
            else:  # any key, and whatever comes to mind where it leads
                binding = chance.choice(others)
                keys = pressed(binding, chance), *(chance.choice(ANYTHING) for _ in range(chance.randint(0, 4)))
                count += len(keys)
                trail += keys
                await sight.type("".join(keys))
                await back_to_explore(sight)
                if len(keys) == 1 and binding.group in ("Explanation", "Picture", "Other"):
                    assert sight.browser.row == model.row, f"moved by {trail[-12:]}"
                model.see(sight.browser)
            check(sight, model, trail)
