"""Drawn faces, where everything in them is, and a network that reads them: the bundled samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.dataset import MappedDataset, open_dataset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Faces(NamedTuple):
    """masks: eyes, brows, nose, mouth, face, hand: bool (N, 48, 48), by the dataset's row."""

    classifier: TorchClassifier
    dataset: MappedDataset
    masks: dict[str, NDArray[np.bool_]]


def drawn_faces(count: int = 70) -> Faces:
    """The first `count` of 350 samples, the seven expressions in turn, and the network `fer-gap`, on the CPU."""
    from fer_tui_samples import load_masks

    dataset = open_dataset("builtin:samples", limit=count, cache="none")
    classifier = open_classifier("fer-gap", classes=dataset.classes, device="cpu").steady()
    return Faces(classifier, dataset, {name: masks[:count] for name, masks in load_masks().items()})
