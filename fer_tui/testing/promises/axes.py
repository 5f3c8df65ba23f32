"""The axes are the truth: a result depends on those that are declared, and on no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from fer_tui.contract import Axis, Explanation, InputError, Place
from fer_tui.engine.agreement import difference
from fer_tui.testing.bench import ROWS, Bench, pictures
from fer_tui.testing.broken import Broken, NotAsked, expect
from fer_tui.testing.networks import Toy

from .promise import Promise

_SAME = 1e-6  # of the largest value
_OTHERS = (Place(target=0), Place(target=2), Place(layer="conv1"), Place(filter=3))


def _others_do_not_matter(bench: Bench) -> None:
    """What is not declared is changed, one after another; the engine never tells an explainer of it."""
    engine = bench.engine()
    task = bench.task(engine)
    asked = bench.made(task)
    whole = bench.whole(task)
    for other in _OTHERS:
        ((name, value),) = other.to_dict().items()
        if not bench.uses(Axis(name)):
            moved = dataclasses.replace(whole, place=Place.from_dict({**whole.place.to_dict(), name: value}))
            _expect_same(asked, bench.made(task, moved), f"the {name}", f"add Axis.{name.upper()} to axes")
    if not bench.uses(Axis.IMAGE):
        moved = dataclasses.replace(whole, image=engine.dataset[9].image if engine.dataset else None)
        _expect_same(asked, bench.made(task, moved), "the image", "add Axis.IMAGE to axes")
    if not bench.uses(Axis.CHECKPOINT):
        other_weights = bench.made(bench.task(bench.engine(module=Toy(seed=12))))
        _expect_same(asked, other_weights, "the network's weights", "add Axis.CHECKPOINT to axes")
    if not bench.needs_dataset:
        mend = "set needs_dataset = True, or needs_dataset_by where only some parameters need it"
        subject = task.subject
        _expect_same(asked, bench.made(task, dataclasses.replace(subject, label=0)), "the image's label", mend)
        bare = dataclasses.replace(subject, dataset=None, scores=None, kept=None)
        _expect_same(asked, bench.made(task, bare), "the dataset", mend)


def _expect_same(asked: Explanation, other: Explanation, what: str, mend: str) -> None:
    if difference(asked, other) > _SAME:
        raise Broken(f"it depends on {what}, and does not declare that: the store would mix results up", mend)


def _declared_ones_matter(bench: Bench) -> None:
    engine = bench.engine()
    asked = bench.made(bench.task(engine))
    moved: dict[Axis, list[Explanation]] = {}
    for axis, place in _moves(bench):
        if bench.uses(axis):
            moved.setdefault(axis, []).append(bench.made(bench.task(engine, place)))
    if bench.uses(Axis.CHECKPOINT):
        moved[Axis.CHECKPOINT] = [bench.made(bench.task(bench.engine(module=Toy(seed=12))))]
    for axis, made in moved.items():
        expect(
            any(difference(asked, each) > _SAME for each in made),
            f"it declares the axis {axis}, and is the same all along it: everything would be made many times over",
            f"take Axis.{axis.upper()} out of axes, or say by axes_by under which parameters it counts",
        )
    if bench.needs_dataset and not bench.uses(Axis.IMAGE):
        other = bench.made(bench.task(bench.engine(data=(pictures(seed=4), np.zeros(ROWS, np.int64)))))
        expect(difference(asked, other) > _SAME, "it asks for the dataset, and is the same for another one",
               "leave needs_dataset False")  # fmt: skip


def _moves(bench: Bench) -> Iterator[tuple[Axis, Place]]:
    here = bench.place(bench.engine())
    yield Axis.IMAGE, dataclasses.replace(here, image=9)
    yield from ((Axis.TARGET, dataclasses.replace(here, target=target)) for target in (0, 2))
    yield Axis.LAYER, dataclasses.replace(here, layer="conv1")
    yield from ((Axis.FILTER, dataclasses.replace(here, filter=number)) for number in (0, 2, 3))


def _every_place_works(bench: Bench) -> None:
    engine = bench.engine()
    here = bench.place(engine)
    asked = 0
    places = [dataclasses.replace(here, target=target) for target in range(len(engine.classifier.classes))]
    places = places if bench.uses(Axis.TARGET) else []
    if bench.uses(Axis.LAYER):
        chosen = [layer for layer in engine.classifier.layers if layer.filters]
        places += [dataclasses.replace(here, layer=layer.name, filter=layer.filters - 1) for layer in chosen]
    for place in places:
        task = bench.task(engine, place)
        try:
            *_, last = bench.bare(task)
        except InputError:
            continue  # it says in one line why it has nothing to show there
        except Exception as error:
            raise Broken(
                f"at {task.place.to_dict()} it raised {type(error).__name__}: {error}",
                "explain every class and layer, or raise InputError where there is nothing to explain",
            ) from None
        told = last.place.target
        expect(not bench.uses(Axis.TARGET) or told == task.place.target,
               f"asked for class {task.place.target} it ended with class {told}",
               "yield the place that was asked for last: Result(subject.place, ...)")  # fmt: skip
        asked += 1
    if not places:
        raise NotAsked("it declares neither the target nor the layer axis")
    expect(asked > 0, "it refuses every class and layer of the toy network", "explain at least one")


PROMISES = (
    Promise(
        "undeclared axes do not matter",
        "The store's key is made of the declared axes: what else a result hangs on would be mixed up.",
        _others_do_not_matter,
    ),
    Promise(
        "declared axes matter",
        "Moving along an axis makes a new explanation: the same one again is waiting for nothing.",
        _declared_ones_matter,
    ),
    Promise("every class and layer works", "A user walks along them, one key at a time.", _every_place_works),
)
