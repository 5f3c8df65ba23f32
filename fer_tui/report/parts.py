"""The parts of a report's work that take long: each is made by itself, its result waits in the store."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from fer_tui.contract import Explanation, Place
from fer_tui.engine.keys import judged_key
from fer_tui.engine.scores import CHUNK
from fer_tui.engine.tasks import together

if TYPE_CHECKING:
    from fer_tui.engine import Engine


@dataclass(frozen=True, slots=True)
class Part:
    """scores: those of a chunk of rows, the first of which is `rows`. maps: heat maps of `rows` for `targets`, made
    together. judged: the one of a single row, with its trust. layer: of explainers that hang on one.
    """

    kind: Literal["scores", "maps", "judged"]
    rows: tuple[int, ...]
    checkpoint: int | None = None
    method: str = ""
    targets: tuple[int, ...] = ()
    parameters: tuple[tuple[str, Any], ...] = ()
    layer: str | None = None

    @classmethod
    def of_scores(cls, rows: int, checkpoint: int | None) -> Iterator[Self]:
        """The chunks of a dataset with so many rows."""
        for start in range(0, rows, CHUNK):
            yield cls("scores", (start,), checkpoint)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        given["parameters"] = tuple((name, value) for name, value in given["parameters"])
        return cls(**given)

    def explained(self, engine: Engine) -> Generator[tuple[float, Explanation], None, None]:
        """(share that is done, explanation): of maps each one is final, in order; of a judged one the last."""
        if self.kind == "judged":
            ((place,), parameters) = self._places(), dict(self.parameters)
            for result in engine.judge(engine.task(self.method, place, parameters), ends=True):
                yield result.progress or 0.0, result.explanation
        else:
            made = engine.explain_many(self.method, self._places(), dict(self.parameters), whole=True)
            for number, result in enumerate(made, 1):
                yield number / len(self.rows), result.explanation

    def steps(self, engine: Engine) -> Iterator[None]:
        """Make it, for the store: a step with whatever comes of it."""
        made: Iterator[object] = self.explained(engine)
        if self.kind == "scores":
            made = engine.scores_of(self.checkpoint).chunk(self.rows[0])
        for _ in made:
            yield

    def is_done(self, engine: Engine) -> bool:
        """Whether the store has it."""
        if engine.store is None:
            return False
        keys = self._keys(engine)
        return engine.store.has(keys) == set(keys)

    def _keys(self, engine: Engine) -> Sequence[str]:
        if self.kind == "scores":
            return [engine.scores_of(self.checkpoint).key(self.rows[0])]
        tasks = [engine.task(self.method, place, dict(self.parameters)) for place in self._places()]
        if self.kind == "judged":
            return [judged_key(task.key(), ends=True) for task in tasks]
        return [task.key() for task in together(tasks)]

    def _places(self) -> list[Place]:
        return [
            Place(row, target, self.layer, checkpoint=self.checkpoint)
            for row, target in zip(self.rows, self.targets, strict=True)
        ]
