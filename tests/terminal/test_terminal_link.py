"""The link: measured on a modelled one of known rate and round trip."""

from __future__ import annotations

import pytest

from fer_tui.terminal.link import Link


class Wire:
    """A terminal that drains `rate` bytes a second, a round trip away."""

    def __init__(self, rate: float, round_trip: float) -> None:
        self.link, self.now = Link(answers=True), 100.0
        self._rate, self._round_trip, self._free = rate, round_trip, 0.0
        self._answers: list[float] = []

    def write(self, size: int) -> None:
        text = self.link.stamped("x" * size, "?", self.now)
        self._free = max(self._free, self.now + self._round_trip / 2)
        if text[0] == "?":
            self._answers.append(self._free + self._round_trip / 2)
        self._free += size / self._rate
        if text[-1] == "?":
            self._answers.append(self._free + self._round_trip / 2)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        while self._answers and self._answers[0] <= self.now:
            self.link.drained(self._answers.pop(0))

    @property
    def late(self) -> float:
        """Seconds until all that was written is drawn."""
        return max(0.0, self._free - self.now)


@pytest.mark.parametrize("rate", [20e3, 60e3, 625e3])
@pytest.mark.parametrize("round_trip", [0.002, 0.05, 0.5])
def test_the_rate_is_found_and_the_queue_stays_short(rate: float, round_trip: float) -> None:
    wire = Wire(rate, round_trip)
    for _ in range(200):  # a key held, 7 kB for each press
        if not wire.link.is_full(wire.now):
            wire.write(7000)
        wire.wait(0.033)
    assert wire.late < round_trip + 0.5
    if rate < 7000 / 0.033:
        assert wire.link.rate is not None and rate / 1.6 < wire.link.rate < rate * 1.6
    wire.wait(5)
    assert not wire.link.is_full(wire.now) and wire.link.on_its_way == 0


def test_a_fast_link_is_never_full() -> None:
    wire = Wire(50e6, 0.05)
    for _ in range(300):
        assert not wire.link.is_full(wire.now)
        wire.write(5000)
        wire.wait(0.033)
    assert wire.link.rate is None or wire.link.rate > 1e6
    assert wire.link.round_trip == pytest.approx(0.05, abs=0.01)


def test_a_mute_terminal_is_asked_nothing() -> None:
    link = Link()
    assert "?" not in link.stamped("x" * 100_000, "?", 1.0) and not link.is_full(1.0) and link.rate is None


def test_small_writes_are_asked_about_together() -> None:
    link = Link(answers=True)
    assert [link.stamped("x" * 300, "?", 1.0).count("?") for _ in range(9)] == [0, 0, 0, 2, 0, 0, 0, 1, 0]


def test_a_terminal_that_falls_silent_does_not_stop_the_screen() -> None:
    link = Link(answers=True)
    link.stamped("x" * 200_000, "?", 1.0)
    assert link.is_full(2.0)
    assert not link.is_full(9.0) and not link.answers


def test_one_slow_answer_makes_no_slow_link() -> None:
    """A terminal that is busy once, as at its start, is soon known to be fast."""
    wire = Wire(5e6, 0.01)
    wire.write(8000)
    wire._answers = [wire.now + 0.01, wire.now + 1.0]
    wire.wait(1.0)
    for _ in range(3):
        wire.write(8000)
        wire.wait(0.1)
    assert wire.link.rate is not None and wire.link.rate > 1e6
