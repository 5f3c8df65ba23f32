"""Filter ascent: the pictures that excite filters most, their outputs on an image, and the images that excite them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fer_tui.contract import PRECISIONS, Axis, Explainer, InputError, Parameters, Result, Subject, parameter

from .ascent_canvas import BOUNDS, SPACES
from .ascent_climb import OBJECTIVES, OPTIMISERS, Climb
from .ascent_gallery import climb_classes, climb_filters, default_layer
from .filter_images import exciting_images
from .filter_outputs import ORDERS, RANKS, filter_outputs
from .truncated import faster, layer_of

_CLIMBED = {"view": ("ascent", "class")}


@dataclass(frozen=True, kw_only=True)
class FilterAscentParameters(Parameters):
    view: str = parameter(
        "ascent",
        "pictures climbed for each filter, the filters' outputs on an image, the dataset's most exciting images, "
        "or a picture climbed for a class",
        choices=("ascent", "outputs", "images", "class"),
    )
    steps: int = parameter(30, "steps of the climb", low=0, high=10000, where=_CLIMBED)
    optimiser: str = parameter("adam", "Adam, or the gradient brought to unit size", choices=OPTIMISERS, where=_CLIMBED)
    rate: float = parameter(
        0.05, "how far a pixel goes in a step, black to white is 1", low=0, high=100, where=_CLIMBED
    )
    objective: str = parameter("mean", "what of a filter's output is climbed", choices=OBJECTIVES, where=_CLIMBED)
    bounds: str = parameter("clip", "how pixels are kept between black and white", choices=BOUNDS, where=_CLIMBED)
    space: str = parameter(
        "pixels", "climb on pixels, or on Fourier coefficients: smoother", choices=SPACES, where=_CLIMBED
    )
    noise: float = parameter(
        0.1, "the start: white noise of mid-gray plus or minus this", low=0, high=0.5, where=_CLIMBED
    )
    jitter: int = parameter(
        2, "each step sees the picture shifted at random, at most so far", unit="px", low=0, where=_CLIMBED
    )
    blur: float = parameter(
        0.5, "standard deviation of a blur after each step", unit="px", low=0, high=50, where=_CLIMBED
    )
    l2: float = parameter(0.0, "weight of the mean squared distance from mid-gray, a penalty", low=0, where=_CLIMBED)
    tv: float = parameter(0.0, "weight of the total variation, a penalty on roughness", low=0, where=_CLIMBED)
    variants: int = parameter(1, "pictures for each filter, from different noise", low=1, high=16, where=_CLIMBED)
    diversity: float = parameter(0.0, "weight of the likeness of a filter's variants, a penalty", low=0, where=_CLIMBED)
    top: int = parameter(10, "how many filters are framed, or images shown", low=1)
    rank: str = parameter("mean", "what of an output makes it strong", choices=RANKS)
    order: str = parameter("columns", "how the framed are numbered: down each column, or by rows", choices=ORDERS)
    precision: str = parameter("float32", "bfloat16 is faster on most machines, and less exact", choices=PRECISIONS)


class FilterAscent(Explainer[FilterAscentParameters]):
    """Activation maximisation (Erhan et al. 2009): x <- x + rate * direction of d/dx (objective - penalties).

    view ascent: all filters of a layer (the last convolution where the place names none), or the one of the place, in
    batches through the network truncated there. Images 0..1 (N, H, W[, 3]); scores: final activations; marked: dead
    filters, whose activation no step changed; extras "start", "final", "gain" float32 (N,), "filters" int64 (N,). Each
    picture starts from noise of its own, so a filter gives the same picture alone as among all.
    view class: the same for the raw score of the target (log probability behind a softmax); extras "classes".
    view outputs: see filter_outputs; view images: see exciting_images.
    """

    name = "filter-ascent"
    title = "Filters"
    help = "What filters look for: pictures that excite them most, their outputs on an image, their favourite images."
    version = "2"
    kind = "gallery"
    axes = frozenset({Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT})
    axes_by = (
        "view",
        {
            "ascent": frozenset({Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT}),
            "outputs": frozenset({Axis.IMAGE, Axis.LAYER, Axis.CHECKPOINT}),
            "images": frozenset({Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT}),
            "class": frozenset({Axis.TARGET, Axis.CHECKPOINT}),
        },
    )
    cost = "slow"
    needs_dataset_by = ("view", {"images": True})
    Parameters = FilterAscentParameters

    def explain(self, subject: Subject, parameters: FilterAscentParameters) -> Iterator[Result]:
        """The gallery, while it climbs or searches; at the end also those of the single filters."""
        return self._group([subject], parameters, alone=True)

    def explain_many(self, subjects: Sequence[Subject], parameters: FilterAscentParameters) -> Iterator[Result]:
        """Neighbours with the same network and layer in one climb, or in one pass over the dataset."""
        for _, group in itertools.groupby(subjects, key=lambda each: (id(each.classifier), each.place.layer)):
            yield from self._group(list(group), parameters, alone=False)

    def _group(self, subjects: list[Subject], parameters: FilterAscentParameters, *, alone: bool) -> Iterator[Result]:
        if parameters.view == "outputs":
            return _outputs(subjects, parameters)
        if parameters.view == "images":
            return _images(subjects, parameters, alone=alone)
        climb = climb_classes if parameters.view == "class" else climb_filters
        how = Climb(**{each.name: getattr(parameters, each.name) for each in dataclasses.fields(Climb)})
        return climb(subjects, how, parameters.precision, alone=alone)


def _outputs(subjects: list[Subject], parameters: FilterAscentParameters) -> Iterator[Result]:
    for subject in subjects:
        if subject.image is None:
            raise ValueError("outputs are those on an image, and the subject has none")
        layer = layer_of(subject.classifier, subject.place.layer).name
        gallery = filter_outputs(
            subject.classifier,
            layer,
            subject.image,
            top=parameters.top,
            rank=parameters.rank,
            order=parameters.order,
        )
        notes = (*default_layer(subject.place, layer), *gallery.notes)
        yield Result(subject.place, dataclasses.replace(gallery, notes=notes), progress=1.0)


def _images(subjects: list[Subject], parameters: FilterAscentParameters, *, alone: bool) -> Iterator[Result]:
    classifier, dataset = subjects[0].classifier, subjects[0].dataset
    if dataset is None:
        raise InputError("dataset", "view=images searches one, and none is open", "name one with --data")
    layers = [layer_of(classifier, each.place.layer, each.place.filter) for each in subjects]
    layer = layers[0]
    fast, words, notes = faster(classifier, parameters.precision, layer.name)
    results = exciting_images(
        classifier,
        fast,
        dataset,
        [each.place for each in subjects],
        layer=layer,
        top=parameters.top,
        rank=parameters.rank,
        meta={"layer": layer.name, "network": words},
        notes=(*default_layer(subjects[0].place, layer.name), *notes),
        alone=alone,
    )
    yield from results
