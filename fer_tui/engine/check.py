"""What must hold for every explainer, tried on a few samples of each class of the user's own data and network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fer_tui import plugins
from fer_tui.contract import (
    Axis,
    Explanation,
    FerTuiError,
    Gallery,
    Heatmap,
    InputError,
    Matrix,
    Place,
    Sample,
    parse_parameters,
    plain,
)
from fer_tui.oversight import overheard

from .agreement import TOLERANCE, difference, numbers
from .engine import Engine
from .guarded import LEFT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

APPLIES = "applies"  # the check of an explainer that this network gives nothing to explain
_TWICE = 3  # places that are explained a second time; one, where that takes long
_FEW = 2  # samples in all, where one takes long


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one explainer; `detail`: one line with the numbers."""

    method: str
    check: str
    ok: bool
    detail: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_checks(
    engine: Engine, methods: Sequence[str] | None = None, per_class: int = 2, *, deep: bool = False
) -> Iterator[Finding]:
    """The findings for each of `methods` (names or aliases; every installed explainer where None), as they are made.

    per_class: samples of each class; slow explainers get two in all. Checked are: loads, runs, finite,
    shape, not constant, the same twice, batch = alone, model untouched; after one that stops the rest it ends. One that
    needs layers of a kind that the network has none of is told as "applies", and is no failure.
    deep: also whether maps can be trusted (see `trust`), on a sample of each class. Nothing is taken from the store or
    put there. InputError for an unknown method, or where no dataset is open.
    """
    if engine.dataset is None or not len(engine.dataset):
        raise InputError("dataset", "there are no samples to check on", "name one with --data")
    chosen = list(methods) if methods is not None else list(plugins.names())
    for method in chosen:
        plugins.resolve(method)  # tells the nearest right name
    for method in chosen:
        check = _Check(method, engine.classifier, engine.dataset, per_class)
        yield from check.findings()
        if deep and check.has_run:
            yield from check.deep()


class _Check:
    """The checks of one explainer, each with engines of its own, so that nothing is remembered between two runs."""

    def __init__(self, method: str, classifier: TorchClassifier, dataset: MappedDataset, per_class: int) -> None:
        self._method, self._classifier, self._dataset, self._per_class = method, classifier, dataset, per_class
        self.has_run = False

    def findings(self) -> Iterator[Finding]:
        from fer_tui.classifier.state import changes, state

        before = state(self._classifier.at(0).module)
        name, meant = plugins.resolve(self._method)
        try:
            description = plugins.description(plugins.load(name))
        except FerTuiError as error:
            yield self._finding("loads", False, str(error))
            return
        yield self._finding("loads", True, f"version {description.version}, {description.kind}")
        count = self._per_class if description.cost == "cheap" else max(1, self._per_class // 2)
        rows = sample_rows(self._dataset, len(self._classifier.classes), count)
        dataset = self._dataset
        defaults = parse_parameters(name, description.parameters, meant)
        if description.needs_dataset_for(defaults):  # a whole dataset would take long, and a few rows tell the same
            dataset, rows = cast("MappedDataset", _Few(dataset, rows)), list(range(len(rows)))
        axes = description.axes_for(defaults)
        if description.cost != "cheap" and Axis.IMAGE in axes:
            rows = rows[:_FEW]
        one = Place(filter=0) if Axis.FILTER in axes else Place()  # one filter: a whole layer would take long
        places = [dataclasses.replace(one, image=row) for row in rows] if Axis.IMAGE in axes else [one]
        with overheard() as heard:
            try:
                yield from self._results(dataset, places, cheap=description.cost == "cheap")
                self.has_run = True
            except FerTuiError as error:
                if isinstance(error, InputError) and error.where == "layer":  # none was named: there is none for it
                    yield self._finding(APPLIES, True, f"not to this network: {error}")
                else:
                    yield self._finding("runs", False, str(error))
        changed = changes(before, state(self._classifier.at(0).module))
        left = list(dict.fromkeys(each for each in heard if each.startswith(LEFT)))
        told = f"changed: {', '.join(changed)}" if changed else f"{', '.join(before)} as before"
        yield self._finding("model untouched", not (changed or left), "; ".join(left) or told)

    def deep(self) -> Iterator[Finding]:
        """Pixels, weights and seed: what `trust` finds on a sample of each class; only for heat maps."""
        from .trust import Trust, trust
        from .verdicts import verdicts

        description = plugins.description(plugins.load(plugins.resolve(self._method)[0]))
        if description.kind != "heatmap" or Axis.IMAGE not in description.axes:
            return
        engine = self._engine(self._dataset)
        found: list[Trust] = []
        for row in sample_rows(self._dataset, len(self._classifier.classes), 1):
            found += [each for _, each in trust(engine.task(self._method, Place(image=row), {})) if each is not None]
        for verdict in verdicts(found):
            yield self._finding(verdict.question, verdict.ok, f"{verdict.told}, {_counted(len(found), 'map')}")

    def _results(self, dataset: MappedDataset, places: Sequence[Place], *, cheap: bool) -> Iterator[Finding]:
        with closing(self._engine(dataset).explain(self._method, places[0], fresh=True)) as stopped:
            next(stopped, None)
        alone = [self._alone(dataset, place) for place in places]
        yield self._finding(
            "runs", True, f"{_counted(len(alone), 'explanation')} finished, one run stopped at its first result"
        )
        yield self._finite(alone)
        yield self._shape(alone)
        yield self._varied(alone, dataset)
        again = [self._alone(dataset, place) for place in places[: _TWICE if cheap else 1]]
        yield self._same("the same twice", alone[: len(again)], again)
        some = places if cheap else places[:1]
        batch = [result.explanation for result in self._engine(dataset).explain_many(self._method, some, fresh=True)]
        yield self._same("batch = alone", alone[: len(batch)], batch)

    def _alone(self, dataset: MappedDataset, place: Place) -> Explanation:
        """The last explanation of one place."""
        last = None
        for result in self._engine(dataset).explain(self._method, place, fresh=True):
            last = result
        if last is None or not last.final:
            raise FerTuiError(f"explainer {self._method}: it ended without a final result")
        return last.explanation

    def _engine(self, dataset: MappedDataset) -> Engine:
        return Engine(self._classifier, dataset, None)

    def _finding(self, check: str, ok: bool, detail: str) -> Finding:
        return Finding(self._method, check, ok, plain(detail))

    def _finite(self, made: Sequence[Explanation]) -> Finding:
        values = [numbers(explanation) for explanation in made]
        broken, total = sum(int((~np.isfinite(v)).sum()) for v in values), sum(v.size for v in values)
        return self._finding("finite", not broken, f"{broken} of {total} values are not finite")

    def _shape(self, made: Sequence[Explanation]) -> Finding:
        _, height, width = self._classifier.input_shape
        for explanation in made:
            if isinstance(explanation, Heatmap) and explanation.values.shape != (height, width):
                told = f"a map is {explanation.values.shape} where the input is {(height, width)}"
                return self._finding("shape", False, told)
            if isinstance(explanation, Matrix) and explanation.classes != self._classifier.classes:
                told = f"the matrix has {_counted(len(explanation.classes), 'class')}, not those of the network"
                return self._finding("shape", False, told)
            if isinstance(explanation, Gallery) and not len(explanation.images):
                return self._finding("shape", False, "a gallery has no picture")
        return self._finding("shape", True, " x ".join(map(str, numbers(made[0]).shape)))

    def _varied(self, made: Sequence[Explanation], dataset: MappedDataset) -> Finding:
        """A map and a gallery must not be constant; a matrix must have counted every labelled row once."""
        if isinstance(made[0], Matrix):
            counted, labelled = int(made[0].counts.sum()), int((np.asarray(dataset.labels) >= 0).sum())
            return self._finding("adds up", counted == labelled, f"{counted} counted of {labelled} rows with a label")
        spreads = [float(np.ptp(values)) if (values := _finite_values(e)).size else 0.0 for e in made]
        flat = sum(spread == 0 for spread in spreads)
        told = f"{flat} of {len(made)} are constant, the smallest range is {min(spreads):.3g}"
        return self._finding("not constant", not flat, told)

    def _same(self, check: str, first: Sequence[Explanation], second: Sequence[Explanation]) -> Finding:
        gaps = [difference(a, b) for a, b in zip(first, second, strict=True)]
        told = f"largest difference {max(gaps):.1e} of the largest value, {_counted(len(gaps), 'explanation')}"
        return self._finding(check, max(gaps) <= TOLERANCE, told)


def _counted(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"


def sample_rows(dataset: MappedDataset, classes: int, per_class: int) -> list[int]:
    """The first rows of each class; as many, evenly spread, where no row has a label."""
    labels = np.asarray(dataset.labels)
    found = [int(row) for index in range(classes) for row in np.flatnonzero(labels == index)[:per_class]]
    spread = np.linspace(0, len(dataset) - 1, min(len(dataset), classes * per_class))
    return sorted(found) or sorted({round(row) for row in spread.tolist()})


def _finite_values(explanation: Explanation) -> NDArray[Any]:
    values = numbers(explanation)
    finite: NDArray[Any] = values[np.isfinite(values)]
    return finite


# ---- a few rows as a dataset -----------------------------------------------------------------------------------------


class _Few:
    """Some rows of a dataset, as a dataset."""

    def __init__(self, whole: MappedDataset, rows: Sequence[int]) -> None:
        self._whole, self._rows = whole, list(rows)
        self.classes, self.labels = whole.classes, np.asarray(whole.labels)[self._rows]
        self.digest = self.key = blake2b(f"{whole.key} {self._rows}".encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Sample:
        return self._whole[self._rows[row]]

    def images(self, start: int, stop: int) -> list[NDArray[np.uint8]]:
        return [self._whole[row].image for row in self._rows[start:stop]]

    def image_digest(self, row: int) -> str:
        return self._whole.image_digest(self._rows[row])

    def aligned(self, classes: tuple[str, ...]) -> _Few:
        return self  # the whole dataset is aligned already
