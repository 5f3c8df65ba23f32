"""Galleries of an ascent: for the filters of a layer, or for class scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from fer_tui.contract import Axis, Classifier, Gallery, InputError, Place, Result, Subject

from . import filter_tables
from .ascent_canvas import Canvas
from .ascent_climb import Ascent, Climb
from .ascent_sources import Source, class_source, filter_source
from .filter_outputs import amount
from .pacing import Pace
from .truncated import batch_size, faster, layer_of

_EVEN = 0.8  # the share of black, or of white, above which a picture shows no pattern
_LOOK = 24 << 20  # bytes of pictures that are shown while they climb: of larger ones only some rows and columns
_MORE = 64 << 20  # bytes of pictures that are handed over a second time, filter by filter


@dataclass(frozen=True, eq=False, kw_only=True)
class _Route:
    """What is climbed: `units` (filters or classes) called `names`; a faster network; what is to be said of it."""

    kind: str  # "filter" or "class"
    units: tuple[int, ...]
    names: dict[int, str]
    canvas: Canvas
    source: AbstractContextManager[Source]
    batch: int
    how: Climb
    meta: dict[str, str]
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Of all pictures."""
        return len(self.units) * self.how.variants * self.canvas.bytes


def climb_filters(subjects: Sequence[Subject], how: Climb, precision: str, *, alone: bool) -> Iterator[Result]:
    """A gallery for each subject, all of one classifier and layer: its filter, or all of them where it names none.

    alone: one subject, shown while it climbs; where that is a whole layer its filters one by one come before it.
    """
    classifier, first = subjects[0].classifier, subjects[0].place
    layers = [layer_of(classifier, subject.place.layer, subject.place.filter) for subject in subjects]
    layer = layers[0]
    every = tuple(range(layer.filters))
    units = {subject.place: every if (f := subject.place.filter) is None else (f,) for subject in subjects}
    canvas = Canvas(classifier, how.space, how.bounds)
    fast, words, notes = faster(classifier, precision, layer.name)
    features = how.diversity > 0 and how.variants > 1
    route = _Route(
        kind="filter",
        units=tuple(sorted({unit for wanted in units.values() for unit in wanted})),
        names={unit: f"filter {unit}" for unit in every},
        canvas=canvas,
        source=filter_source(classifier, fast, layer.name, features=features),
        batch=batch_size(fast),
        how=how,
        meta={"layer": layer.name, "network": words},
        notes=(*default_layer(first, layer.name), *notes),
    )
    singles = alone and first.filter is None and route.bytes <= _MORE
    extra = [(replace(first, filter=unit), (unit,)) for unit in every] if singles else []
    yield from _climb(route, [*extra, *units.items()], alone)


def climb_classes(subjects: Sequence[Subject], how: Climb, precision: str, *, alone: bool) -> Iterator[Result]:
    """A gallery for each subject, all of one classifier: what its target's score makes of noise."""
    classifier = subjects[0].classifier
    units = {subject.place: (_target(subject),) for subject in subjects}
    canvas = Canvas(classifier, how.space, how.bounds)
    features = how.diversity > 0 and how.variants > 1
    layer = layer_of(classifier, None).name if features else None
    fast, words, notes = faster(classifier, precision, layer)
    probable = _probabilities(classifier, canvas)
    if probable:
        notes += ("the network ends in a softmax: the logarithm of the probability is climbed, and told",)
    route = _Route(
        kind="class",
        units=tuple(sorted({unit for wanted in units.values() for unit in wanted})),
        names=dict(enumerate(classifier.classes)),
        canvas=canvas,
        source=class_source(fast, layer, logarithm=probable),
        batch=batch_size(fast),
        how=how,
        meta={"score": "log probability" if probable else "raw score", "network": words},
        notes=notes,
    )
    yield from _climb(route, list(units.items()), alone)


def default_layer(place: Place, layer: str) -> tuple[str, ...]:
    """A note where nobody chose the layer."""
    return () if place.layer is not None else (f"no layer is named: this is {layer}, the last convolution",)


# ---- the climb -------------------------------------------------------------------------------------------------------


def _climb(route: _Route, wanted: Sequence[tuple[Place, tuple[int, ...]]], alone: bool) -> Iterator[Result]:
    place, units = wanted[-1]
    pace = Pace()
    with route.source as source:
        ascent = Ascent(route.canvas, source, route.units, route.how, route.batch)
        every = math.isqrt(max(0, route.bytes - 1) // _LOOK) + 1
        for done in ascent.run():
            if alone and done < 1 and pace.due:
                with pace.showing():
                    gallery = _gallery(route, ascent, ascent.shown(every), units, final=False)
                    yield Result(place, gallery, final=False, progress=done)
    images = ascent.shown()
    for place, units in wanted:
        yield Result(place, _gallery(route, ascent, images, units, final=True), progress=1.0)


def _gallery(
    route: _Route, ascent: Ascent, images: NDArray[np.float32], units: tuple[int, ...], *, final: bool
) -> Gallery:
    """The pictures of these units out of all `images`, as they are."""
    variants = route.how.variants
    position = {unit: n * variants for n, unit in enumerate(route.units)}
    rows = np.array([position[unit] + variant for unit in units for variant in range(variants)])
    start, now = ascent.start[rows], ascent.now[rows]
    dead = ascent.dead[rows] if final and route.how.steps else np.zeros(len(rows), np.bool_)
    captions = []
    for n, unit in enumerate(unit for unit in units for _ in range(variants)):
        name = route.names[unit] + (f" #{n % variants + 1}" if variants > 1 else "")
        told = "dead" if dead[n] else f"{amount(float(start[n]))} -> {amount(float(now[n]))}"
        captions.append(f"{name} {told}" if np.isfinite(start[n]) else name)
    axis, plural = (Axis.TARGET, "classes") if route.kind == "class" else (Axis.FILTER, "filters")
    listed = [unit for unit in units for _ in range(variants)]
    images = images[rows]
    return Gallery(
        images=images,
        captions=tuple(captions),
        scores=now,
        marked=tuple(np.flatnonzero(dead).tolist()),
        extras={"start": start, "final": now, "gain": now - start, plural: np.repeat(np.array(units), variants)},
        meta=route.meta,
        tables={plural: filter_tables.climbed(axis, listed, start, now, dead)} if final else {},
        notes=(*route.notes, *(_notes(route, images, dead, start, now) if final else ())),
    )


def _notes(
    route: _Route,
    images: NDArray[np.float32],
    dead: NDArray[np.bool_],
    start: NDArray[np.float32],
    now: NDArray[np.float32],
) -> Iterator[str]:
    count, what = len(dead), "picture" if route.kind == "class" or route.how.variants > 1 else "filter"
    if not route.canvas.affine:
        yield "the preprocessing is no linear map of colours: the pictures are the network's own inputs, stretched"
    if route.how.bounds == "free":
        yield "pixels are unbounded: the activations are of pictures that go beyond black and white, shown with less"
    broken = int((~np.isfinite(now)).sum())
    if broken:
        yield f"{broken} of {count} activations are not finite: look at the weights, or climb with a lower rate"
    if not route.how.steps:
        yield "no steps were made: these are the starts"
    elif dead.all():
        yield "no picture moved its activation: the network lets no gradient through, or all is dead from this start"
    elif dead.any():
        yield f"{int(dead.sum())} of {count} {what}s are dead (framed): no step changed the activation from this start"
    even = int((_evenness(images) > _EVEN).sum())
    if even and route.kind == "filter" and route.how.objective != "centre":
        yield f"{even} of {count} pictures are plain black or white: objective=centre or a later layer may show more"
    worse = int((now < start).sum())
    if worse and route.how.steps:
        yield f"{worse} of {count} activations fell: the penalties, the blur or the rate are too strong for them"
    if route.how.diversity and route.how.variants < 2:
        yield "diversity tells variants apart, and there is only one: set variants"


def _evenness(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of the pixels that are black, or white, whichever are more."""
    flat = images.reshape(len(images), -1)
    shares: NDArray[np.float64] = np.maximum((flat < 0.02).mean(1), (flat > 0.98).mean(1))
    return shares


def _probabilities(classifier: Classifier, canvas: Canvas) -> bool:
    """Whether the network ends in a softmax: its scores of noise are probabilities already."""
    with torch.no_grad():
        scores = classifier.scores(canvas.inputs(canvas.noise(0, [(0, n) for n in range(4)], 0.5))).float()
    if scores.shape[1] < 2 or bool((scores < 0).any()):
        return False
    return bool(((scores.sum(1) - 1).abs() < 1e-3).all())


def _target(subject: Subject) -> int:
    if subject.place.target is None:
        raise InputError("target", "a class is climbed, and none is given", "name one")
    return subject.place.target
