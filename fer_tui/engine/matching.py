"""How dataset and network are brought together: class names for a network without, pictures of another size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

_FITTED = {"stretch": "stretched", "crop": "cropped and scaled", "pad": "scaled and padded"}


def named_by(classifier: TorchClassifier, dataset: MappedDataset) -> TorchClassifier:
    """`classifier`, under the dataset's class names where nobody told its own and their number fits.

    InputError where the names were told and a class of the data is not among them.
    """
    try:
        dataset.aligned(classifier.classes)
    except InputError:
        if not classifier.classes_assumed or len(dataset.classes) != len(classifier.classes):
            raise
        return classifier.named(dataset.classes)
    return classifier


def check_samples(networks: Sequence[TorchClassifier], samples: MappedDataset) -> None:
    """InputError where a network has other classes than the bundled samples, which are open as no data were named."""
    for each in networks:
        try:
            named_by(each, samples)
        except InputError:
            fault = f"{each.name} has {len(each.classes)} classes, and the bundled samples have others"
            raise InputError("no data are named", fault, "name its data: --data D") from None


def together(networks: Sequence[TorchClassifier], dataset: MappedDataset | None) -> TorchClassifier:
    """One classifier whose checkpoints are the weights of all `networks`, with the classes in the first one's order.

    InputError where they do not have the same classes; names are compared without case and punctuation.
    """
    first, *others = [named_by(each, dataset) if dataset is not None else each for each in networks]
    if not others:
        return first
    from fer_tui.classifier import Networks

    return Networks([first, *(_in_order_of(first, each) for each in others)])


def _in_order_of(first: TorchClassifier, other: TorchClassifier) -> TorchClassifier:
    """`other` with its classes in the order of the first network's; those of one without names count as the first's."""
    from fer_tui.dataset.classes import folded_name

    own, wanted = list(map(folded_name, other.classes)), list(map(folded_name, first.classes))
    if other.classes == first.classes:
        return other
    if other.classes_assumed and len(own) == len(wanted) and set(own) != set(wanted):
        return other.named(first.classes)
    faults = [
        f"{has} has no {', '.join(missing)}"
        for has, missing in (
            (other.name, [name for name, word in zip(first.classes, wanted, strict=True) if word not in own]),
            (first.name, [name for name, word in zip(other.classes, own, strict=True) if word not in wanted]),
        )
        if missing
    ]
    if faults or len(own) != len(wanted):
        fault = "; ".join(faults) or f"{len(wanted)} classes and {len(own)}"
        mend = "--classes after its --model names a network's outputs in their order"
        raise InputError(f"{first.name} and {other.name}", f"their classes do not agree: {fault}", mend)
    order = [own.index(word) for word in wanted]
    return other.ordered(order, first.classes) if order != list(range(len(own))) else other.named(first.classes)


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
