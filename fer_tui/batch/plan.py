"""The product over axes, chunk by chunk: any chunk is reckoned from its number, so that nothing is a list of places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Axis, InputError, Place
from fer_tui.engine.keys import key_by_image

from .asked import ALL, Asked
from .chunks import Chunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier
    from fer_tui.contract import Description
    from fer_tui.engine import Engine

    Rows = NDArray[np.int64]

Spot = tuple[str | None, int | None]  # layer, filter
_FLAGS = {
    Axis.IMAGE: ("where", "--where"),
    Axis.TARGET: ("targets", "--targets"),
    Axis.LAYER: ("layers", "--layers"),
    Axis.FILTER: ("filters", "--filters"),
    Axis.CHECKPOINT: ("checkpoints", "--checkpoints"),
}


class Plan:
    """All places that are asked for, checkpoint by checkpoint, layer by layer, then image by image with its targets.

    rows: those of the dataset that are meant. predicted: the predicted class of every row of the dataset under a
    checkpoint, int (N,), -1 where it is not known. each: targets of an image. InputError: what is asked for
    makes no sense here.
    """

    def __init__(
        self,
        asked: Asked,
        description: Description,
        engine: Engine,
        rows: Rows,
        predicted: Callable[[int], NDArray[np.int32]],
    ) -> None:
        assert engine.dataset is not None
        self.asked, self._description, self._predicted = asked, description, predicted
        self._dataset, self._classifier = engine.dataset, engine.classifier
        self._axes = axes_of(asked, description)
        self.checkpoints = checkpoints_of(asked, engine.classifier)
        self._spots = list(_spots(asked, self._axes, engine.classifier, self.checkpoints))
        self._rows: Rows | None = rows if Axis.IMAGE in self._axes else None
        self.unlabelled = 0
        if self._rows is not None and self._targets == "true":
            labelled = self._rows[self._dataset.labels[self._rows] >= 0]
            self.unlabelled, self._rows = len(self._rows) - len(labelled), labelled
            if not len(labelled):
                raise InputError("--targets true", "none of these images has a label")
        self.each = len(self._classifier.classes) if self._targets == ALL else 1
        self._images = len(self._rows) if self._rows is not None else 1

    @property
    def method(self) -> str:
        return self._description.name

    @property
    def images(self) -> Sequence[int]:
        """The rows that are meant; none of an explainer without images."""
        return self._rows.tolist() if self._rows is not None else []

    @property
    def about(self) -> dict[str, object]:
        """What the time for one place hangs on."""
        described = self._description
        network = self._classifier.digests[self.checkpoints[0]]
        return {
            "method": [described.distribution, described.name, described.version],
            "parameters": dict(sorted(self.asked.parameters.items())),
            "network": network,
            "each": self.each,
            "half": self.asked.half,
        }

    @property
    def _targets(self) -> str | int | None:
        """None where the explainer does not use the target."""
        return targets_of(self.asked, self._axes)

    @property
    def total(self) -> int:
        """Places in all."""
        return len(self.checkpoints) * len(self._spots) * self._images * self.each

    @property
    def names(self) -> str:
        """How many of what, in words."""
        parts = [f"{len(self._rows):,} images"] if self._rows is not None else []
        parts += [f"{self.each} classes"] if self.each > 1 else []
        parts += [f"{len(self._spots)} layers or filters"] if len(self._spots) > 1 else []
        parts += [f"{len(self.checkpoints)} checkpoints"] if len(self.checkpoints) > 1 else []
        return " x ".join(parts) or "1 place"

    def count(self, size: int) -> int:
        """Chunks of at most `size` images, each with all its targets."""
        return len(self.checkpoints) * len(self._spots) * -(-self._images // size)

    def chunk(self, number: int, size: int) -> Chunk:
        """The chunk of that number, of `count(size)`."""
        lane, part = divmod(number, -(-self._images // size))
        which, spot = divmod(lane, len(self._spots))
        checkpoint, (layer, channel) = self.checkpoints[which], self._spots[spot]
        images = np.arange(part * size, min((part + 1) * size, self._images)).repeat(self.each)
        numbers = self._rows[images] if self._rows is not None else images
        rows = numbers.tolist() if self._rows is not None else [None] * len(images)
        targets = self._targets_of(numbers, checkpoint)
        return Chunk(
            number,
            "maps",
            tuple(rows),
            checkpoint,
            self.method,
            self.asked.parameters,
            layer,
            channel,
            tuple(targets),
            self.asked.half,
        )

    def keys(self, chunk: Chunk) -> list[str | None]:
        """The store's key for each place of a chunk; None where the target or the image's digest is not known."""
        values, description, dataset = self.asked.parameters, self._description, self._dataset
        network = self._classifier.digests[chunk.checkpoint or 0]
        data = dataset.key if description.needs_dataset_for(values) else None
        has_target = Axis.TARGET in self._axes

        @cache
        def key(target: int | None, label: int) -> Callable[[str | None], str]:
            place = Place(None, target, chunk.layer, chunk.filter)
            return key_by_image(description, values, place, classifier_digest=network, dataset_key=data, label=label)

        rows = [row for row in chunk.rows if row is not None]
        if not rows:
            return [key(target, -1)(None) for target in chunk.targets]
        labels = dataset.labels[rows].tolist() if data is not None else [-1] * len(rows)
        known = dataset.known_digests(rows)
        return [
            key(target, label)(digest) if digest is not None and (target is not None or not has_target) else None
            for target, label, digest in zip(chunk.targets, labels, known, strict=True)
        ]

    def _targets_of(self, rows: Rows, checkpoint: int) -> Sequence[int | None]:
        """The target of each of these rows, which come as often as each has targets."""
        found: Rows | NDArray[np.int32]
        match self._targets:
            case None:
                return [None] * len(rows)
            case "all":
                found = np.arange(len(rows)) % self.each
            case "true":
                found = self._dataset.labels[rows]
            case "predicted":
                found = self._predicted(checkpoint)[rows]
            case number:
                return [int(number)] * len(rows)
        return [target if target >= 0 else None for target in found.tolist()]


def axes_of(asked: Asked, description: Description) -> frozenset[Axis]:
    """Those of the explainer under these parameters. InputError: more is asked for than they have."""
    axes = description.axes_for(asked.parameters)
    for axis, (name, flag) in _FLAGS.items():
        given = getattr(asked, name)
        if axis not in axes and given not in (None, ""):
            fault = f"{description.name} does not depend on the {axis} under these parameters"
            raise InputError(f"{flag} {_told(given)}", fault, f"leave {flag} out")
    if asked.filters is not None and asked.layers is None:
        raise InputError(f"--filters {_told(asked.filters)}", "of which layers?", "name them with --layers")
    return axes


def targets_of(asked: Asked, axes: frozenset[Axis]) -> str | int | None:
    """What is asked for on the target axis, the predicted class where nothing is; None where it is not used.

    InputError: of an explainer without images, for which nothing is predicted.
    """
    if Axis.TARGET not in axes:
        return None
    if Axis.IMAGE in axes:
        return "predicted" if asked.targets is None else asked.targets
    if asked.targets in ("predicted", "true"):
        raise InputError(f"--targets {asked.targets}", f"{asked.method} explains no image", "all, or a class")
    return ALL if asked.targets is None else asked.targets


def checkpoints_of(asked: Asked, classifier: TorchClassifier) -> tuple[int, ...]:
    """Numbers of those that are asked for; InputError where there is no such one."""
    if asked.checkpoints is None:
        return (classifier.default,)
    count = len(classifier.checkpoints)
    if isinstance(asked.checkpoints, str):
        return tuple(range(count))
    for number in asked.checkpoints:
        if not 0 <= number < count:
            raise InputError(f"--checkpoints {number}", "there is no such checkpoint", f"there are 0 to {count - 1}")
    return asked.checkpoints


def _spots(
    asked: Asked, axes: frozenset[Axis], classifier: TorchClassifier, checkpoints: Sequence[int]
) -> Iterator[Spot]:
    """Layers, each with its filters, where those are asked for."""
    if Axis.LAYER not in axes or asked.layers is None:
        yield None, None
        return
    network = classifier.at(checkpoints[0])
    names = [each.name for each in network.layers if each.filters] if asked.layers == ALL else asked.layers
    for name in names:
        layer = network.layer(name)
        filters: Sequence[int | None] = [None]
        if asked.filters is not None:
            filters = range(layer.filters) if isinstance(asked.filters, str) else asked.filters
        for channel in filters:
            if channel is not None and not 0 <= channel < layer.filters:
                fault = f"layer {name} has {layer.filters} filters, counted from 0"
                raise InputError(f"--filters {channel}", fault)
            yield name, channel


def _told(given: object) -> str:
    return ",".join(map(str, given)) if isinstance(given, tuple) else str(given)
