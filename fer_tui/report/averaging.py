"""Maps of hundreds of images, made chunk by chunk, measured, averaged and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.engine.means import Mean, levelled
from fer_tui.regions import Regions

from .material import METHODS, Material, Pair
from .means import Likeness
from .measuring import Measured, weights_of
from .planning import Plan, Planner
from .taking import Step, claimed, heatmaps

if TYPE_CHECKING:
    from fer_tui.engine import Engine

    from .crew import Crew

_PAIR_IMAGES = 60  # of a pair of classes


def averaged(engine: Engine, crew: Crew, plan: Plan, regions: Regions | None, found: Material) -> Iterator[Step]:
    """Fill in means, focus, shares and likeness. Explained is what is predicted."""
    known = found.known
    measured = {name: Measured(name, known, regions, engine) for name in METHODS}
    likeness = found.likeness.setdefault(("saliency", "cam"), Likeness())
    for number, pair in enumerate(plan.many, 1):
        yield from claimed(crew, pair, "saliency and CAM of many images", (number - 1) / len(plan.many))
        for row, saliency, cam in zip(pair[0].rows, *(heatmaps(engine, part) for part in pair), strict=True):
            measured["saliency"].add(row, saliency)
            measured["cam"].add(row, cam)
            likeness.add(int(known.listed[row]), saliency, cam)
        yield "saliency and CAM of many images", number / len(plan.many)
    limes = enumerate(plan.limes)
    for pair in plan.compared:
        yield from claimed(crew, pair, "LIME of many images", 0.0)
        for row, saliency, cam in zip(pair[0].rows, *(heatmaps(engine, part) for part in pair), strict=True):
            number, part = next(limes)
            yield from claimed(crew, [part], "LIME of many images", number / len(plan.limes))
            (lime,) = heatmaps(engine, part)
            measured["lime"].add(row, lime)
            for name, other in (("saliency", saliency), ("cam", cam)):
                found.likeness.setdefault((name, "lime"), Likeness()).add(int(known.listed[row]), other, lime)
    for each in measured.values():
        each.give(found)


def contrasted(
    engine: Engine, planner: Planner, regions: Regions | None, found: Material, pairs: Sequence[tuple[int, int]]
) -> Iterator[Step]:
    """Fill in the worst pairs: CAM for what was predicted minus CAM for the true class, over images of each pair."""
    known = found.known
    for number, (true, predicted) in enumerate(pairs):
        rows = np.flatnonzero((known.listed == true) & (known.predicted == predicted))
        some = np.random.default_rng([found.seed, true, predicted]).permutation(rows)[:_PAIR_IMAGES].tolist()
        mean, shares = None, []
        for chunk in planner.chunks(some):
            maps = [heatmaps(engine, planner.maps("cam", chunk, [each] * len(chunk))) for each in (predicted, true)]
            for row, speaks_for, speaks_against in zip(chunk, *maps, strict=True):
                scaled = levelled(speaks_for.values - speaks_against.values)
                if scaled is None:
                    continue
                image = speaks_for.image.astype(np.float64)
                if mean is None:
                    mean = Mean(scaled, image)
                else:
                    mean.add(scaled, image)
                if regions is not None:
                    weights = weights_of(engine, regions, row, speaks_for)
                    shares.append(np.tensordot(weights, scaled, 2) / np.abs(scaled).sum())
            yield "what moved the mistakes", (number + (some.index(chunk[-1]) + 1) / len(some)) / len(pairs)
        found.pairs.append(
            Pair(
                true,
                predicted,
                len(rows),
                len(rows) / max(1, int((known.listed == true).sum())),
                mean,
                regions.names if regions is not None else (),
                np.array(shares) if shares else None,
            )
        )
