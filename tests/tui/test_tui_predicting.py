"""Predictions come by what is in sight: the rows of the list that are seen, then the cursor's part, then the rest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui.engine import open_session
from fer_tui.engine.settings import Settings
from fer_tui.tui.browser import Browser
from fer_tui.tui.order import Order
from fer_tui.tui.predicting import rows_first

Opened = Callable[..., AbstractAsyncContextManager[Any]]

# Each pass takes its time: far too long for all rows, whatever the machine.
SLOW = """
import time
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.head = nn.Linear(120, 3)

    def forward(self, x):
        time.sleep(0.2)
        return self.head(x.flatten(1))
"""


def test_the_rows_in_sight_come_first() -> None:
    browser = Browser(np.arange(100) % 3, ("bee", "cat", "dog"))
    assert rows_first(browser, range(0)) == (0,), "nothing is in sight yet: the cursor's row"
    browser.move_to(5)
    assert rows_first(browser, range(3, 8)) == (5, 6, 7, 3, 4), "from the cursor down, then above it"
    browser.narrow("true:dog row>30")
    browser.move_to(1)
    assert rows_first(browser, range(4)) == (35, 38, 41, 32)
    assert rows_first(browser, range(20, 99)) == (35, *range(92, 100, 3)), "not beyond the end of the list"
    browser.predictions.add(38, np.eye(3, dtype=np.float32)[:1])
    assert rows_first(browser, range(4)) == (35, 41, 32)
    browser.narrow("")
    browser.sort(Order("confidence", True))
    browser.move_to(0)
    assert rows_first(browser, range(3)) == (0, 1), "sorted: the only one that is known is the first"
    browser.narrow("true:dog true:bee")
    assert rows_first(browser, range(9)) == ()


def test_rows_that_are_wanted_first_are_predicted_first(project: Callable[..., Settings]) -> None:
    with open_session(project(count=1100)) as session:
        engine = session.engine()
        expected = session.classifier.predict([session.dataset[row].image for row in range(1100)])
        wanted = (1090, 3, *range(600, 618))
        for _ in range(2):  # made, then from the store
            parts = list(engine.scores(start=600, rows=wanted))
            assert sorted(start for start, _ in parts[: len(wanted)]) == sorted(wanted)
            assert {start for start, _ in parts[:16]} == set(wanted[:16])
            stream = parts[len(wanted) :]
            assert stream[0][0] == 512 and sum(len(scores) for _, scores in stream) == 1100, "then all, each once"
            for start, scores in parts:
                np.testing.assert_allclose(scores, expected[start : start + len(scores)], rtol=1e-4, atol=1e-5)


async def test_a_narrowed_list_is_predicted_where_it_is_seen(
    opened: Opened, project: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = project(count=9000)
    (tmp_path / "net.py").write_text(SLOW)
    async with opened(settings) as sight:
        await sight.until(lambda: sight.app.desk.browser is not None and sight.browser.predictions.count, "the first")
        await sight.type("/row>4000 true:dog{enter}")
        seen = sight.app.explore.list.sight
        rows = [sight.browser.row_at(position) for position in seen]
        assert len(rows) > 20 and rows[0] > 4000
        known = sight.browser.predictions
        await sight.until(lambda: all(map(known.is_known, rows)), "what is in sight")
        assert known.count < len(known) / 2 and not known.is_known(sight.browser.row_at(len(rows) + 300))


@pytest.mark.parametrize("rows", [(), (7,)])
def test_the_rows_survive_the_way_to_the_compute_process(rows: tuple[int, ...]) -> None:
    import io

    from fer_tui.engine.messages import Predict
    from fer_tui.engine.wire import encode, read

    assert read(io.BytesIO(encode(Predict(1, 2, 3, rows)))) == Predict(1, 2, 3, rows)
