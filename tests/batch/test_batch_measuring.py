"""How many places a batch makes at once, found on machines that take their time in several ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from fer_tui.batch.chunks import Chunk, Outcome
from fer_tui.batch.measuring import Measured, measure, remembered


class Machine:
    """What `measure` asks of a driver, where the work takes `seconds` of how many there are and which step it is."""

    stop = False

    def __init__(self, seconds: Callable[[int, int], float], images: int, size: int) -> None:
        self._seconds, self._images, self._size = seconds, images, size
        self._kept: dict[str, bytes] = {}
        self.store = self._kept
        self.steps: list[int] = []

    def lacking(self, plan: object, size: int) -> Iterator[Chunk]:
        rows = tuple(range(min(size, self._images)))
        yield Chunk(0, "maps", rows, targets=(0,) * len(rows))

    def through(self, chunks: Iterator[Chunk]) -> Iterator[Outcome]:
        for chunk in chunks:
            count = len(chunk)
            self.steps.append(count)
            kept = tuple((str(row), b"x" * self._size, "any", "heatmap") for row in chunk.rows)
            yield Outcome(chunk, kept, made=count, seconds=self._seconds(count, self.steps.count(count)))

    def state(self) -> SimpleNamespace:
        return SimpleNamespace(missing=self._images)

    def keep(self, row: tuple[str, bytes, str, str]) -> None:
        self._kept[row[0]] = row[1]


def measured(seconds: Callable[[int, int], float], images: int = 100_000, size: int = 1000) -> tuple[Measured, int]:
    """What was found, and how many images it took."""
    machine, plan = Machine(seconds, images, size), SimpleNamespace(about={"method": "any"}, each=1)
    list(measure(machine, plan))
    found = remembered(machine, plan)
    assert found is not None
    return found, sum(machine.steps)


def test_a_steady_machine() -> None:
    found, images = measured(lambda n, time: 2e-3 * n)
    assert found.seconds == pytest.approx(2e-3) and found.size == 1024
    assert images < 700


def test_a_gpu_whose_library_takes_long_over_the_first_of_each_size() -> None:
    found, images = measured(lambda n, time: 3e-5 * n + 1e-2 + (0.8 if time == 1 else 0))
    assert found.seconds < 1e-4 and found.size == 2048
    assert images <= 4200


@pytest.mark.parametrize(("seconds", "steps"), [(1.0, 2), (20.0, 1), (0.3, 3)])
def test_of_slow_ones_a_handful_is_enough(seconds: float, steps: int) -> None:
    found, images = measured(lambda n, time: seconds * n)
    assert found.seconds == pytest.approx(seconds) and images <= 2 * steps
    assert found.size == 2 ** round(math.log2(max(1.5 / seconds, 1)))


def test_a_slow_start_is_none_of_the_rate() -> None:
    found, _ = measured(lambda n, time: 1e-3 * n + (3 if n == 1 and time == 1 else 0))
    assert found.seconds == pytest.approx(1e-3, rel=0.01)


def test_large_maps_come_in_small_chunks_and_are_soon_measured() -> None:
    found, images = measured(lambda n, time: 1e-4 * n, size=1 << 20)
    assert found.size == 32 and images <= 64 + 34


@pytest.mark.parametrize(("images", "most"), [(70, 70), (1000, 128), (4000, 500)])
def test_of_quick_work_a_part_is_made(images: int, most: int) -> None:
    found, made = measured(lambda n, time: 1e-5 * n + (0.1 if time == 1 else 0), images=images)
    assert most - 4 <= made <= most and found.seconds == pytest.approx(1e-5)


def test_a_single_image() -> None:
    found, made = measured(lambda n, time: 1e-3 * n, images=1)
    assert made == 1 and found.seconds == pytest.approx(1e-3)
