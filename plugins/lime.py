"""LIME: which parts of the image the prediction hangs on, found by hiding them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Axis, Classifier, Explainer, Heatmap, Parameters, Place, Result, Subject, action, parameter

from .lime_regression import Fit
from .lime_sampling import Sampling
from .lime_segments import FEW, SEGMENTATIONS
from .lime_tables import seeds_table, segment_table
from .lime_views import chosen, signs
from .pacing import Pace

_EVERY, _MANY = 100, 5000  # samples between two early results; up to how many: of more, each one takes longer to fit
_PLACES = 64  # classes that get a result of their own at most, the most probable ones
_POOR, _UNSTABLE, _RARE = 0.5, 0.6, 0.05  # R2, stability and probability below which a map is warned of
_SEEDS = 4  # that are compared
_NOTHING = 1e-6  # a change of the probability that is rounding


@dataclass(frozen=True, kw_only=True)
class LimeParameters(Parameters):
    samples: int = parameter(1000, "how many times parts of the image are hidden", low=10, high=100_000)
    segmentation: str = parameter("slic", "how the image is cut into segments", choices=SEGMENTATIONS)
    segments: int = parameter(
        0, "about how many segments; 0: as many as fit the size (quickshift finds its own)", low=0, high=1000
    )
    features: int = parameter(5, "how many of the strongest segments are chosen for mask and outline", low=1, high=1000)
    batch: int = parameter(0, "samples in one pass; 0: as many as are fast (10 where exact)", low=0, high=4096)
    exact: bool = parameter(False, "to the last bit as the lime package: float64 images, the network as it is; slower")
    precision: str = parameter(
        "float32", "numbers in which the samples are predicted (exact: always float32)", choices=("float32", "bfloat16")
    )


class Lime(Explainer[LimeParameters]):
    """Coefficients of a weighted linear model of the softmax probability in what is shown (Ribeiro et al. 2016).

    values: the coefficient of each pixel's segment, 0 where the probability is the same whatever is hidden. One run
    explains every class (the 64 most probable ones of a network that has more); the target comes first, from early
    samples on, and last.

    extras: "segments" int64 (H, W), numbered from 0; "coefficients" float64 (classes, segments); "mask" int8 (H, W), 1
    and -1 in the chosen segments that speak for and against the class. meta: "samples" so far, "r2" (the share of the
    probability's weighted variance that the model explains), "intercept", "predicted" (by the linear model) and
    "probability" of the whole image, "network" (what was done to make it faster), and in the end "stability", the share
    of chosen segments that a run with another seed is expected to choose too.
    """

    name = "lime"
    title = "LIME"
    help = "Which parts of the image the prediction hangs on: segments are hidden at random, a linear model is fitted."
    version = "4"
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})
    cost = "slow"
    Parameters = LimeParameters

    def explain(self, subject: Subject, parameters: LimeParameters) -> Iterator[Result]:
        """The target's map after 100, 200, ... samples; in the end the maps of all classes, the target's last."""
        image, target, place = *_asked(subject), subject.place
        maps = _Maps(subject.classifier, image, parameters)
        pace, shown, step = Pace(), 0, _EVERY * math.ceil(parameters.samples / _MANY)
        for seen in maps.sampling.predicted():
            whole = seen // step * step
            if seen < parameters.samples and (whole > shown or pace.due):
                count, shown = (whole if whole > shown else seen), whole
                with pace.showing():
                    yield Result(place, maps.early(target, count), final=False, progress=count / parameters.samples)
        finals = maps.final(target)
        yield Result(place, finals[target], final=False, progress=1.0)
        for label in [label for label in finals if label != target] + [target]:
            yield Result(dataclasses.replace(place, target=label), finals[label], progress=1.0)

    @action(
        "With other seeds",
        f"LIME with {_SEEDS - 1} more seeds: the mean map, and how far its segments can be relied on.",
        axes=frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT}),
    )
    def other_seeds(self, subject: Subject, parameters: LimeParameters) -> Iterator[Result]:
        """The mean map of the seeds so far; in the end with each segment's spread, and how often it is chosen."""
        image, target = _asked(subject)
        runs: list[_Maps] = []
        for number in range(_SEEDS):
            seed = (parameters.seed + number) % 2**32
            maps, pace = _Maps(subject.classifier, image, dataclasses.replace(parameters, seed=seed)), Pace()
            so_far = _mean_map(runs, target) if runs else None
            for seen in maps.sampling.predicted():
                if pace.due and seen < parameters.samples:
                    with pace.showing():
                        done = (number + seen / parameters.samples) / _SEEDS
                        yield Result(subject.place, so_far or maps.early(target, seen), final=False, progress=done)
            runs.append(maps)
        yield Result(subject.place, _mean_map(runs, target), progress=1.0)

    def explain_many(self, subjects: Sequence[Subject], parameters: LimeParameters) -> Iterator[Result]:
        """As `explain`, one after another; neighbours that show one image are served by one run."""
        made: set[Place] = set()
        last: Subject | None = None
        for subject in subjects:
            if last is None or not _alike(subject, last):
                made.clear()
            last = subject
            if subject.place not in made:
                for result in self.explain(subject, parameters):
                    if result.final:
                        made.add(result.place)
                    yield result


class _Maps:
    """Heat maps from one set of samples."""

    def __init__(self, classifier: Classifier, image: NDArray[np.uint8], parameters: LimeParameters) -> None:
        self.parameters, self.classes = parameters, classifier.classes
        given = dataclasses.asdict(parameters)
        del given["features"]
        self.sampling = Sampling(classifier, image, **given)

    def early(self, label: int, count: int) -> Heatmap:
        """The map of one class from the first `count` samples."""
        return self._heatmap(self.sampling.fitted(count), label, count)

    def final(self, target: int) -> dict[int, Heatmap]:
        """The maps of the target and of the most probable classes, by class."""
        sampling, count = self.sampling, len(self.sampling.data)
        probable = np.argsort(-sampling.probabilities[0], kind="stable")[:_PLACES].tolist()
        labels = sorted({target, *probable})
        fit, stability = sampling.finished(labels), sampling.stability(self.parameters.features)
        return {label: self._heatmap(fit, label, count, float(stability[label])) for label in labels}

    def _heatmap(self, fit: Fit, label: int, count: int, stability: float | None = None) -> Heatmap:
        sampling, coefficients = self.sampling, fit.coefficients[label]
        which = chosen(coefficients, positive_only=False, num_features=self.parameters.features)
        meta: dict[str, Any] = {
            "samples": count,
            "r2": float(fit.r2[label]),
            "intercept": float(fit.intercepts[label]),
            "predicted": float(fit.predictions[label]),
            "probability": float(sampling.probabilities[0, label]),
            **sampling.about,
        }
        if stability is not None:
            meta["stability"] = stability
        rounding = self._says_nothing(label, count) and not self.parameters.exact
        told = np.zeros_like(coefficients) if rounding else coefficients
        tables = {"segments": segment_table(sampling.segments, told, which)} if stability is not None else {}
        return Heatmap(
            values=told[sampling.segments].astype(np.float32),
            image=sampling.shown,
            signed=True,
            extras={
                "segments": sampling.segments,
                "coefficients": fit.coefficients,
                "mask": signs(sampling.segments, coefficients, which),
            },
            meta=meta,
            tables=tables,
            notes=tuple(self._notes(label, count, meta["r2"], stability)),
        )

    def _says_nothing(self, label: int, count: int) -> bool:
        """Whether the probability is the same in all samples, but for rounding."""
        likely = self.sampling.probabilities[:count][self.sampling.usable(count), label]
        return bool(np.ptp(likely) < _NOTHING)

    def _notes(self, label: int, count: int, r2: float, stability: float | None) -> Iterator[str]:
        sampling, features = self.sampling, self.parameters.features
        segments = sampling.data.shape[1]
        if segments < FEW:
            yield f"the image has only {segments} segments: too coarse to tell where the evidence is"
        if stability is None:
            return  # the rest is said when all samples are there
        if self.parameters.exact and self.parameters.precision != "float32":
            yield f"exact: predicted in float32, not in {self.parameters.precision}"
        usable = sampling.usable(count)
        if not usable.all():
            yield f"{count - int(usable.sum())} of {count} samples have scores that are not finite: they are left out"
        if self._says_nothing(label, count):
            yield "the probability is the same whatever is hidden: the map says nothing"
            return
        likely = sampling.probabilities[usable, label]
        if (most := float(likely.max())) < _RARE:
            yield f"the probability of {self.classes[label]} is {most:.2g} at most: small differences look large"
        if r2 < _POOR:
            yield f"the linear model explains {max(r2, 0):.0%} of how the probability varies: do not trust small values"
        if stability < _UNSTABLE and features < segments:
            yield (
                f"with another seed about {stability:.0%} of the {features} strongest segments would be the same:"
                " more samples or fewer segments make it stable"
            )


def _mean_map(runs: Sequence[_Maps], label: int) -> Heatmap:
    """The mean of one class's maps with several seeds, and what they agree on."""
    sampling, features = runs[0].sampling, runs[0].parameters.features
    coefficients = np.array([maps.sampling.fitted(len(maps.sampling.data)).coefficients[label] for maps in runs])
    which = [chosen(each, positive_only=False, num_features=features) for each in coefficients]
    mean = coefficients.mean(0)
    taken = np.zeros(coefficients.shape, np.bool_)
    for each, strongest in zip(taken, which, strict=True):
        each[strongest] = True
    steady = int(taken.all(0).sum())
    most = chosen(mean, positive_only=False, num_features=features)
    note = f"{steady} of the {min(features, len(mean))} strongest segments are the same with all {len(runs)} seeds"
    return Heatmap(
        values=mean[sampling.segments].astype(np.float32),
        image=sampling.shown,
        signed=True,
        extras={"segments": sampling.segments, "mask": signs(sampling.segments, mean, most)},
        meta={"seeds": len(runs), "steady": steady},
        tables={"segments": seeds_table(sampling.segments, coefficients, taken)} if len(runs) > 1 else {},
        notes=(note,) if len(runs) > 1 else (),
    )


def _alike(one: Subject, other: Subject) -> bool:
    """Whether two subjects differ in nothing but the target."""
    places = [dataclasses.replace(each.place, target=None) for each in (one, other)]
    same = one.classifier is other.classifier and places[0] == places[1]
    return same and one.image is not None and np.array_equal(one.image, other.image)  # type: ignore[arg-type]


def _asked(subject: Subject) -> tuple[NDArray[np.uint8], int]:
    if subject.image is None or subject.place.target is None:
        raise ValueError("lime explains an image and a target, and the subject lacks one")
    return subject.image, subject.place.target
