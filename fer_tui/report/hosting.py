"""Has guests explain: the images that are shown, and those that the means of the report's own methods are made of.

Whatever a guest does wrong is told in its section; the report goes on without it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Axis, FerTuiError, Place
from fer_tui.naming import file_name
from fer_tui.regions import Regions

from .material import Hosted, Material
from .means import Likeness
from .measuring import Measured
from .parts import Part
from .planning import Plan, Planner
from .taking import Step, claimed, heatmaps, last_map, last_of

if TYPE_CHECKING:
    from fer_tui.engine import Engine

    from .crew import Crew

_SHOWN = 0.4  # of a guest's time


@dataclass(frozen=True, slots=True)
class _Group:
    """Parts of a guest, and those of other methods that have the same rows, by method."""

    rows: tuple[int, ...]
    parts: tuple[Part, ...]
    others: dict[str, tuple[Part, ...]]


def hosted(
    engine: Engine, crew: Crew, planner: Planner, plan: Plan, regions: Regions | None, found: Material
) -> Iterator[Step]:
    """Fill in what the guests make, one after another, and how far it agrees with what the others made before."""
    known: dict[str, list[tuple[Part, ...]]] = {}  # of the guests that have explained many images, group by group
    for guest in planner.asked.guests:
        host = Hosted(guest, _stem(guest.method, [each.stem for each in found.guests]))
        found.guests.append(host)
        try:
            yield from _Visit(engine, crew, planner, found, host).made(plan, regions, known)
        except FerTuiError as error:
            host.fault = str(error)


def step_of(key: str) -> str:
    """What is being done while that guest explains."""
    return f"with {key}"


def _stem(method: str, taken: Sequence[str]) -> str:
    name = f"with_{file_name(method)}"
    numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    return next(each for each in numbered if each not in taken)


class _Visit:
    """One guest at work."""

    def __init__(self, engine: Engine, crew: Crew, planner: Planner, found: Material, host: Hosted) -> None:
        self._engine, self._crew, self._planner, self._found, self._host = engine, crew, planner, found, host
        self._method, self._what = host.guest.method, step_of(host.key)
        self._parameters: dict[str, Any] = {"seed": planner.asked.seed, **dict(host.guest.parameters)}

    def made(self, plan: Plan, regions: Regions | None, known: dict[str, list[tuple[Part, ...]]]) -> Iterator[Step]:
        yield self._what, 0.0
        description = self._host.description = self._engine.described(self._method)
        first, asked, found = self._found.shown[0], self._planner.asked, self._found
        layer = asked.layer if description.kind == "heatmap" or found.filters is None else found.filters.layer
        places = {each.number: Place(each.row, each.target, layer, None, asked.checkpoint) for each in found.shown}
        task = self._engine.task(self._method, places[first.number], self._parameters)
        axes = description.axes_for(task.values)
        if description.kind == "heatmap" and Axis.IMAGE in axes:
            is_labelled = bool((found.known.labels[[each.row for each in found.shown]] >= 0).all())
            yield from self._maps(plan, regions, known, can_be_judged=Axis.TARGET in axes or is_labelled)
        else:
            yield from self._pictures(places)

    def _pictures(self, places: dict[int, Place]) -> Iterator[Step]:
        """One explanation for each image that makes a difference."""
        seen: set[Place] = set()
        for number, place in places.items():
            task = self._engine.task(self._method, place, self._parameters)
            if task.place not in seen:
                seen.add(task.place)
                steps = last_of(self._engine, self._method, task.place, self._parameters, self._what)
                self._host.made[number] = yield from steps

    def _maps(
        self, plan: Plan, regions: Regions | None, known: dict[str, list[tuple[Part, ...]]], *, can_be_judged: bool
    ) -> Iterator[Step]:
        found, host = self._found, self._host
        kind = "judged" if can_be_judged else "maps"
        shown = [self._part(kind, [each.row], [each.target]) for each in found.shown]
        groups = self._groups(plan, known)
        for number, (each, part) in enumerate(zip(found.shown, shown, strict=True)):
            span = (_SHOWN * number / len(shown), _SHOWN * (number + 1) / len(shown))
            made = yield from last_map(self._engine, self._crew, part, self._what, span)
            host.made[each.number] = found.maps[each.number, host.key] = made
            if number == 0:  # it works, so others may help
                self._crew.offer(self._engine, [*shown[1:], *(part for group in groups for part in group.parts)])
        measured = Measured(host.key, found.known, regions, self._engine)
        likeness: dict[str, Likeness] = {}
        for number, group in enumerate(groups):
            yield from self._measure(group, measured, likeness, number / len(groups))
        measured.give(found)
        found.likeness |= {(other, host.key): each for other, each in likeness.items()}
        known[host.key] = [group.parts for group in groups]

    def _measure(self, group: _Group, measured: Measured, likeness: dict[str, Likeness], done: float) -> Iterator[Step]:
        maps = []
        for part in group.parts:
            yield from claimed(self._crew, [part], self._what, _SHOWN + (1 - _SHOWN) * done)
            maps += heatmaps(self._engine, part)
        for row, made in zip(group.rows, maps, strict=True):
            measured.add(row, made)
        for other, parts in group.others.items():
            theirs = [each for part in parts for each in heatmaps(self._engine, part)]
            for row, one, two in zip(group.rows, theirs, maps, strict=True):
                likeness.setdefault(other, Likeness()).add(int(self._found.known.listed[row]), one, two)

    def _groups(self, plan: Plan, known: dict[str, list[tuple[Part, ...]]]) -> list[_Group]:
        """The rows of saliency's and CAM's means where a map is cheap, else those of LIME's, one at a time."""
        assert self._host.description is not None
        groups = []
        if self._host.description.cost == "cheap":
            for saliency, cam in plan.many:
                part = self._part("maps", saliency.rows, saliency.targets)
                groups.append(_Group(saliency.rows, (part,), {"saliency": (saliency,), "cam": (cam,)}))
        else:
            limes = iter(plan.limes)
            for saliency, cam in plan.compared:
                rows, targets = saliency.rows, saliency.targets
                parts = tuple(self._part("maps", [row], [of]) for row, of in zip(rows, targets, strict=True))
                others = {"saliency": (saliency,), "cam": (cam,), "lime": tuple(itertools.islice(limes, len(rows)))}
                groups.append(_Group(rows, parts, others))
        for key, theirs in known.items():
            if [sum((part.rows for part in parts), ()) for parts in theirs] == [group.rows for group in groups]:
                for group, parts in zip(groups, theirs, strict=True):
                    group.others[key] = parts
        return groups

    def _part(self, kind: Any, rows: Sequence[int], targets: Sequence[int]) -> Part:
        asked, parameters = self._planner.asked, tuple(self._parameters.items())
        return Part(kind, tuple(rows), asked.checkpoint, self._method, tuple(targets), parameters, asked.layer)
