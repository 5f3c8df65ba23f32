"""What is computed over a whole store goes over it once: three times as many maps take no more memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.contract import Heatmap, Place, parse_parameters
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine, Store, codec, focusing, scores
from fer_tui.engine.focusing import Choice, focus_table
from fer_tui.engine.keys import key_at
from fer_tui.engine.mean_maps import Averaged, mean_maps
from fer_tui.regions import regions_of, statistics

SIDE, CLASSES = 48, 200
FEW, MANY = 520, 1560
MAP_BYTES = SIDE * SIDE * 5  # values in float32, and the picture
SCORE_BYTES = CLASSES * 4
UPPER = np.zeros((SIDE, SIDE), bool)
UPPER[: SIDE // 2] = True


class Linear(nn.Module):
    """Any class of any picture, without any time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.head = nn.Linear(SIDE * SIDE, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x.flatten(1))


def filled(folder: Path, count: int) -> Callable[[], Engine]:
    """Makes engines over `count` pictures, of which all scores and all maps of saliency are stored."""
    folder.mkdir()
    rng = np.random.default_rng(count)
    images = rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
    np.savez(folder / "data.npz", images=images, labels=rng.integers(0, 7, count))
    names = [f"c{n}" for n in range(CLASSES)]
    dataset = open_dataset(str(folder / "data.npz"), classes=names, cache=str(folder / "cache"))
    classifier = open_classifier(Linear(), size=(SIDE, SIDE), classes=names, device="cpu")
    store = Store.open(folder / "store", limit_bytes=None)
    engine = Engine(classifier, dataset, store)
    predicted = np.concatenate([part.argmax(1) for _, part in engine.scores()])
    description = engine.described("saliency")
    values = parse_parameters("saliency", description.parameters, {})
    made = engine.task("saliency", Place(0, 0), {})

    def row(number: int) -> tuple[str, bytes, str, str]:
        place = Place(number, int(predicted[number]))
        heatmap = Heatmap(values=rng.normal(size=(SIDE, SIDE)).astype(np.float32), image=images[number])
        assert engine.dataset is not None
        key = key_at(description, values, place, engine.dataset, classifier.digests)
        return key, codec.pack(made.labelled(heatmap, place, 0.0)), "saliency", "heatmap"

    for start in range(0, count, 40):
        assert store.put_many(row(n) for n in range(start, start + 40))
    return lambda: Engine(classifier, dataset, store)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Callable[[], Engine]]:
    folder = tmp_path_factory.mktemp("streaming")
    return {count: filled(folder / str(count), count) for count in (FEW, MANY)}


def mean(engine: Engine) -> Iterable[object]:
    return mean_maps(engine, "saliency", Averaged(by="all"))


def focus(engine: Engine) -> Iterable[object]:
    return focus_table(engine, "saliency", regions_of({"upper": UPPER, "lower": ~UPPER}), Choice())


def confusion(engine: Engine) -> Iterable[object]:
    return engine.explain("confusion", Place(), fresh=True)


@pytest.mark.parametrize(("work", "each"), [(mean, MAP_BYTES), (focus, MAP_BYTES), (confusion, SCORE_BYTES)])
def test_memory_does_not_grow_with_what_is_stored(
    engines: dict[int, Callable[[], Engine]],
    work: Callable[[Engine], Iterable[object]],
    each: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "_CELLS", 200_000)  # of the intervals, which take the same for any number
    monkeypatch.setattr(scores, "_MEMORY", 1 << 18)
    monkeypatch.setattr(focusing, "_MOST", 32)  # maps that are at hand at once
    peaks = {}
    next(iter(work(engines[FEW]())))  # loads what is needed
    for count in (FEW, MANY):
        engine = engines[count]()
        tracemalloc.start()
        for _ in work(engine):
            pass
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert isinstance(engine.store, Store)
        assert engine.store.usage().by_method["saliency"][0] == count  # none was made
    more = (MANY - FEW) * each
    assert peaks[MANY] - peaks[FEW] < more / 3, (peaks, more)
