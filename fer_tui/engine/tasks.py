"""A task: one explanation to be made, checked, with its target resolved, and with all that names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fer_tui.contract import (
    Axis,
    Description,
    Explainer,
    Explanation,
    InputError,
    Parameters,
    Place,
    Result,
    Subject,
    Value,
    nearest,
    parse_parameters,
)
from fer_tui.oversight import Origin

from .codec import KINDS
from .keys import action_key, company_key, explanation_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset


@dataclass(frozen=True, eq=False, slots=True)
class Task:
    """What to explain, with what. digests: of classifier, image and dataset, where the explanation hangs on them.

    action: the name of the action that is asked for instead, whose axes `description` has; '' for none.
    company: the key of all that it is made together with, where even its last digits count; else ''.
    """

    origin: Origin
    explainer: type[Explainer[Any]]
    description: Description
    values: Mapping[str, Value]
    subject: Subject
    digests: Mapping[str, str]
    action: str = ""
    company: str = ""

    def results(self) -> Iterator[Result]:
        """What the explainer yields: of `explain`, or of the action."""
        explainer = self.explainer()
        if self.action:
            return explainer.act(self.action, self.subject, self.parameters)
        return explainer.explain(self.subject, self.parameters)

    def suits(self, result: object) -> bool:
        """Whether that is a result that the explainer may yield: one of its kind, of an action any kind."""
        if not isinstance(result, Result) or type(result.explanation) not in KINDS.values():
            return False
        return bool(self.action) or result.explanation.kind == self.description.kind

    @property
    def place(self) -> Place:
        return self.subject.place

    @property
    def parameters(self) -> Parameters:
        values: dict[str, Any] = dict(self.values)
        return self.explainer.Parameters(**values)

    def key(self, place: Place | None = None) -> str:
        """The store's key for the task's own place, or for another one that its run yields too."""
        key = explanation_key(
            self.description,
            self.values,
            place or self.place,
            classifier_digest=self.digests["classifier"],
            image_digest=self.digests.get("image"),
            dataset_key=self.digests.get("dataset"),
            label=self.subject.label,
        )
        key = action_key(key, self.action)
        return company_key([key, self.company]) if self.company else key

    def labelled(self, explanation: Explanation, place: Place, seconds: float) -> Explanation:
        """`explanation` with its meta: what made it, of what, where, how long it took."""
        classifier = self.subject.classifier
        meta: dict[str, Any] = {
            **explanation.meta,
            "explainer": self.description.name,
            "version": self.description.version,
            "parameters": dict(self.values),
            "seed": self.values["seed"],
            "place": place.to_dict(),
            "digests": dict(self.digests),
            "classes": list(classifier.classes),
            "device": str(classifier.device),
            "seconds": round(seconds, 6),
            **({"action": self.action} if self.action else {}),
        }
        return dataclasses.replace(explanation, meta=meta)


def together(tasks: Sequence[Task]) -> list[Task]:
    """The same tasks, each in the company of all."""
    company = company_key([task.key() for task in tasks])
    return [dataclasses.replace(task, company=company) for task in tasks]


def targeted(tasks: Sequence[Task]) -> list[Task]:
    """The same tasks; where no target was named, but is wanted, it is the predicted class: found for all at once."""
    made = list(tasks)
    open_ones: dict[str, list[int]] = {}
    for n, task in enumerate(tasks):
        if task.place.target is None and Axis.TARGET in task.description.axes_for(task.values):
            open_ones.setdefault(task.digests["classifier"], []).append(n)
    for numbers in open_ones.values():
        subjects = [tasks[n].subject for n in numbers]
        scores = subjects[0].classifier.predict([each.image for each in subjects if each.image is not None])
        for n, subject, target in zip(numbers, subjects, scores.argmax(1).tolist(), strict=True):
            place = dataclasses.replace(subject.place, target=target)
            made[n] = dataclasses.replace(tasks[n], subject=dataclasses.replace(subject, place=place))
    return made


def make_task(
    origin: Origin,
    explainer: type[Explainer[Any]],
    description: Description,
    classifier: TorchClassifier,
    dataset: MappedDataset | None,
    place: Place,
    parameters: Mapping[str, object],
    image: NDArray[np.uint8] | None = None,
    action: str = "",
    *,
    open_target: bool = False,
) -> Task:
    """Check all that was asked for; the predicted class is the target where none is given (open_target: none is).

    image: explained instead of the dataset's row. action: asked for instead of the explanation. InputError names what
    is wrong. The subject has no scores yet.
    """
    description = description.for_action(action)
    values = parse_parameters(description.name, description.parameters, parameters)
    axes = description.axes_for(values)
    digests = {"classifier": classifier.digest}
    label = -1
    if Axis.IMAGE not in axes:
        image = None
    elif image is not None:
        from fer_tui.dataset import image_digest

        digests["image"] = image_digest(image)
    elif dataset is None or place.image is None:
        raise InputError("image", f"{description.name} explains an image, and none is given", "name its row")
    else:
        sample = dataset[place.image]
        image, label, digests["image"] = sample.image, sample.label, dataset.image_digest(place.image)
    if description.needs_dataset_for(values):
        if dataset is None:
            raise InputError("dataset", f"{description.name} needs one, and none is open", "name one with --data")
        digests["dataset"] = dataset.key
    place = _resolved(place.on(axes | {Axis.CHECKPOINT}), axes, classifier, image, open_target=open_target)
    subject = Subject(classifier, place, image, label, dataset)
    return Task(origin, explainer, description, values, subject, digests, action)


def _resolved(
    place: Place,
    axes: frozenset[Axis],
    classifier: TorchClassifier,
    image: NDArray[np.uint8] | None,
    *,
    open_target: bool,
) -> Place:
    """`place` checked against the classifier, with its target."""
    count = len(classifier.classes)
    if Axis.TARGET in axes and place.target is None:
        if image is None:
            raise InputError("target", "no class is given", f"name one of {', '.join(classifier.classes)}")
        if not open_target:
            place = dataclasses.replace(place, target=int(classifier.predict([image])[0].argmax()))
    if place.target is not None and not 0 <= place.target < count:
        raise InputError("target", f"there is no class {place.target}", f"classes are 0 to {count - 1}")
    if place.layer is None:
        return place
    layers = {layer.name: layer for layer in classifier.layers}
    if place.layer not in layers:
        raise InputError(f"layer {place.layer}", f"the network has no such layer{nearest(place.layer, layers)}")
    filters = layers[place.layer].filters
    if place.filter is not None and not 0 <= place.filter < filters:
        raise InputError(f"filter {place.filter}", f"layer {place.layer} has {filters} filters, counted from 0")
    return place
