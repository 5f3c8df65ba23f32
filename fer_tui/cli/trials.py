"""Finds out how a network wants its input: the usual preprocessings, tried on labelled rows of the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fer_tui.engine.settings import Settings

from .progress import Narrator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.classifier import Normalisation
    from fer_tui.dataset import MappedDataset

ROWS = 400  # tried at most, spread over the data
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A usual way to feed a network: (x/255 - mean) / std."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def on(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, mean=self.mean, std=self.std)


@dataclass(frozen=True, slots=True)
class Trial:
    """A preprocessing and how many of `rows` labelled rows were right under it."""

    preprocessing: Preprocessing
    right: int
    rows: int

    @property
    def accuracy(self) -> float:
        return self.right / self.rows


def try_preprocessings(
    settings: Settings, dataset: MappedDataset, written: Sequence[Normalisation], tell: Narrator
) -> list[Trial]:
    """A trial of each usual preprocessing, best first (of equals the plainer); none where nothing is labelled.

    written: what the user's own files normalise by, tried as well.
    """
    from fer_tui.engine.session import open_network

    network = open_network(settings, dataset)
    aligned = dataset.aligned(network.classes)
    rows = _spread(aligned.labels)
    if not rows:
        return []
    samples = [aligned[row] for row in rows]
    images = [sample.image for sample in samples]
    candidates = _distinct(_candidates(images, network.input_shape[0], written))
    trials = []
    for done, candidate in enumerate(candidates):
        tell("trying preprocessings", done / len(candidates))
        scores = open_network(candidate.on(settings), dataset).predict(images)
        right = sum(int(guess) == sample.label for guess, sample in zip(scores.argmax(1), samples, strict=True))
        trials.append(Trial(candidate, right, len(rows)))
    return sorted(trials, key=lambda trial: -trial.right)


def _spread(labels: NDArray[np.int64]) -> list[int]:
    """At most ROWS labelled rows, evenly spread."""
    import numpy as np

    labelled = np.flatnonzero(np.asarray(labels) >= 0)
    if len(labelled) > ROWS:
        labelled = labelled[np.linspace(0, len(labelled) - 1, ROWS).astype(int)]
    return [int(row) for row in labelled]


def _distinct(candidates: Iterable[Preprocessing]) -> list[Preprocessing]:
    return list({(each.mean, each.std): each for each in reversed(list(candidates))}.values())[::-1]


def _candidates(
    images: list[NDArray[np.uint8]], channels: int, written: Sequence[Normalisation]
) -> Iterator[Preprocessing]:
    """The usual ones, the plainest first."""
    yield Preprocessing("x/255", (0.0,), (1.0,))
    for each in written:
        if len(each.mean) in (1, channels):
            yield Preprocessing(f"as {each.where} has it", each.mean, each.std)
    yield Preprocessing("x/255 to -1..1", (0.5,), (0.5,))
    if channels == 3:
        yield Preprocessing("ImageNet", IMAGENET_MEAN, IMAGENET_STD)
    else:
        mean, std = (round(sum(numbers) / 3, 4) for numbers in (IMAGENET_MEAN, IMAGENET_STD))
        yield Preprocessing("ImageNet, gray", (mean,), (std,))
    mean, std = _statistics(images)
    if std > 0:
        yield Preprocessing("the data's own mean and deviation", (mean,), (std,))
    yield Preprocessing("raw, 0 to 255", (0.0,), (1 / 255,))


def _statistics(images: list[NDArray[np.uint8]]) -> tuple[float, float]:
    """Mean and standard deviation of all values / 255."""
    import numpy as np

    total = sum(image.size for image in images)
    mean = sum(float(image.sum(dtype=np.float64)) for image in images) / total
    square = sum(float(np.square(image, dtype=np.float64).sum()) for image in images) / total
    return round(mean / 255, 4), round(max(square - mean * mean, 0.0) ** 0.5 / 255, 4)
