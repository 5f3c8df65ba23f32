"""A plugin as somebody else would write it: it uses the public contract, NumPy and torch, and nothing of the house."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from fer_tui.contract import (
    Axis,
    Column,
    Explainer,
    Heatmap,
    Matrix,
    Parameters,
    Reply,
    Result,
    Subject,
    Table,
    action,
    parameter,
)

HERE = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})


@dataclass(frozen=True, kw_only=True)
class TilesParameters(Parameters):
    tiles: int = parameter(4, "tiles along each side", low=1, high=16)
    fill: float = parameter(0.5, "what a hidden tile is filled with, black to white", low=0, high=1)
    mode: str = parameter("drop", "the fall of the score, or its size alone", choices=("drop", "size"))
    blend: bool = parameter(False, "half of the tile still shines through")
    remark: str = parameter("", "a note that is put to the map")


class Guesses(Explainer[Parameters]):
    """What everything would be counted as, if all were predicted as the first class."""

    name = "guesses"
    title = "Guesses"
    help = "Counts by true class, were all taken for the first."
    version = "1"
    kind = "matrix"
    axes = frozenset({Axis.CHECKPOINT})
    needs_dataset = True

    def explain(self, subject: Subject, parameters: Parameters) -> Iterator[Result]:
        classes, labels = subject.classifier.classes, np.asarray(subject.dataset.labels)
        counts = np.zeros((len(classes), len(classes)), np.int64)
        counts[:, 0] = np.bincount(labels[labels >= 0], minlength=len(classes))
        yield Result(subject.place, Matrix(counts=counts, classes=classes), progress=1.0)


class Tiles(Explainer[TilesParameters]):
    """The fall of the target's score where one tile after another is hidden."""

    name = "tiles"
    title = "Tiles [bold]"
    help = "Which tiles the score hangs on: one after another is hidden."
    version = "1"
    kind = "heatmap"
    axes = HERE
    cost = "cheap"
    aliases: ClassVar[dict[str, dict[str, str]]] = {"tile-size": {"mode": "size"}}
    Parameters = TilesParameters

    def explain(self, subject: Subject, parameters: TilesParameters) -> Iterator[Result]:
        drops = np.zeros((parameters.tiles, parameters.tiles))
        for row in range(parameters.tiles):
            for column in range(parameters.tiles):
                drops[row, column] = self._falls(subject, parameters, row, column)[subject.place.target]
            if row < parameters.tiles - 1:
                done = (row + 1) / parameters.tiles
                yield Result(subject.place, self._heatmap(subject, parameters, drops), final=False, progress=done)
        yield Result(subject.place, self._heatmap(subject, parameters, drops), progress=1.0)

    @action("What a tile does to all classes", "Hides the strongest tile and tells every class's score.", axes=HERE)
    def all_classes(self, subject: Subject, parameters: TilesParameters) -> Iterator[Result]:
        """A reply with a table of classes."""
        last = None
        for result in self.explain(subject, parameters):
            last = result
            yield Result(subject.place, Reply(text="hiding tiles"), final=False, progress=0.9 * (result.progress or 0))
        at = np.unravel_index(
            int(np.abs(last.explanation.extras["drops"]).argmax()), last.explanation.extras["drops"].shape
        )
        falls = self._falls(subject, parameters, *map(int, at))
        columns = (Column("class", align="left", link=Axis.TARGET), Column("fall", unit="score"))
        table = Table(columns, list(enumerate(falls)), "how far each score falls with the strongest tile")
        yield Result(
            subject.place, Reply(text=f"tile {at[0]}, {at[1]}\nis \x1b[31mthe strongest", tables={"classes": table})
        )

    @action("The map turned over", "The same map with its signs turned.", axes=HERE)
    def turned(self, subject: Subject, parameters: TilesParameters) -> Iterator[Result]:
        """A heat map."""
        for result in self.explain(subject, parameters):
            made = result.explanation
            turned = Heatmap(values=-made.values, image=made.image, signed=made.signed)
            yield Result(result.place, turned, result.final, result.progress)

    @action("Never ends", "Works until it is stopped.", axes={Axis.CHECKPOINT})
    def endless(self, subject: Subject, parameters: TilesParameters) -> Iterator[Result]:
        """Early results for ever."""
        while True:
            time.sleep(0.02)
            yield Result(subject.place, Reply(text="still at it"), final=False, progress=0.25)

    @action("Brightest images", "The brightest images of the dataset.", axes=(), needs_dataset=True)
    def brightest(self, subject: Subject, parameters: TilesParameters) -> Iterator[Result]:
        """A table that leads to images."""
        means = [float(np.mean(subject.dataset[row].image)) for row in range(min(50, len(subject.dataset)))]
        best = np.argsort(means)[::-1][:5]
        columns = (Column("image", link=Axis.IMAGE), Column("mean", unit="gray"), Column("says", align="left"))
        rows = [(row, means[row], "[red]bright[/red]") for row in best]
        yield Result(subject.place, Reply(tables={"brightest": Table(columns, rows)}))

    @action("Places", "A layer, a filter of it, a filter alone, checkpoints, and what there is not.", axes=())
    def places(self, subject: Subject, parameters: TilesParameters) -> Iterator[Result]:
        """A table that leads along every other axis."""
        layers = [each for each in subject.classifier.layers if each.filters]
        columns = (
            Column("layer", align="left", link=Axis.LAYER),
            Column("filter", link=Axis.FILTER),
            Column("checkpoint", link=Axis.CHECKPOINT),
        )
        rows = [
            (layers[0].name, None, None), (layers[1].name, 2, None), (None, 1, None), (None, None, 0),
            (layers[0].name, 9999, None), ("nowhere", None, None), (None, None, 77), (None, None, None),
        ]  # fmt: skip
        yield Result(subject.place, Reply(tables={"places": Table(columns, rows)}))

    def _falls(self, subject: Subject, parameters: TilesParameters, row: int, column: int) -> np.ndarray:
        inputs = subject.classifier.inputs([subject.image])
        height, width = inputs.shape[-2:]
        hidden, size = inputs.clone(), parameters.tiles
        part = (
            ...,
            slice(row * height // size, (row + 1) * height // size),
            slice(column * width // size, (column + 1) * width // size),
        )
        white = subject.classifier.inputs([np.full_like(subject.image, round(255 * parameters.fill))])
        hidden[part] = white[part] if not parameters.blend else (white[part] + hidden[part]) / 2
        with torch.no_grad():
            scores = subject.classifier.scores(torch.cat([inputs, hidden]))
        falls = (scores[0] - scores[1]).double().cpu().numpy()
        return np.abs(falls) if parameters.mode == "size" else falls

    def _heatmap(self, subject: Subject, parameters: TilesParameters, drops: np.ndarray) -> Heatmap:
        shown = subject.classifier.shown(subject.image)
        height, width = shown.shape[:2]
        rows, columns = (np.arange(size) * parameters.tiles // size for size in (height, width))
        numbers = (Column("row"), Column("column"), Column("fall", unit="score"), Column("how", align="left"))
        cells = [
            (r, c, drops[r, c], "speaks for it" if drops[r, c] > 0 else "speaks\nagainst it")
            for r, c in np.ndindex(drops.shape)
        ]
        return Heatmap(
            values=drops[np.ix_(rows, columns)].astype(np.float32),
            image=shown,
            signed=parameters.mode == "drop",
            extras={"drops": drops},
            meta={"tiles": parameters.tiles},
            notes=(parameters.remark,) if parameters.remark else (),
            tables={"tiles": Table(numbers, cells, "the fall of the score where a tile is hidden")},
        )
