"""Mean maps over many images: maps made in batches or taken from the store, counted, and forgotten."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fer_tui.contract import Axis, Heatmap, InputError, Place

from .focusing import Target, place_of, predicted_classes, steps_of
from .means import Mean, levelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .engine import Engine

By = Literal["true", "predicted", "all"]


@dataclass(frozen=True, slots=True)
class Averaged:
    """What is to be averaged. rows: of the data (None: all). target: explained in each.

    by: a mean for each class, or one of all. alike: each map is divided by the mean of its absolute values first, so
    that all count alike.
    """

    rows: Sequence[int] | None = None
    target: Target = "predicted"
    by: By = "true"
    alike: bool = False


@dataclass(eq=False, slots=True)
class _Group:
    mean: Mean | None = None
    left_out: int = 0
    signed: bool = False


def mean_maps(
    engine: Engine,
    method: str,
    what: Averaged,
    parameters: Mapping[str, object] | None = None,
    place: Place | None = None,
    *,
    pause: float = 1.0,
) -> Generator[tuple[float, dict[int, Heatmap] | None], None, None]:
    """(share that is done, None), at last the mean maps by class, in the order of the classes; -1 of all together.

    A mean has `spread` in its extras, float32 (H, W): the standard deviation of each value; `mean` in its meta tells
    how many maps it is of, and notes say so in words. A map that is not finite (or, alike, zero everywhere) is left out
    and counted. place: layer, filter and checkpoint. pause: as of `focus_table`. InputError names what is wrong.
    """
    dataset, place = engine.dataset, place or Place()
    if dataset is None or not len(dataset):
        raise InputError("dataset", "a mean needs one, and none is open", "name one with --data")
    description = engine.described(method)
    if description.kind != "heatmap":
        raise InputError(f"method {method}", f"makes a {description.kind}, no heat map", "choose one that does")
    network = engine.classifier.at(engine.classifier.default if place.checkpoint is None else place.checkpoint)
    labels = np.asarray(dataset.labels)
    if what.by == "true" and not (labels >= 0).any():
        raise InputError("dataset", "has no labels, so no mean by true class", "--average predicted, or --average all")
    predicted = yield from predicted_classes(engine, place.checkpoint)
    listed = {"true": labels, "predicted": predicted, "all": np.full(len(labels), -1)}[what.by]
    rows = _rows(what, listed, predicted)
    groups: dict[int, _Group] = {}
    about: dict[str, Any] = {}
    done = 0
    for part in steps_of(network.input_shape, rows, 8 if description.cost == "cheap" else 1, pause):
        places = [place_of(place, row, what.target, labels, predicted) for row in part]
        with closing(engine.explain_many(method, places, parameters)) as results:
            for row, result in zip(part, results, strict=True):
                assert isinstance(result.explanation, Heatmap)
                _count(groups.setdefault(int(listed[row]), _Group()), result.explanation, what.alike)
                about = about or dict(result.explanation.meta)
        done += len(part)
        yield done / len(rows), None
    axes = place.on(frozenset({Axis.LAYER, Axis.FILTER, Axis.CHECKPOINT})).to_dict()
    made = {index: _heatmap(groups[index], index, what, about, axes) for index in sorted(groups) if groups[index].mean}
    if not made:
        raise InputError(f"method {method}", "none of its maps has a finite value that is not 0")
    yield 1.0, made


def _rows(what: Averaged, listed: NDArray[np.int64], predicted: NDArray[np.int64]) -> list[int]:
    """Those that have a class to be explained for, and one to be listed under, where they are."""
    wanted = np.arange(len(listed)) if what.rows is None else np.asarray(what.rows, np.int64)
    if len(wrong := wanted[(wanted < 0) | (wanted >= len(listed))]):
        raise InputError(f"row {wrong[0]}", "there is no such row", f"rows are 0 to {len(listed) - 1}")
    fit = (predicted[wanted] >= 0) & ((listed[wanted] >= 0) | (what.by == "all"))
    if not fit.any():
        raise InputError("dataset", f"none of the {len(wanted)} images has a {what.by} class")
    found: list[int] = wanted[fit].tolist()
    return found


def _count(group: _Group, heatmap: Heatmap, alike: bool) -> None:
    finite = bool(np.isfinite(heatmap.values).all())
    values = levelled(heatmap.values) if alike else heatmap.values.astype(np.float64)
    if values is None or not finite:
        group.left_out += 1
        return
    group.signed = heatmap.signed
    image = heatmap.image.astype(np.float64)
    if group.mean is None:
        group.mean = Mean(values, image)
    else:
        group.mean.add(values, image)


def _heatmap(group: _Group, index: int, what: Averaged, about: Mapping[str, Any], axes: Mapping[str, Any]) -> Heatmap:
    """The mean with what it is of; `about`: the meta of one of its maps."""
    assert group.mean is not None
    classes, count = about["classes"], group.mean.count
    of = "" if index < 0 else f" of images {'of' if what.by == 'true' else 'taken for'} class {classes[index]}"
    target = f"class {classes[what.target]}" if isinstance(what.target, int) else f"its {what.target} class"
    notes = [f"the mean of {count} maps{of}, each for {target}"]
    if what.alike:
        notes.append("each map was divided by the mean of its absolute values first")
    if group.left_out:
        notes.append(f"{group.left_out} more are left out: not finite" + (", or zero everywhere" if what.alike else ""))
    told = {"count": count, "left_out": group.left_out, "by": what.by, "target": what.target, "alike": what.alike}
    kept = {name: about[name] for name in ("explainer", "version", "parameters", "seed", "classes", "device")}
    digests = {"classifier": about["digests"]["classifier"]}
    meta = {
        **kept,
        "place": axes,
        "digests": digests,
        "mean": {**told, "class": classes[index] if index >= 0 else None},
    }
    spread = group.mean.spread.astype(np.float32)
    return group.mean.heatmap(group.signed, extras={"spread": spread}, meta=meta, notes=tuple(notes))
