"""Which images are listed: narrowing, the cells of the confusion table, keys that lead from one screen to the next."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import numpy as np
import pytest

from fer_tui.contract import Matrix
from fer_tui.engine.settings import Settings
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.explore import Explore
from fer_tui.tui.screens.popups import Help
from fer_tui.tui.widgets.narrow_box import NarrowBox
from tests.tui.truth import Truth

Opened = Callable[..., AbstractAsyncContextManager[Any]]


async def test_keys_go_where_the_key_before_them_leads(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        third = truth.mistakes[2]
        for keys, stack, row, narrowing in (
            ("/wrong{enter}2j", [Explore], third, "wrong"),
            ("{escape}???q5jM{escape}{escape}", [Explore], third + 5, ""),
            ("gc?{escape}?", [ClassesScreen, Help], third + 5, ""),
            ("j{escape}jl{enter}gg", [Explore], None, "true:disgust pred:disgust hardest"),
            ("/{escape}gcqgc{escape}{escape}cjjj{enter}12G", [Explore], 12, ""),
        ):
            await sight.until(lambda: not sight.app.desk.image.is_working, "rest, for Esc stops work first")
            await sight.type(keys)
            assert [type(screen) for screen in sight.app.screen_stack[1:]] == stack
            assert sight.browser.narrowing == narrowing
            assert row is None or sight.browser.row == row
            if stack[0] is ClassesScreen:
                await sight.until(lambda: sight.app.desk.matrix.answered.final, "the matrix")
        assert sight.browser.target == 1 + 3


async def test_narrowing(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.type("20G/")
        assert sight.app.explore.query_one(NarrowBox).display
        await sight.type("tru")
        assert "'tru' is no term; did you mean true?" in sight.text() and "^^^" in sight.text()
        assert (sight.browser.count, sight.browser.row) == (350, 20)
        await sight.type("e:sad")
        sad = np.flatnonzero(truth.labels == 4).tolist()
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == sad
        assert f" {len(sad)} images" in sight.text() and "50 of 350 images" in sight.lines()[0]
        assert sight.browser.row == min(sad, key=lambda row: abs(row - 20))
        await sight.type("{escape}")
        assert not sight.app.explore.query_one(NarrowBox).display
        assert (sight.browser.count, sight.browser.row, sight.browser.narrowing) == (350, 20, "")
        await sight.type("/wrong ptrue<.4{enter}")
        shares = np.exp(truth.scores) / np.exp(truth.scores).sum(1, keepdims=True)
        hard = [row for row in truth.mistakes if shares[row, truth.labels[row]] < 0.4]
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == hard
        assert " /wrong ptrue<.4" in sight.lines()[1]
        await sight.type("j")
        row = sight.browser.row
        assert row in hard
        await sight.type("/ right{escape}")
        assert (sight.browser.narrowing, sight.browser.row) == ("wrong ptrue<.4", row)
        await sight.type("/ right{enter}")
        assert (sight.browser.count, sight.browser.row) == (0, None)
        assert "no image is listed: Esc lists all again" in sight.text() and "0 of 350 images" in sight.lines()[0]
        await sight.type("jkGt5c")
        await sight.type("{escape}")
        assert (sight.browser.count, sight.browser.narrowing) == (350, "")
        await sight.explained()


@pytest.mark.parametrize(("leave", "back"), [("?", "q"), ("gc", "ge")])
async def test_a_narrowing_is_up_to_date_after_something_else_was_on_the_screen(
    opened: Opened, samples: Settings, truth: Truth, leave: str, back: str
) -> None:
    async with opened(samples) as sight:
        await sight.until(lambda: sight.app.desk.browser is not None, "the list")
        os.kill(sight.app.compute.pid, signal.SIGSTOP)
        await sight.type("/wrong{enter}" + leave)
        os.kill(sight.app.compute.pid, signal.SIGCONT)
        assert not sight.browser.predictions.complete
        await sight.predicted()
        await sight.type(back)
        await sight.predicted()
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == truth.mistakes
        assert f"{len(truth.mistakes)} of 350 images" in sight.lines()[0]
        assert sight.browser.row in truth.mistakes
        await sight.explained()
        assert sight.answered.place.image == sight.browser.row


async def test_the_classes_screen(opened: Opened, samples: Settings, truth: Truth) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.type("gc")
        screen = sight.app.screen
        assert isinstance(screen, ClassesScreen)
        matrix = sight.app.desk.matrix
        await sight.until(lambda: matrix.answered.final, "the matrix")
        counts = np.zeros((7, 7), int)
        np.add.at(counts, (truth.labels, truth.predicted), 1)
        assert isinstance(matrix.answered.explanation, Matrix)
        assert matrix.answered.explanation.counts.tolist() == counts.tolist()

        def cells() -> list[list[str]]:
            lines = [re.sub(r"[\[\]]", " ", line).split() for line in sight.lines()]
            return [words[1:] for words in lines if words and words[0] in truth.dataset.classes and words[-1].isdigit()]

        shares = [[f"{count / sum(row):.0%}" if count else "·" for count in row] for row in counts.tolist()]
        sums = [[f"{counts[n, n] / counts[n].sum():.0%}", str(counts[n].sum())] for n in range(7)]
        assert cells() == [[*row, *ends] for row, ends in zip(shares, sums, strict=True)]
        assert "share of each true class" in sight.text()
        await sight.type("r")
        assert cells() == [[*map(str, row), *ends] for row, ends in zip(counts.tolist(), sums, strict=True)]
        assert "counts" in sight.lines()[1]
        await sight.type("r")
        for keys, cursor in (
            ("j", (1, 0)), ("3l", (1, 3)), ("9l", (1, 6)), ("G", (6, 6)), ("h", (6, 5)), ("k", (5, 5)), ("gg", (0, 0)),
            ("2G", (2, 0)), ("99k", (0, 0)), ("{end}", (6, 0)), ("{home}", (0, 0)), ("Z", (0, 0)),
        ):  # fmt: skip
            await sight.type(keys)
            assert (keys, screen.table.cursor) == (keys, cursor)
        await sight.type("G{enter}")
        assert counts[6, 0] == 1 and isinstance(sight.app.screen, Explore)
        expected = np.flatnonzero((truth.labels == 6) & (truth.predicted == 0)).tolist()
        assert [sight.browser.row_at(p) for p in range(sight.browser.count)] == expected == [sight.browser.row]
        assert sight.browser.narrowing == "true:neutral pred:angry hardest"
        await sight.explained()
        assert sight.answered.place.image == expected[0]
        await sight.type("{escape}gc2l{enter}")
        empty = counts[6, 2] == 0
        assert empty and isinstance(sight.app.screen, ClassesScreen) and "no image is in this cell" in sight.text()
        for number in range(7):
            await sight.type(f"gg{number}G{number}l{{enter}}" if number else "gg{enter}")
            rows = {sight.browser.row_at(p) for p in range(sight.browser.count)}
            assert rows == set(np.flatnonzero((truth.labels == number) & (truth.predicted == number)).tolist())
            assert sight.browser.position == 0
            await sight.type("{escape}gc")
        await sight.type("q")
        assert isinstance(sight.app.screen, Explore)
        await sight.type("gc{escape}")
        assert isinstance(sight.app.screen, Explore)
