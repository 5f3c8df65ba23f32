"""What travels between a batch and its workers: chunks of work, and their outcomes. Plain data, never an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from fer_tui.contract import Place, Value
from fer_tui.engine.store import Row


@dataclass(frozen=True, slots=True)
class Chunk:
    """Work that one worker does at once, under one checkpoint, layer and filter.

    scores: those of the block of rows that begins with `rows[0]`. digests: of the images of `rows`. maps: of `rows`,
    each for its target; a target of None is the predicted class. A row of None is no image's: of what explains none.
    half: values of heat maps are kept as float16.
    """

    index: int
    kind: Literal["scores", "digests", "maps"]
    rows: tuple[int | None, ...]
    checkpoint: int | None = None
    method: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    layer: str | None = None
    filter: int | None = None
    targets: tuple[int | None, ...] = ()
    half: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def places(self) -> list[Place]:
        """Those of its maps, in order."""
        pairs = zip(self.rows, self.targets, strict=True)
        return [Place(row, target, self.layer, self.filter, self.checkpoint) for row, target in pairs]

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "rows": tuple(data["rows"]), "targets": tuple(data["targets"])})


@dataclass(frozen=True, slots=True)
class Aside:
    """A place that could not be made, and why."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a chunk. rows: all that is to be kept of it. digests: of its rows' images, by row.

    made: places that were made; found: that were there. seconds: of work. died: what became of the worker, where it did
    not live through it; "" where it did.
    """

    chunk: Chunk
    rows: tuple[Row, ...] = ()
    digests: Mapping[int, str] = field(default_factory=dict)
    made: int = 0
    found: int = 0
    aside: tuple[Aside, ...] = ()
    seconds: float = 0.0
    died: str = ""
