"""One image explained under every checkpoint: asked for, made, shown, written as a sheet."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.contract import Axis, Explanation, Heatmap, InputError, Place, PluginError, Value, plain
from fer_tui.picture import Still, heat_picture, save_picture, shared_scale, strip, words
from fer_tui.timeline import short_names

from . import asked as asking
from .explain import picture_file, picture_of, row_of
from .progress import Narrator

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from fer_tui.engine import Engine, Session, Settings

_WIDTH = 26  # columns for each picture on a terminal, at most


@dataclass(frozen=True, slots=True)
class Asked:
    """What to explain: a method with its parameters, where, and how to draw it. colours: None for those by default."""

    method: str
    parameters: Mapping[str, Value]
    image: str | None
    target: str | None
    layer: str | None
    shared: bool
    colours: str | None


@dataclass(frozen=True, slots=True)
class Frame:
    """An image under one checkpoint. shares: float64 (C,) the probabilities."""

    name: str
    place: Place
    classes: tuple[str, ...]
    explanation: Explanation
    shares: NDArray[np.float64]
    label: int

    @property
    def predicted(self) -> int:
        return int(self.shares.argmax())

    @property
    def is_right(self) -> bool | None:
        return self.predicted == self.label if self.label >= 0 else None

    @property
    def lines(self) -> tuple[str, ...]:
        """The checkpoint's name, the prediction, the probability of the explained class."""
        target = self.place.target
        guess = f"{plain(self.classes[self.predicted])} {self.shares[self.predicted]:.0%}"
        explained = (
            "" if target in (None, self.predicted) else f"{plain(self.classes[target])} {self.shares[target]:.0%}"
        )
        return (plain(self.name), guess, explained)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like data."""
        place = self.place
        return {
            **place.to_dict(),
            "target_name": self.classes[place.target] if place.target is not None else None,
            "name": self.name,
            "predicted": self.classes[self.predicted],
            "right": self.is_right,
            "probabilities": dict(zip(self.classes, self.shares.tolist(), strict=True)),
            "summary": words(self.explanation),
        }


def asked(arguments: argparse.Namespace, settings: Settings) -> Asked:
    """What the flags ask for; a wrong method or parameter is told before anything slow is opened."""
    description, values = asking.described(arguments.method, asking.parameters_of(arguments), settings)
    if Axis.IMAGE not in description.axes_for(values) or description.kind == "matrix":
        raise InputError(f"--method {arguments.method}", "does not explain an image", "such as cam or saliency")
    chosen = settings.colours.get(description.name) if description.kind == "heatmap" else None
    colours = str(chosen.value) if chosen is not None else None
    shared = arguments.shared_scale
    return Asked(description.name, values, arguments.image, arguments.target, arguments.layer, shared, colours)


def frames(session: Session, asked: Asked, settings: Settings, tell: Narrator) -> list[Frame]:
    """The image under every checkpoint, explained for one class: where none is named, what the last one predicts."""
    engine, file = session.engine(), picture_file(asked.image)
    assert engine.dataset is not None
    row = None if file is not None else row_of(asked.image, session)
    picture = picture_of(file, settings)[0] if file is not None else engine.dataset[row or 0].image
    label = int(engine.dataset.labels[row]) if row is not None else -1
    names = engine.classifier.checkpoints
    if asked.layer is not None:
        engine.classifier.layer(asked.layer)
    target = asking.class_of(asked.target, engine.classifier.classes) if asked.target is not None else None
    if target is None:
        target = int(engine.classifier.at(len(names) - 1).predict([picture])[0].argmax())
    found = []
    for number, name in enumerate(short_names(names)):
        tell(f"{asked.method} through time", number / len(names))
        place = Place(row, target, asked.layer, None, number)
        explanation = _explained(engine, asked, place, picture if file is not None else None)
        scores = engine.classifier.at(number).predict([picture])[0]
        found.append(Frame(name, place, engine.classifier.classes, explanation, _shares(scores), label))
    return found


def _explained(engine: Engine, asked: Asked, place: Place, picture: NDArray[np.uint8] | None) -> Explanation:
    task = engine.task(asked.method, place, asked.parameters, picture)
    with closing(engine.run(task)) as results:
        made = [result.explanation for result in results if result.place == task.place]
    if not made:
        raise PluginError(asked.method, "ended without a result for the place that was asked for")
    return made[-1]


def _shares(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    exact = np.exp(scores.astype(np.float64) - float(scores.max()))
    return np.asarray(exact / exact.sum())


def write(frames: Sequence[Frame], asked: Asked, out: Path) -> None:
    """The sheet: the image itself, then its explanation under each checkpoint."""
    stills = [Still(frame.explanation, frame.lines, frame.is_right) for frame in frames]
    first = frames[0]
    maps = [frame.explanation for frame in frames if isinstance(frame.explanation, Heatmap)]
    told = "one scale of colours for all" if asked.shared and maps else "each map on its own scale"
    where = f" at {asked.layer}" if asked.layer else ""
    title = f"{asked.method}{where} of {_class(first, first.place.target)}, image {_image(first)}"
    title += f" ({_class(first, first.label)})" if first.label >= 0 else ""
    scale = shared_scale(maps) if asked.shared and maps else None
    save_picture(strip(stills, title, [told] if maps else [], scale=scale, colours=asked.colours), out)


def show(frames: Sequence[Frame], asked: Asked, console: Console) -> None:
    """On a terminal the pictures side by side; in words always."""
    import sys

    from rich.table import Table
    from rich.text import Text

    from .cells import Cells, in_colours

    colours = in_colours(console)
    maps = [frame.explanation for frame in frames if isinstance(frame.explanation, Heatmap)]
    if sys.stdout.isatty() and len(maps) == len(frames):
        fit = max(1, min(len(frames), console.width // 14))
        for start in range(0, len(frames), fit):
            part = frames[start : start + fit]
            wide = min(_WIDTH, console.width // fit - 2)
            grid = Table.grid(padding=(0, 2))
            for _ in part:
                grid.add_column(width=wide)
            look: dict[str, Any] = (
                {"mode": "overlay", "colours": asked.colours} if colours else {"mode": "map", "colours": "gray"}
            )
            grid.add_row(*(Cells(heat_picture(e, **look)) for e in maps[start : start + fit]))
            for line in range(3):
                grid.add_row(*(Text(frame.lines[line]) for frame in part))
            console.print(grid)
    first = frames[0]
    console.print(Text(f"image {_image(first)}, explained: {_class(first, first.place.target)}", "bold"))
    for frame in frames:
        mark = "" if frame.is_right is None else ", right" if frame.is_right else ", wrong"
        console.print(Text(f"{frame.lines[0]}: {frame.lines[1]}{mark}; {words(frame.explanation)}"))


def _image(frame: Frame) -> str:
    return "of a file" if frame.place.image is None else str(frame.place.image)


def _class(frame: Frame, number: int | None) -> str:
    return plain(frame.classes[number]) if number is not None else "no class"
