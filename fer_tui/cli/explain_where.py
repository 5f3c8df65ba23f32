"""fer-tui explain --where: one explanation for each row that a narrowing lists: told, as JSON, or into a folder."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Axis, Description, Explanation, InputError, Place, plain

from . import asked, flags, narrowed, streams
from .facts import facts
from .progress import Narrator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.contract import Value
    from fer_tui.dataset import MappedDataset
    from fer_tui.engine import Engine, Settings
    from fer_tui.picture import Look
    from fer_tui.tui.browser import Target

    Image = NDArray[np.uint8]

_ALONE = ("image", "face", "against", "cell", "action", "regions", "trust", "words")  # flags about one explanation
_AT_ONCE = 64  # rows in a batch


@dataclass(frozen=True, slots=True)
class Many:
    """What explaining many images hangs on. place: what all share of it; settings: what a copied command names."""

    arguments: argparse.Namespace
    settings: Settings
    description: Description
    values: Mapping[str, Value]
    place: Place
    engine: Engine
    look: Look
    tell: Narrator

    @property
    def axes(self) -> frozenset[Axis]:
        return self.description.axes_for(self.values)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.engine.classifier.classes


@dataclass(frozen=True, slots=True)
class _Row:
    """One row's explanation. place: with its target. facts: id, true and predicted class, note."""

    row: int
    place: Place
    explanation: Explanation
    facts: Mapping[str, Any]


def check_many(arguments: argparse.Namespace, flag: str = "--where", *, folder: bool = True) -> None:
    """UsageError or InputError for what makes no sense with that flag. folder: what is written is one."""
    for name in _ALONE:
        if getattr(arguments, name) not in (None, False):
            raise flags.UsageError(f"error: {flag} is about many images: it does not go with --{name}")
    out: Path | None = arguments.out
    if out is not None and out.suffix.lower() in (".png", ".npz", ".json"):
        if not folder:
            return
        raise InputError(out, "would be one file", f"with {flag} name a folder")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "is there already", "name a new or an empty folder")


def explain_where(many: Many) -> None:
    """Explain the rows one after another, each at the place with its own image and the classes of --target.

    What is made already is there at once.
    """
    arguments, engine = many.arguments, many.engine
    if Axis.IMAGE not in many.axes:
        raise InputError(f"--where {arguments.where}", f"{many.description.name} does not explain an image")
    found = narrowed.rows_where(arguments.where, engine, many.place.checkpoint, many.tell)
    made: list[dict[str, Any]] = []
    places = {row: number for number, row in enumerate(found.rows, 1)}
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
    for each in _explained(many, _targets(arguments.target, many.classes), found):
        many.tell(f"{arguments.method}, row {each.row}", places[each.row] / len(places), whole=True)
        if arguments.out is not None:
            made.append(_written(arguments.out, each, many))
        elif arguments.json:
            made.append({**facts(each.explanation, each.place, many.classes), **each.facts})
        else:
            streams.put(_told(each, many.classes))
    if arguments.out is not None:
        from fer_tui.tui.exporting import put

        put(arguments.out / "index.json", json.dumps(made, ensure_ascii=False, indent=1))
        count = f"{len(made)} explanation{'s' * (len(made) != 1)}"
        streams.say(f"written: {count} in {plain(arguments.out)} (index.json tells of each)")
    if arguments.json:
        streams.put_json(made)


def _explained(many: Many, targets: Sequence[Target], found: narrowed.Narrowed) -> Iterator[_Row]:
    import numpy as np

    from fer_tui.tui.predictions import probabilities

    engine, place, classes, axes = many.engine, many.place, many.classes, many.axes
    dataset = engine.dataset
    assert dataset is not None
    number = place.checkpoint if place.checkpoint is not None else engine.classifier.default
    for start in range(0, len(found.rows), _AT_ONCE):
        rows, images = _readable(dataset, found.rows[start : start + _AT_ONCE])
        if not rows:
            continue
        scores = engine.classifier.at(number).predict(images)
        predicted = [int(each.argmax()) if np.isfinite(each).all() else None for each in scores]
        confidence = [round(float(each.max()), 6) for each in probabilities(np.where(np.isfinite(scores), scores, 0))]
        pairs = [
            (at, replace(place, image=row, target=to).on(axes))
            for at, row in enumerate(rows)
            for to in _classes(targets if Axis.TARGET in axes else (), predicted[at], int(dataset.labels[row]))
        ]
        wanted = [each for _, each in pairs]
        made = engine.explain_many(many.description.name, wanted, many.values, fresh=many.arguments.fresh)
        with closing(made) as results:
            for (at, _), result in zip(pairs, results, strict=True):
                row, guess = rows[at], predicted[at]
                label = int(dataset.labels[row])
                about = {
                    "row": row,
                    "id": dataset.name_of(row),
                    "true": classes[label] if label >= 0 else None,
                    "predicted": classes[guess] if guess is not None else None,
                    "confidence": confidence[at] if guess is not None else None,
                    "marked": bool(found.marks.marked[row]),
                    "note": found.marks.notes.get(row, ""),
                }
                yield _Row(row, result.place, result.explanation, about)


def _readable(dataset: MappedDataset, rows: Sequence[int]) -> tuple[list[int], list[Image]]:
    """The rows whose pictures can be read, and these; the others are told, and left out."""
    images, faults = dataset.readable(rows)
    for fault in faults:
        streams.say(f"left out: {fault}")
    there = [(row, image) for row, image in zip(rows, images, strict=True) if image is not None]
    return [row for row, _ in there], [image for _, image in there]


def _targets(text: str | None, classes: Sequence[str]) -> tuple[Target, ...]:
    """What --target names, separated by commas: classes, and each row's predicted or true one."""
    own: dict[str, Target] = {"predicted": "predicted", "true": "true"}
    names = [name.strip() for name in (text or "predicted").split(",")]
    return tuple(own[each] if each in own.keys() - {*classes} else asked.class_of(each, classes) for each in names)


def _classes(targets: Sequence[Target], predicted: int | None, label: int) -> list[int | None]:
    """The classes of one row, each once; [None] where none is known."""
    known = {"predicted": predicted, "true": label if label >= 0 else None}
    found = [known[each] if isinstance(each, str) else each for each in targets]
    return list(dict.fromkeys(each for each in found if each is not None)) or [None]


def _written(folder: Path, each: _Row, many: Many) -> dict[str, Any]:
    """Write one explanation as picture, arrays and numbers, with its tables; what the index tells of it."""
    from fer_tui.naming import file_name
    from fer_tui.picture import save, save_tables
    from fer_tui.tui.asking import Request
    from fer_tui.tui.command import command_for
    from fer_tui.tui.exporting import SUFFIXES

    description, classes, target = many.description, many.classes, each.place.target
    name = file_name(each.row, description.name, *([classes[target]] if target is not None else []))
    for suffix in SUFFIXES:
        save(each.explanation, folder / f"{name}{suffix}", **many.look)
    request = Request(description.name, many.values, each.place)
    command = command_for(request, each.place, description, classes, many.settings)
    explained = {"explained": classes[target]} if target is not None else {}
    files = [f"{name}{suffix}" for suffix in SUFFIXES]
    files += [file.name for file in save_tables(each.explanation, folder / name)]
    return {**each.facts, **explained, "files": files, "notes": list(each.explanation.notes), "command": command}


def _told(each: _Row, classes: Sequence[str]) -> str:
    """One line for people."""
    from fer_tui.picture import words

    about, target = each.facts, each.place.target
    true = f"{plain(about['true'])} → " if about["true"] is not None else ""
    explained = f", explained {plain(classes[target])}" if target is not None else ""
    note = f" ({plain(about['note'])})" if about["note"] else ""
    return f"row {each.row} {true}{plain(about['predicted'] or '–')}{explained}: {words(each.explanation)}{note}"
