"""The size of a batch: found by the time that the work takes, halved where the memory ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import batching, open_classifier
from fer_tui.classifier.batching import Batching

CPU, ELSEWHERE = torch.device("cpu"), torch.device("meta")  # the second as any accelerator
SMALL, LARGE = (1, 48, 48), (3, 224, 224)


class Clock:
    """Stands still but for the work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(batching.time, "perf_counter", lambda: self.now)

    def work(self, seconds: Callable[[int], float], sizes: list[int]) -> Callable[[int, int], range]:
        def run(start: int, stop: int) -> range:
            sizes.append(stop - start)
            self.now += seconds(stop - start)
            return range(start, stop)

        return run


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        (lambda n: 1e-3 + (1e-5 if n <= 512 else 2e-5) * n, 512),  # launching costs most
        (lambda n: 1e-4 * max(n, 64), 64),  # nothing is won past 64
        (lambda n: 1e-4 * n * max(1, n / 4), 4),  # larger ones fall out of the cache
        (lambda n: 1e-4 * n, 16),  # no difference: as it was
        (lambda n: 6e-3 * n, 16),  # a longer pass would keep others waiting, and wins nothing
        (lambda n: 0.2 + 1e-4 * n, 16),  # faster, but a pass of twice the size might take too long
    ],
)
def test_settles_at_the_fastest_size(
    monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float], best: int
) -> None:
    sizes: list[int] = []
    clock, found = Clock(monkeypatch), Batching(SMALL, CPU)
    made = list(found.run(20000, clock.work(seconds, sizes), "any"))
    assert [n for _, _, part in made for n in part] == list(range(20000))
    assert [(start, stop) for start, stop, _ in made] == [(part[0], part[-1] + 1) for _, _, part in made]
    assert sizes[0] == 16 and best in sizes
    assert sizes[-2] == best
    del sizes[:]
    list(found.run(best * 3, clock.work(seconds, sizes), "any"))
    assert sizes == [best] * 3, "what was found is kept"
    del sizes[:]
    list(found.run(32, clock.work(seconds, sizes), "another kind"))
    assert sizes == [16, 16], "each kind of work is measured for itself"


def test_a_slow_first_pass_misleads_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    clock = Clock(monkeypatch)
    seen: set[int] = set()

    def seconds(n: int) -> float:
        warm = n in seen
        seen.add(n)
        return 1e-4 * max(n, 64) + (0 if warm else 1)

    list(Batching(SMALL, CPU).run(4000, clock.work(seconds, sizes), "any"))
    assert sizes[-2] == 64


def test_an_accelerator_tries_new_sizes_only_for_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    clock, found = Clock(monkeypatch), Batching(SMALL, ELSEWHERE)
    list(found.run(20_000, clock.work(lambda n: 1e-3, sizes), "any"))
    assert sizes == [2048] * 9 + [1568]
    del sizes[:]
    list(found.run(80_000, clock.work(lambda n: 1e-3, sizes), "any"))
    assert sizes[:3] == [2048] * 3 and 4096 not in sizes, "tried, but nothing larger: too few passes of it are to come"
    del sizes[:]
    list(found.run(200_000, clock.work(lambda n: 1e-3, sizes), "any"))
    assert 4096 in sizes


def test_an_accelerator_is_asked_for_the_next_pass_before_one_is_handed_over() -> None:
    events: list[str] = []
    for start, stop, made in Batching(SMALL, ELSEWHERE).run(6000, lambda a, b: events.append(f"ask {a}") or b, "any"):
        assert made == stop
        events.append(f"have {start}")
    assert events == ["ask 0", "ask 2048", "have 0", "ask 4096", "have 2048", "have 4096"]


def test_passes_that_are_timed_wait_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(batching, "_finish", lambda device: events.append("wait"))
    for start, _, _ in Batching(SMALL, ELSEWHERE).run(2048 * 35, lambda a, b: events.append("ask"), "any"):
        events.append(f"have {start}")
    assert events[:9] == ["ask", "wait", "have 0", "ask", "wait", "have 2048", "ask", "wait", "have 4096"]
    assert events[9:12] == ["ask", "ask", "have 6144"], "it settled: too few are left to try another size"


def test_memory_that_ends_while_a_pass_is_under_way_loses_nothing() -> None:
    asked: list[int] = []

    def run(start: int, stop: int) -> range:
        asked.append(stop - start)
        if len(asked) == 2:
            raise torch.OutOfMemoryError("too much")
        return range(start, stop)

    made = list(Batching(SMALL, ELSEWHERE).run(6000, run, "any"))
    assert [n for *_, part in made for n in part] == list(range(6000))
    assert asked == [2048, 2048, 1024, 1024, 1024, 880]


def test_first_sizes() -> None:
    sizes: list[int] = []
    for shape, device, first in ((SMALL, CPU, 16), (LARGE, CPU, 4), (SMALL, ELSEWHERE, 2048), (LARGE, ELSEWHERE, 32)):
        list(Batching(shape, device).run(3000, lambda a, b: sizes.append(b - a), "any"))
        assert sizes[0] == first
        del sizes[:]
    list(Batching(SMALL, CPU).run(70, lambda a, b: sizes.append(b - a), "any", 33))
    assert sizes == [33, 33, 4]


def test_memory_that_ends_halves_and_is_remembered() -> None:
    sizes: list[int] = []

    def run(start: int, stop: int) -> int:
        sizes.append(stop - start)
        if stop - start > 5:
            raise torch.OutOfMemoryError("too much")
        return stop

    found = Batching(SMALL, CPU)
    assert [stop for _, stop, _ in found.run(10, run, "any")] == [5, 10]
    assert sizes == [10, 5, 5]
    del sizes[:]
    list(found.run(100, run, "any"))
    assert max(sizes) <= 5, "no larger one is tried again"
    with pytest.raises(torch.OutOfMemoryError):
        list(Batching(SMALL, CPU).run(3, lambda a, b: (_ for _ in ()).throw(torch.OutOfMemoryError()), "any"))


def test_inputs_that_would_mix_go_alone_and_predictions_are_right() -> None:
    torch.manual_seed(0)
    mixing = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).eval()
    classifier = open_classifier(mixing, size=(12, 12), classes=list("abcd"), device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (40, 12, 12), dtype=np.uint8)
    sizes = [stop - start for start, stop, _ in classifier.in_batches(5, lambda a, b: None, "any")]
    assert sizes == [1] * 5
    alone = np.concatenate([classifier.predict([image]) for image in images])
    assert classifier.predict(images) == pytest.approx(alone, abs=1e-5)


def test_a_copy_is_measured_for_itself_and_kept_with_the_network() -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    classifier = open_classifier(network, size=(48, 48), classes=list("abc"), device="cpu")
    fast, _ = classifier.folded()
    assert fast is not classifier and fast._batching is not classifier._batching
    assert classifier.folded()[0]._batching is fast._batching
