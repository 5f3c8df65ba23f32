"""Scores of a whole dataset on a fast device: the next rows are asked for while some are handed over, none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine
from fer_tui.engine.scores import CHUNK
from fer_tui.testing.apart import APART, device_apart

ROWS = 9 * CHUNK + 30
CLASSES = ["a", "b", "c"]


def network() -> nn.Module:
    torch.manual_seed(3)
    layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    return nn.Sequential(*layers).eval()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (ROWS, 10, 8), dtype=np.uint8)


@pytest.fixture
def apart() -> Iterator[nn.Module]:
    with device_apart():
        yield network().to(APART)


def engine(module: nn.Module, data: object, device: str = "auto") -> Engine:
    dataset = open_dataset(data, classes=CLASSES, cache="none")
    return Engine(open_classifier(module, size=(10, 8), classes=CLASSES, device=device), dataset)


def all_of(engine: Engine, start: int = 0) -> np.ndarray:
    found = np.full((len(engine.dataset), 3), np.inf, np.float32)
    for first, scores in engine.scores(start=start):
        assert np.isinf(found[first : first + len(scores)]).all(), "a row came twice"
        found[first : first + len(scores)] = scores
    return found


@pytest.mark.parametrize("start", [0, CHUNK + 7])
def test_they_and_what_is_kept_are_those_of_the_cpu(images: np.ndarray, apart: nn.Module, start: int) -> None:
    data = images, np.arange(ROWS) % 3
    here, there = engine(network(), data, "cpu"), engine(apart, data)
    expected = all_of(here)
    assert all_of(there, start) == pytest.approx(expected, abs=1e-5)
    assert there._chunks.keys() == here._chunks.keys() and len(here._chunks) == 10
    for key, chunk in here._chunks.items():
        assert there._chunks[key] == pytest.approx(chunk, abs=1e-5)


def test_the_next_rows_are_asked_for_before_some_are_handed_over(images: np.ndarray, apart: nn.Module) -> None:
    there = engine(apart, (images, np.arange(ROWS) % 3))
    events: list[str] = []
    read = there.dataset.images
    there.dataset.images = lambda start, stop: events.append(f"read {start}") or read(start, stop)
    for first, _ in there.scores():
        events.append(f"have {first}")
    assert events == ["read 0", "read 2048", "have 0", "read 4096", "have 2048", "have 4096"]


def test_what_is_known_is_not_made_again(images: np.ndarray, apart: nn.Module) -> None:
    there = engine(apart, (images, np.arange(ROWS) % 3))
    expected = all_of(there)
    scores = there.scores_of()
    for start in (0, CHUNK, 3 * CHUNK):
        del there._chunks[scores.key(start)]
    reads: list[tuple[int, int]] = []
    read = there.dataset.images
    there.dataset.images = lambda start, stop: reads.append((start, stop)) or read(start, stop)
    assert all_of(there) == pytest.approx(expected, abs=1e-5)
    assert reads == [(0, 2 * CHUNK), (3 * CHUNK, 4 * CHUNK)]


def test_a_picture_that_cannot_be_read_stops_none_of_the_others(
    images: np.ndarray, apart: nn.Module, tmp_path: Path
) -> None:
    for row in range(CHUNK + 40):
        folder = tmp_path / CLASSES[row % 3]
        folder.mkdir(exist_ok=True)
        Image.fromarray(images[row]).save(folder / f"{row:04}.png")
    broken = tmp_path / "b" / "0100.png"
    broken.write_bytes(broken.read_bytes()[:40])
    found = all_of(engine(apart, tmp_path))
    assert found == pytest.approx(all_of(engine(network(), tmp_path, "cpu")), abs=1e-5, nan_ok=True)
    assert np.isnan(found).all(1).sum() == 1 and np.isfinite(found).all(1).sum() == CHUNK + 39
