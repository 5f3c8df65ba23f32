"""Which maps a report takes, part by part, before any of them is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .asked import Asked
from .choosing import Predictions, drawn
from .material import METHODS, Material
from .parts import Part

_CHUNK, _CHUNK_VALUES = 64, 64 * 48 * 48 * 3  # images at a time: of small ones as many as get a faster network
_WRONG = 0.3  # of a class's LIME maps so many are of mistakes, if there are as many


@dataclass(frozen=True, slots=True)
class Plan:
    """judged: of each shown image, method by method. many: saliency and CAM of the same rows, those that are averaged.
    compared: the same of the rows whose LIME is averaged; limes: that, row by row.
    """

    judged: tuple[Part, ...]
    many: tuple[tuple[Part, Part], ...]
    compared: tuple[tuple[Part, Part], ...]
    limes: tuple[Part, ...]

    @property
    def parts(self) -> Iterator[Part]:
        """All of them, in the order in which the report comes to them."""
        yield from self.judged
        for pair in (*self.many, *self.compared):
            yield from pair
        yield from self.limes

    @classmethod
    def of(cls, planner: Planner, found: Material) -> Plan:
        known, asked, count = found.known, planner.asked, len(found.classes)
        each = asked.maps_each(count, planner.values)
        rows = [row for index in range(count) for row in drawn(known, index, each, asked.seed)]
        few = [row for index in range(count) for row in _few(known, index, asked.limes_each(count), asked.seed)]
        return cls(
            tuple(planner.judged(method, one.row, one.target) for method in METHODS for one in found.shown),
            tuple(planner.both(rows, known)),
            tuple(planner.both(few, known)),
            tuple(planner.maps("lime", [row], [int(known.predicted[row])]) for row in few),
        )


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes parts. cam: the variant that stands for CAM; values: numbers of the network's input."""

    asked: Asked
    cam: str
    values: int

    def judged(self, method: str, row: int, target: int) -> Part:
        parameters = self._parameters(method, self.asked.samples_shown(self.values))
        return Part("judged", (row,), self.asked.checkpoint, method, (target,), parameters)

    def maps(self, method: str, rows: Sequence[int], targets: Sequence[int]) -> Part:
        """Maps that are made together."""
        parameters = self._parameters(method, self.asked.samples_averaged(self.values))
        return Part("maps", tuple(rows), self.asked.checkpoint, method, tuple(targets), parameters)

    def both(self, rows: Sequence[int], known: Predictions) -> Iterator[tuple[Part, Part]]:
        """Saliency and CAM of what is predicted, as many rows at a time as `chunks` says."""
        for chunk in self.chunks(rows):
            targets = known.predicted[chunk].tolist()
            yield self.maps("saliency", chunk, targets), self.maps("cam", chunk, targets)

    def chunks(self, rows: Sequence[int]) -> Iterator[list[int]]:
        """Rows that are explained at a time: never sized by the clock, so that all rounds alike."""
        size = max(4, min(_CHUNK, _CHUNK_VALUES // self.values))
        for start in range(0, len(rows), size):
            yield list(rows[start : start + size])

    def _parameters(self, method: str, samples: int) -> tuple[tuple[str, Any], ...]:
        own = {"cam": (("variant", self.cam),), "lime": (("samples", samples),)}
        return (("seed", self.asked.seed), *own.get(method, ()))


def _few(known: Predictions, index: int, count: int, seed: int) -> list[int]:
    """`count` rows of one class for LIME, three of ten of them predicted wrongly."""
    order = drawn(known, index, len(known.labels), seed)
    right = [row for row in order if known.right[row]]
    wrong = [row for row in order if not known.right[row]]
    mistakes = min(len(wrong), max(int(_WRONG * count), count - len(right)))
    return right[: count - mistakes] + wrong[:mistakes]
