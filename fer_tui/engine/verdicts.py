"""What the numbers of trust mean: verdicts in plain words, on one map or on several."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fer_tui.contract import Heatmap

    from .trust import Trust

_SAME_MAP = 0.9  # rank correlation from which on a map is the same
_UNSTABLE = 0.5  # rank correlation up to which a map is another one
_INCOMPLETE = 0.05  # share of the score's difference that a map may miss


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question to a map, whether the answer speaks for it, and the numbers in words."""

    question: str
    ok: bool
    told: str


def verdicts(found: Sequence[Trust]) -> Iterator[Verdict]:
    """The verdicts on one map, or on several of one method taken together; a question without numbers is left out."""
    deletion, insertion, at_random, in_random = np.mean([dataclasses.astuple(each.curves) for each in found], 0)
    told = f"deletion {deletion:.3f} (random order {at_random:.3f}), "
    told += f"insertion {insertion:.3f} (random order {in_random:.3f})"
    yield Verdict("pixels matter", bool(insertion - deletion > in_random - at_random), told)
    top, last = ([rho for each in found if (rho := each.randomised[at][1]) is not None] for at in (0, -1))
    if top and last:
        told = f"rank correlation {fmean(top):.2f} with the last layer random, {fmean(last):.2f} with all"
        yield Verdict("weights matter", fmean(last) < _SAME_MAP, told)
    if seeds := [each.stability for each in found if each.stability is not None]:
        least = "" if len(found) == 1 else " at least"
        told = f"rank correlation {min(seeds):.2f}{least} under another seed"
        yield Verdict("stable", min(seeds) > _UNSTABLE, told)
    if gaps := [each.completeness for each in found if each.completeness is not None]:
        most = "" if len(found) == 1 else " at most"
        told = f"the values miss {max(gaps):.1%}{most} of the score's difference to the baseline"
        yield Verdict("complete", max(gaps) <= _INCOMPLETE, told)


def judged(heatmap: Heatmap, found: Trust) -> Heatmap:
    """The map with what was found: meta["trust"] (numbers and verdicts), a note for each verdict.

    extras: "randomised" float64 (layers,), the rank correlation as ever more layers are random, NaN where constant.
    """
    made = list(verdicts([found]))
    ranks = [np.nan if rho is None else rho for _, rho in found.randomised]
    trust: Mapping[str, Any] = {**found.to_dict(), "verdicts": {each.question: each.ok for each in made}}
    return dataclasses.replace(
        heatmap,
        meta={**heatmap.meta, "trust": trust},
        extras={**heatmap.extras, "randomised": np.array(ranks)},
        notes=(
            *heatmap.notes,
            *(f"{each.question if each.ok else _DOUBTS[each.question]}: {each.told}" for each in made),
        ),
    )


_DOUBTS = {
    "pixels matter": "its strongest pixels matter no more than random ones",
    "weights matter": "it hardly hangs on what the network has learned",
    "stable": "another seed gives another map",
    "complete": "incomplete",
}
