"""Takes what a report needs from the engine, step by step: parts that others may be at, and single explanations."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from fer_tui.contract import Explanation, Heatmap, Place, PluginError

from .parts import Part

if TYPE_CHECKING:
    from fer_tui.engine import Engine

    from .crew import Crew

Step = tuple[str, float]  # what is being done, and the share of it that is done


def claimed(crew: Crew, parts: Sequence[Part], what: str, share: float) -> Iterator[Step]:
    """Until these parts are this process's to make, or to find in the store."""
    for part in parts:
        yield what, share
        for _ in crew.claim(part):
            yield what, share


def heatmaps(engine: Engine, part: Part) -> list[Heatmap]:
    """The maps of a part; taken from the store where it is done."""
    made = [explanation for _, explanation in part.explained(engine)]
    maps = [each for each in made if isinstance(each, Heatmap)]
    assert len(maps) == len(made)
    return maps


def last_map(
    engine: Engine, crew: Crew, part: Part, what: str, span: tuple[float, float]
) -> Generator[Step, None, Heatmap]:
    """The one map of a part, with its trust where it is judged. span: the share that is done before and after."""
    before, after = span
    yield from claimed(crew, [part], what, before)
    last = None
    with closing(part.explained(engine)) as made:
        for share, last in made:  # noqa: B007  # the last one is the map
            yield what, before + share * (after - before)
    if not isinstance(last, Heatmap):
        raise PluginError(part.method, "made no heat map")
    return last


def last_of(
    engine: Engine, method: str, place: Place, parameters: Mapping[str, object], what: str
) -> Generator[Step, None, Explanation]:
    """The finished explanation of `place`, which comes last."""
    last = None
    with closing(engine.explain(method, place, parameters)) as results:
        for result in results:
            last = result.explanation
            yield what, result.progress or 0.0
    if last is None:
        raise PluginError(method, "ended without a result")
    return last
