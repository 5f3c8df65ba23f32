"""Curves in cells: where the dots are, what stands at the axes."""

from __future__ import annotations

import math

import pytest
from rich.style import Style

from fer_tui.terminal.plot import Curve, plot, span, step_at

MUTED, RED, BLUE = Style(dim=True), Style(color="red"), Style(color="blue")


def drawn(*curves: Curve, steps: tuple[str, ...] = ("1", "2", "3"), size: tuple[int, int] = (45, 9), **how: int):
    return [line.plain for line in plot(curves, steps, *size, muted=MUTED, **how)]


def test_a_rising_curve_goes_from_the_lower_left_to_the_upper_right() -> None:
    lines = drawn(Curve([0.1, 0.5, 0.9], RED))
    assert all(len(line) == 45 for line in lines) and len(lines) == 9
    assert lines[0].startswith("0.90 ") and lines[7].startswith("0.10 ")
    ends = [(y, x) for y, line in enumerate(lines[:8]) for x, cell in enumerate(line) if cell > "\u2800"]
    assert (0, 44) in ends and (7, 5) in ends
    columns = {x for _, x in ends}
    assert columns == set(range(5, 45))  # without a gap
    assert lines[8].split() == ["1", "2", "3"]


def test_the_last_curve_lies_on_top_and_gaps_stay_gaps() -> None:
    top = plot([Curve([0.5] * 3, RED), Curve([0.5] * 3, BLUE)], "abc", 45, 9, muted=MUTED)
    colours = {span.style for line in top[:8] for span in line.spans if line.plain[span.start : span.end].strip()}
    assert BLUE in colours and RED not in colours
    assert sum(cell > "\u2800" for cell in "".join(drawn(Curve([math.nan, 0.4, math.nan], RED)))) == 1
    assert sum(cell > "\u2800" for cell in "".join(drawn(Curve([0.1, math.nan, 0.9], RED)))) == 2  # not bridged


def test_the_cursor_marks_each_curve() -> None:
    lines = drawn(Curve([0.1, 0.5, 0.9], RED), Curve([0.8, 0.8, 0.8], BLUE), cursor=2)
    assert [line[44] for line in lines[:8]].count("●") == 2
    assert [line[44] for line in lines[:8]].count("│") >= 4


def test_names_are_left_out_where_there_is_no_room_but_for_the_cursor() -> None:
    steps = tuple(f"epoch{n:03}" for n in range(40))
    line = drawn(Curve([0.5] * 40, RED), steps=steps, cursor=17)[-1]
    assert {"epoch000", "epoch017", "epoch039"} <= set(line.split())


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.21, 0.58], (0.2, 0.6)), ([0.5, 0.5], (0.4, 0.6)), ([math.nan], (0, 1)), ([0.0, 0.04], (0, 0.2))],
)
def test_the_range_goes_out_to_tenths(values: list[float], expected: tuple[float, float]) -> None:
    assert span(values) == pytest.approx(expected)


def test_a_click_finds_its_step_and_too_small_is_no_fault() -> None:
    assert [step_at(column, 5, 105) for column in (0, 5, 30, 55, 80, 104)] == [0, 0, 1, 2, 3, 4]
    assert step_at(50, 1, 100) == 0
    assert drawn(Curve([0.5], RED), size=(6, 2)) == [" " * 6] * 2
    assert drawn(steps=(), size=(40, 6))[-1].strip() == ""
