"""A key changes with everything that an explanation depends on, and with nothing else."""

from __future__ import annotations

import dataclasses

from fer_tui.contract import Axis, Description, ParameterInfo, Place
from fer_tui.engine.keys import explanation_key

LENS = Description(
    name="lens",
    title="",
    help="",
    version="1",
    kind="heatmap",
    cost="cheap",
    needs_dataset=False,
    parameters=(ParameterInfo("view", "str", "map", choices=("map", "net")),),
    axes=frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT}),
    axes_by=("view", {"net": frozenset({Axis.LAYER, Axis.CHECKPOINT})}),
)
PLACE = Place(image=3, target=1, layer="conv", filter=7, checkpoint=2)


def key(description: Description = LENS, place: Place = PLACE, view: str = "map", **digests: str) -> str:
    known = {"classifier_digest": "c", "image_digest": "i", "dataset_key": "d"} | digests
    return explanation_key(description, {"view": view}, place, **known)


def test_what_counts() -> None:
    others = [
        key(dataclasses.replace(LENS, version="2")),
        key(dataclasses.replace(LENS, name="lens2")),
        key(dataclasses.replace(LENS, distribution="other")),
        key(place=dataclasses.replace(PLACE, target=2)),
        key(view="net"),
        key(classifier_digest="x"),
        key(image_digest="x"),
        key(dataclasses.replace(LENS, needs_dataset=True)),
    ]
    assert len({key(), *others}) == 1 + len(others)


def test_what_does_not_count() -> None:
    assert key() == key(place=dataclasses.replace(PLACE, layer="fc", filter=0))  # axes that are not used
    assert key() == key(place=dataclasses.replace(PLACE, image=9, checkpoint=0))  # numbers: the digests count
    assert key() == key(dataset_key="x")
    assert key(view="net") == key(view="net", image_digest="x")
    rows = dataclasses.replace(LENS, needs_dataset_by=("view", {"net": True}))
    assert key(rows) == key(rows, dataset_key="x")  # the dataset counts for that view only
    assert key(rows, view="net") != key(rows, view="net", dataset_key="x")
    less = dataclasses.replace(LENS, needs_dataset=True, needs_dataset_by=("view", {"net": False}))
    assert key(less, view="net") == key(less, view="net", dataset_key="x") and key(less) != key(less, dataset_key="x")
    assert key(rows, view="net") == key(rows, view="net", label=3)  # no image, no label
    seen = dataclasses.replace(LENS, needs_dataset=True)
    assert key(seen, label=2) != key(seen, label=3) and key(label=2) == key(label=3)
    assert key(view="net") != key(view="net", place=dataclasses.replace(PLACE, layer="fc"))
