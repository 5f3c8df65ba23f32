"""Where an explanation is taken: five axes and a place on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Axis(StrEnum):
    """A direction in which the user moves."""

    IMAGE = "image"
    TARGET = "target"
    LAYER = "layer"
    FILTER = "filter"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the axes; None where an axis is not used or not chosen yet.

    `image` is a row of the dataset, `target` a class index, `layer` a module's name, `filter` a channel
    of that layer's output, `checkpoint` the number of the weights among those that were opened.
    """

    image: int | None = None
    target: int | None = None
    layer: str | None = None
    filter: int | None = None
    checkpoint: int | None = None

    def on(self, axes: Iterable[Axis]) -> Place:
        """This place projected on `axes`: the others become None."""
        kept = {axis.value for axis in axes}
        return Place(**{f.name: getattr(self, f.name) for f in fields(self) if f.name in kept})

    def to_dict(self) -> dict[str, Any]:
        """The chosen axes only, as plain data."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Place:
        return cls(**{f.name: data.get(f.name) for f in fields(cls)})
