"""Class names for a network that has none of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset


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
