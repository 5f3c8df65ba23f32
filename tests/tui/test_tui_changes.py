"""What one of two networks fixes and breaks, on Classes: the numbers of evaluate, and the lists behind them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui.cli import main
from fer_tui.cli.settings import bundled_run
from fer_tui.comparison import Comparison
from fer_tui.engine.settings import Settings
from fer_tui.tui.browser import Browser
from fer_tui.tui.changes import COLUMNS, changes_of
from fer_tui.tui.screens.explore import Explore

Opened = Callable[..., AbstractAsyncContextManager[Any]]
EARLY = "epoch-0003.safetensors"
LIMIT = 140


def test_a_table_adds_up_and_its_cells_list_what_they_count() -> None:
    rng = np.random.default_rng(2)
    classes = ("a b", "bee", "cat", "none")
    labels, first, second = rng.integers(-1, 3, 400), rng.integers(-1, 3, 400), rng.integers(-1, 3, 400)
    pair = Comparison(labels, first, second)
    table = changes_of(pair, ("one", "two"), classes)
    assert table.counts.shape == (5, len(COLUMNS)) and (table.counts[:-1].sum(0) == table.counts[-1]).all()
    assert table.images == int(((labels >= 0) & (first >= 0) & (second >= 0)).sum())
    assert table.total == int((labels >= 0).sum()) and table.p_value == pair.p_value()
    assert table.support(3) == 0 and table.share(3, 0) != table.share(3, 0)
    browser = Browser(labels, classes)
    browser.checkpoints, browser.pair = ("one", "two"), lambda: pair
    browser.predictions.pair = browser.pair
    for row in range(5):
        for column in range(len(COLUMNS)):
            browser.narrow(table.narrowing(row, column))
            assert browser.count == table.listed(row, column), table.narrowing(row, column)
    assert table.narrowing(0, 0) == 'fixed true:"a b"' and table.narrowing(4, 1) == "broken"
    assert "cat right under two, wrong under one" in table.told(2, 0)


async def test_fixed_and_broken_by_class(
    opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped network beside a snapshot of its training: all numbers are those of evaluate."""
    monkeypatch.chdir(tmp_path)
    early = str(Path(bundled_run(), EARLY))
    flags = ["--model", "fer-gap", "--weights", early, "--model", "fer-res", "--limit", str(LIMIT)]
    assert main(["evaluate", "--json", "--cache", str(tmp_path / "cache"), *flags]) == 0
    (told,) = json.loads(capsys.readouterr().out)["comparisons"]
    two = Settings(model="fer-gap", weights=(early,), others=(Settings(model="fer-res"),), limit=LIMIT)
    async with opened(two) as sight:
        await sight.predicted()
        beside = sight.app.desk.beside
        await sight.type("gcb")
        screen = sight.app.screen
        await sight.until(lambda: beside.predictions.complete and screen._wait is None, "the other network")
        changes = screen.change_table.changes
        names = ("fixed", "broken", "both_right", "both_wrong")
        expected = [[each[name] for name in names] for each in told["by_class"]] + [[told[name] for name in names]]
        assert changes.counts[:, :4].tolist() == expected and told["fixed"] and told["broken"]
        assert changes.counts[:, 4].tolist() == [fixed - broken for fixed, broken, *_ in expected]
        assert changes.p_value == told["mcnemar_p"] and f"p = {told['mcnemar_p']:.3g}" in sight.text("#table-words")
        assert [each["class"] for each in told["by_class"]] == list(changes.classes)
        (line,) = [line for line in sight.lines() if line.startswith(" all ")]
        net, p_value = f"{told['fixed'] - told['broken']:+d}", f"{told['mcnemar_p']:.2g}"
        assert line.split() == ["all", *map(str, expected[-1]), net, p_value]
        await sight.type("e1{enter}")
        with (tmp_path / "fer-tui-exports" / "samples" / "changes.csv").open(newline="") as file:
            lines = list(csv.reader(file))
        assert [[int(each) for each in line[1:5]] for line in lines[1:]] == expected
        assert float(lines[-1][-1]) == pytest.approx(told["mcnemar_p"], rel=1e-5)

        fear = changes.classes.index("fear")
        column = 0 if expected[fear][0] else 1
        await sight.type(f"{fear}gg{column}l" if column else f"{fear}gg")
        assert screen.change_table.cursor == (fear, column)
        await sight.type("{enter}")
        assert isinstance(sight.app.screen, Explore)
        assert sight.browser.narrowing == f"{names[column]} true:fear"
        assert sight.browser.count == expected[fear][column]
        assert (sight.browser.predictions.labels[sight.browser.listed] == fear).all()

        await sight.type("gc.")  # the other one is the current one: the table is the same
        await sight.settle()
        assert screen.change_table.changes.counts.tolist() == changes.counts.tolist()
        await sight.type("r")
        assert "shares of each true class" in sight.text("#table-title")
        await sight.type("d")
        assert "b leads back" in sight.text("#status")
        await sight.type("b")
        assert not screen.pair_shown and "predicted →" in sight.text("#table-title")
        await sight.pilot.resize_terminal(80, 24)
        await sight.type("b")
        heading = next(line for line in sight.lines() if "both wrong" in line)
        assert all(name in heading for name in COLUMNS)


async def test_the_others_take_turns_beside_it(opened: Opened) -> None:
    """Three networks: gb goes through those that are not the current one."""
    early, late = (str(Path(bundled_run(), name)) for name in (EARLY, "epoch-0039.safetensors"))
    three = Settings(
        model="fer-gap",
        weights=(early,),
        others=(Settings(model="fer-res"), Settings(model="fer-gap", weights=(early, late))),
        limit=14,
    )
    async with opened(three) as sight:
        await sight.predicted()
        beside = sight.app.desk.beside
        first, second = beside.others
        assert beside.partner == first == 1 and second in (2, 3)
        await sight.type("gb")
        assert beside.shown and beside.partner == first and "(1 of 2)" in sight.text("#status")
        await sight.type("gb")
        assert beside.partner == second and "(2 of 2)" in sight.text("#status")
        await sight.until(lambda: beside.answered.final and beside.predictions.complete, "the third network")
        assert beside.answered.place.checkpoint == second
        await sight.type("gb")
        assert beside.partner == first
        await sight.type("gB")
        assert beside.partner == second
        await sight.type(f"{5 - second + 1}b")  # the other weights of the third network
        assert beside.partner == 5 - second and beside.number == 1
        await sight.type("gB")
        assert beside.partner == first
        await sight.type(f"{second}.")  # the third is the current one: the others are the first two
        await sight.until(lambda: sight.answered.final, "the map")
        assert sight.browser.checkpoint == second and beside.others == (0, 1)
