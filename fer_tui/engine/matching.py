"""How dataset and network are brought together: class names for a network without, pictures of another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

_FITTED = {"stretch": "stretched", "crop": "cropped and scaled", "pad": "scaled and padded"}


def named_by(classifier: TorchClassifier, dataset: MappedDataset) -> TorchClassifier:
    """`classifier`, under the dataset's class names where nobody told its own and their number fits.

    InputError where the names were told and a class of the data is not among them.
    """
    from fer_tui.dataset import align

    seen = np.isin(np.arange(len(dataset.classes)), dataset.labels)
    try:
        align(dataset.classes, classifier.classes, seen.tolist())
    except InputError:
        if not classifier.classes_assumed or len(dataset.classes) != len(classifier.classes):
            raise
        return classifier.named(dataset.classes)
    return classifier


def fitting_notes(classifier: TorchClassifier, dataset: MappedDataset) -> tuple[str, ...]:
    """What is done to the dataset's pictures before the network sees them, where it changes them."""
    channels, height, width = classifier.input_shape
    shape, notes = dataset.uniform_shape, []
    if shape is None or shape[:2] != (height, width):
        which = "pictures are of several sizes: they" if shape is None else f"pictures of {shape[0]}×{shape[1]}"
        notes.append(f"{which} are {_FITTED[classifier.fit]} to {height}×{width} (--fit stretch, crop or pad)")
    if shape is not None and len(shape) == 3 and channels == 1:
        notes.append("colours are turned to gray: the network has one channel")
    if shape is not None and len(shape) == 2 and channels == 3:
        notes.append("gray pictures go into all three channels")
    return tuple(notes)
