"""The engine: runs explainers on a classifier and a dataset, and computes nothing twice."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from fer_tui import plugins
from fer_tui.contract import (
    Description,
    Explainer,
    Explanation,
    Heatmap,
    InputError,
    Place,
    PluginError,
    Result,
    Subject,
    Value,
)
from fer_tui.oversight import Origin

from . import codec
from .checked import checked
from .footprint import Footprint
from .guarded import guarded
from .kept import Keeper
from .keys import judged_key
from .matching import named_by
from .scores import Scores
from .tasks import Task, make_task, targeted, together

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

    from .stores import Storage

    Image = NDArray[np.uint8]

_LARGEST_KEPT = 512 << 20  # bytes of an explanation in the store: one that is larger would put many others out


@dataclass(frozen=True, eq=False, slots=True)
class _Named:
    """What a name or an alias means. meant: the alias's parameters."""

    origin: Origin
    explainer: type[Explainer[Any]]
    description: Description
    meant: Mapping[str, Value]


class Engine:
    """Explains places of one classifier (all its checkpoints) and one dataset; at most one run at a time.

    A finished explanation is taken from the store where it is there, and put there where it was made. The classifier's
    module is as it was between two runs. store=None: nothing is kept. explainers: classes that need not be installed.
    """

    def __init__(
        self,
        classifier: TorchClassifier,
        dataset: MappedDataset | None = None,
        store: Storage | None = None,
        explainers: Sequence[type[Explainer[Any]]] = (),
    ) -> None:
        self.classifier = classifier = named_by(classifier, dataset) if dataset is not None else classifier
        self.dataset = dataset.aligned(classifier.classes) if dataset is not None else None
        self.store = store
        self._explainers = {each.name: _Named(Origin(each.name), each, each.describe(), {}) for each in explainers}
        self._chunks: dict[str, NDArray[np.float32]] = {}  # of scores
        self._kept: dict[str, Mapping[str, NDArray[Any]]] = {}
        self._footprint = Footprint()
        self._at_random: dict[tuple[object, ...], tuple[float, float]] = {}

    def described(self, method: str) -> Description:
        """The explainer of that name or alias; InputError where there is none, PluginError where it fails to load."""
        return self._named(method).description

    def _named(self, method: str) -> _Named:
        if method not in self._explainers:
            name, meant = plugins.resolve(method)
            explainer = plugins.load(name)
            self._explainers[method] = _Named(plugins.origin(name), explainer, plugins.description(explainer), meant)
        return self._explainers[method]

    def task(
        self,
        method: str,
        place: Place,
        parameters: Mapping[str, object],
        image: Image | None = None,
        action: str = "",
        *,
        open_target: bool = False,
    ) -> Task:
        """Everything that was asked for, checked: InputError names what is wrong.

        Its target is the predicted class where none is named; open_target: see `targeted`, for many tasks.
        """
        checkpoint = place.checkpoint if place.checkpoint is not None else self.classifier.default
        classifier = self.classifier.at(checkpoint)
        named = self._named(method)
        given = plugins.with_alias(method, named.description, named.meant, parameters)
        task = make_task(
            named.origin,
            named.explainer,
            named.description,
            classifier,
            self.dataset,
            place,
            given,
            image,
            action,
            open_target=open_target,
        )
        if self.dataset is None:
            return task
        digests = task.digests["classifier"], self.dataset.digest, *self.dataset.classes
        kept = Keeper(task.description, digests, self.store, self._kept)
        subject = dataclasses.replace(task.subject, scores=lambda: self.scores(checkpoint), kept=kept)
        return dataclasses.replace(task, subject=subject)

    def explain(
        self,
        method: str,
        place: Place | None = None,
        parameters: Mapping[str, object] | None = None,
        *,
        image: Image | None = None,
        fresh: bool = False,
    ) -> Generator[Result, None, None]:
        """Better and better results; the last one for `place` is final. Closing the generator stops the work.

        image: explained instead of the dataset's row `place.image`. fresh: made again even where the store has it.
        InputError names a wrong method, parameter, row, class, layer or filter; PluginError tells what broke.
        """
        return self.run(self.task(method, place or Place(), parameters or {}, image), fresh=fresh)

    def run(self, task: Task, *, fresh: bool = False) -> Generator[Result, None, None]:
        """The results of one task."""
        stored = None if fresh else self._stored(task)
        if stored is not None:
            yield Result(task.place, stored, True, 1.0)
            return
        with closing(self._run([task], task.results)) as results:
            yield from results

    def judge(self, task: Task, *, fresh: bool = False, ends: bool = False) -> Generator[Result, None, None]:
        """The heat map of one task, then the same with what `trust` finds of it, as the final result.

        ends: only the ends of the cascade of random layers, which the verdicts need: see `trust`.
        InputError where it is no heat map, or one without an image and a target.
        """
        if task.action:
            raise InputError(f"action {task.action}", "cannot be judged", "judge the explanation itself")
        from .trust import trust
        from .verdicts import judged

        key = judged_key(task.key(), ends=ends)
        stored = None if fresh else self._found(key)
        if stored is not None:
            yield Result(task.place, stored, True, 1.0)
            return
        heatmap = None
        with closing(self.run(task, fresh=fresh)) as results:
            for result in results:
                if result.place == task.place:
                    heatmap = result.explanation
                    yield dataclasses.replace(result, final=False, progress=None)
        if not isinstance(heatmap, Heatmap):
            raise InputError(f"method {task.description.name}", "makes no heat map, and only those can be judged")
        work = partial(trust, task, ends=ends, heatmap=heatmap, known=self._at_random)
        with closing(guarded(task, work, self._footprint)) as steps:
            for share, found in steps:
                if found is None:
                    yield Result(task.place, heatmap, False, share)
                    continue
                made = judged(heatmap, found)
                if self.store is not None:
                    self.store.put(key, codec.pack(made), method=task.description.name, kind=made.kind)
                yield Result(task.place, made, True, 1.0)

    def explain_many(
        self,
        method: str,
        places: Sequence[Place],
        parameters: Mapping[str, object] | None = None,
        *,
        images: Sequence[Image] | None = None,
        fresh: bool = False,
        whole: bool = False,
    ) -> Generator[Result, None, None]:
        """One final result for each of `places`, in their order: the numbers of `explain`, in batches.

        images: one for each place, explained instead of the dataset's rows; `place.image` then only numbers them.
        whole: all are made, or all taken from the store, for the last digits hang on what is made together.
        """
        given = images if images is not None else itertools.repeat(None, len(places))
        asked = zip(places, given, strict=True)
        with self.classifier.still():  # else its weights are looked at for each place anew
            tasks = [self.task(method, place, parameters or {}, image, open_target=True) for place, image in asked]
            tasks = targeted(tasks)
        tasks = together(tasks) if whole else tasks
        found = {n: e for n, task in enumerate(tasks) if not fresh and (e := self._stored(task)) is not None}
        if whole and len(found) < len(tasks):
            found = {}
        missing = [task for n, task in enumerate(tasks) if n not in found]
        with closing(self.finals(missing)) as made:
            for n, task in enumerate(tasks):
                yield Result(task.place, found[n], True, 1.0) if n in found else next(made)

    def scores(
        self, checkpoint: int | None = None, start: int = 0, rows: Sequence[int] = ()
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Raw scores of the whole dataset as (first row, (n, classes)), from row `start` on and round.

        rows: these come before all others, and again in their turn.
        """
        return self.scores_of(checkpoint).stream(start, rows)

    def scores_of(self, checkpoint: int | None = None) -> Scores:
        """Those of one checkpoint, chunk by chunk."""
        number = checkpoint if checkpoint is not None else self.classifier.default
        if self.dataset is None:
            raise InputError("dataset", "none is open", "name one with --data")
        digests = self.classifier.digests
        if not 0 <= number < len(digests):
            self.classifier.at(number)  # says what there is
        together = self.classifier.first_pass
        opened = partial(self.classifier.at, number)
        return Scores(opened, digests[number], self.dataset, self.store, self._chunks, together)

    def finals(self, tasks: Sequence[Task]) -> Generator[Result, None, None]:
        """Final results of tasks of one method in their order, all made; neighbours with the same weights together."""
        for _, group in itertools.groupby(tasks, key=lambda task: task.digests["classifier"]):
            batch = list(group)
            first, subjects = batch[0], [task.subject for task in batch]

            def start(first: Task = first, subjects: Sequence[Subject] = subjects) -> Iterator[Result]:
                return first.explainer().explain_many(subjects, first.parameters)

            with closing(self._run(batch, start)) as run:
                finals = (result for result in run if result.final)
                made: dict[Place, Result] = {}  # a run may yield places before their turn
                for task in batch:
                    while task.place not in made:
                        result = next(finals, None)
                        if result is None:
                            fault = f"its explain_many left out {task.place.to_dict()}"
                            raise PluginError(str(first.origin), fault)
                        made[result.place] = result
                    yield made.pop(task.place)

    def _run(self, tasks: Sequence[Task], start: Callable[[], Iterator[Result]]) -> Generator[Result, None, None]:
        """Run an explainer's generator: check, label and store what it yields; whatever it raises names it."""
        by_place = {task.place: task for task in tasks}
        by_image = {task.place.image: task for task in tasks}  # of places that nobody asked for
        began = time.perf_counter()
        with closing(guarded(tasks[0], start, self._footprint)) as results:
            for each in results:
                result = checked(each, tasks[0])
                task = by_place.get(result.place) or by_image.get(result.place.image, tasks[0])
                explanation = task.labelled(result.explanation, result.place, time.perf_counter() - began)
                if result.final:
                    self._keep(task, result.place, explanation)
                yield Result(result.place, explanation, result.final, result.progress)

    def _keep(self, task: Task, place: Place, explanation: Explanation) -> None:
        if self.store is not None and (blob := codec.pack(explanation)) and len(blob) <= _LARGEST_KEPT:
            self.store.put(task.key(place), blob, method=task.description.name, kind=explanation.kind)

    def _stored(self, task: Task) -> Explanation | None:
        return self._found(task.key()) if self.store is not None else None

    def _found(self, key: str) -> Explanation | None:
        blob = self.store.get(key) if self.store is not None else None
        return codec.unpack(blob) if blob is not None else None
