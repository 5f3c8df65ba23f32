"""Back and forward: what counts as one visit, and that going back shows what was there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fer_tui.engine.settings import Settings
from fer_tui.tui.history import History, Visit
from fer_tui.tui.order import Order
from fer_tui.tui.screens.classes import ClassesScreen
from fer_tui.tui.screens.explore import Explore

Opened = Callable[..., AbstractAsyncContextManager[Any]]


def at(row: int, screen: str = "explore") -> Visit:
    return Visit(screen, row, "", Order(), "saliency", "predicted", None, None, 0)


def walked(*steps: tuple[int, str]) -> History:
    """A history of (row, what is done from there)."""
    history = History()
    for row, then in steps:
        history.see(at(row), then)
    return history


def test_small_steps_in_a_row_are_one_visit() -> None:
    history = walked((0, "down"), (1, "down"), (2, "down"), (3, "last"), (90, "up"), (89, "up"), (88, "back"))
    back = []
    while (visit := history.go(-1)) is not None:
        back.append(visit.row)
    assert back == [90, 3, 0]
    assert history.go(2) == at(90) and history.go(9) == at(88) and history.go(1) is None


def test_steps_of_another_sort_are_another_visit() -> None:
    history = walked((0, "down"), (1, "down"), (2, "next-mistake"), (7, "next-mistake"), (9, "back"))
    assert history.go(-1) == at(2) and history.go(-1) == at(0)


def test_turning_elsewhere_forgets_what_was_gone_back_from() -> None:
    history = walked((0, "last"), (50, "first"), (5, "back"))
    assert history.go(-1) == at(50)
    history.see(at(50), "last")
    history.see(at(77), "back")
    assert history.go(1) is None and history.go(-1) == at(50) and history.go(-1) == at(0)


def test_standing_still_is_no_visit_and_very_old_ones_are_forgotten() -> None:
    assert walked((0, "view"), (0, "colours"), (0, "back")).go(-1) is None
    history = walked(*((row, "last") for row in range(5000)))
    assert history.go(-(10**6)) == at(4800)


async def test_back_and_forward(opened: Opened, samples: Settings) -> None:
    async with opened(samples) as sight:
        await sight.predicted()
        await sight.type("H")
        assert "nothing to go back to" in sight.text("#status")
        await sight.type("jj100G/true:sad{enter}")
        sad = sight.browser.place
        await sight.type("gc")
        assert isinstance(sight.app.screen, ClassesScreen)
        await sight.type("H")
        assert isinstance(sight.app.screen, Explore)
        assert sight.browser.place == sad and sight.browser.narrowing == "true:sad"
        await sight.type("H")
        assert (sight.browser.row, sight.browser.narrowing, sight.browser.count) == (100, "", 350)
        await sight.type("H")
        assert sight.browser.row == 2
        await sight.explained()
        assert sight.answered.place.image == 2 and sight.lines()[4][:30].strip().split()[1] == "2"
        await sight.type("2L")
        assert sight.browser.place == sad and sight.browser.narrowing == "true:sad"
        await sight.type("L")
        assert isinstance(sight.app.screen, ClassesScreen)
        await sight.type("L")
        assert "nothing further on" in sight.text("#status")
        await sight.type("grwj")  # in the Grid its sides, its images and its cursor are a place, too
        grid = sight.app.desk.grid
        sheet = grid.layout
        await sight.type("2{tab}h")
        classes = grid.layout
        assert sheet[:2] == (("images", "methods"), "listed") and classes[0] == ("methods", "classes")
        await sight.type("2H")
        assert grid.layout == sheet
        await sight.type("2L")
        assert grid.layout == classes
