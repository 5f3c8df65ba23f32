"""Where explainers are tried: toy networks, pictures, and places on them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import random
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.contract import Axis, Description, Explainer, Explanation, Place, Result, Subject, parse_parameters
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine

from .broken import Broken, told
from .networks import LAYERS, Toy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fer_tui.dataset import MappedDataset
    from fer_tui.engine.tasks import Task

SIZE = (24, 20)  # not square
ROWS = 18


def pictures(channels: int = 1, size: tuple[int, int] = SIZE, seed: int = 3) -> NDArray[np.uint8]:
    """ROWS noise pictures with a dark patch: uint8 (ROWS, h, w[, 3])."""
    shape = (ROWS, *size, 3) if channels == 3 else (ROWS, *size)
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    images[:, 4:12, 5:13] //= 4
    return images


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run is of: how the network is made and fed, and which of its places is explained."""

    network: Callable[[int, int], nn.Module] = Toy
    channels: int = 1
    classes: int = 3
    size: tuple[int, int] = SIZE
    picture: tuple[int, int] | None = None  # the pictures' size where it is not the input's


PLAIN = Setting()
SIZES = {
    "two classes": dataclasses.replace(PLAIN, classes=2),
    "a thousand classes": dataclasses.replace(PLAIN, classes=1000),
    "colour": dataclasses.replace(PLAIN, channels=3),
    "an input wider than high": dataclasses.replace(PLAIN, size=(16, 30)),
    "pictures of another size than the input": dataclasses.replace(PLAIN, picture=(37, 31)),
}


class Bench:
    """One explainer under some parameters, to be tried on networks and pictures of any setting.

    Its generator runs bare, without the engine's guard, which would put back what it leaves behind.
    """

    def __init__(self, explainer: type[Explainer[Any]], parameters: Mapping[str, object]) -> None:
        self.explainer, self.parameters = explainer, parameters
        with told("asked for its description", "describe() must work on the class alone"):
            self.description: Description = explainer.describe()
            self.values = parse_parameters(self.description.name, self.description.parameters, parameters)
        self.axes = self.description.axes_for(self.values)
        self.needs_dataset = self.description.needs_dataset_for(self.values)

    @property
    def kind(self) -> str:
        return self.description.kind

    @property
    def has_batches(self) -> bool:
        """Whether it has an explain_many of its own."""
        return self.explainer.explain_many is not Explainer.explain_many

    def engine(
        self,
        setting: Setting = PLAIN,
        module: nn.Module | None = None,
        data: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None,
    ) -> Engine:
        """An engine with this explainer alone. data: images and labels in place of noise."""
        module = module if module is not None else setting.network(setting.channels, setting.classes)
        classes = _names(setting.classes)
        shape = setting.channels, setting.picture or setting.size, setting.classes
        dataset = open_dataset(data, classes=classes, cache="none") if data is not None else _noise(*shape)
        classifier = open_classifier(module, size=setting.size, classes=classes, device="cpu").steady()
        return Engine(classifier, dataset, explainers=[self.explainer])

    def place(self, engine: Engine, row: int = 4, target: int = 1, layer: int = -1, filter: int = 1) -> Place:
        """A place with all five axes chosen. layer: which of the network's LAYERS."""
        names = [each.name for each in engine.classifier.layers if each.filters and _is_map_layer(each.name)]
        return Place(row, target, names[layer] if names else None, filter, 0)

    def task(
        self,
        engine: Engine,
        place: Place | None = None,
        parameters: Mapping[str, object] | None = None,
        action: str = "",
    ) -> Task:
        """What the engine would run at `place`: the axes that are not declared are taken off it."""
        given = {**self.parameters, **(parameters or {})}
        return engine.task(self.description.name, place or self.place(engine), given, action=action)

    def bare(self, task: Task, subject: Subject | None = None) -> Generator[Result, None, None]:
        """The explainer's own generator, without the engine's guard."""
        results = dataclasses.replace(task, subject=subject or task.subject).results()
        if not isinstance(results, Generator):
            raise Broken(
                f"{task.action or 'explain'} returned a {type(results).__name__}, no generator: it cannot be stopped",
                "write it with yield, and let the work be done between the yields",
            )
        return results

    def made(self, task: Task, subject: Subject | None = None) -> Explanation:
        """The finished explanation at the task's place, without the guard."""
        with told("when it explained an image of the toy network"):
            made = [each for each in self.bare(task, subject) if isinstance(each, Result)]
        if not made:
            raise Broken("it yielded no result", "yield at least one Result, with final=True")
        return made[-1].explanation

    def whole(self, task: Task) -> Subject:
        """The task's subject with every axis chosen, also those that are not declared."""
        place, subject = task.place, task.subject
        full = dataclasses.replace(Place(4, 1, LAYERS[-1], 1, 0), **place.to_dict())
        image = subject.image if subject.image is not None else pictures()[4]
        return dataclasses.replace(subject, place=full, image=image)

    def uses(self, axis: Axis) -> bool:
        return axis in self.axes


def _is_map_layer(name: str) -> bool:
    return name.rpartition(".")[2] in (*LAYERS, "see", "read")


@functools.cache
def _noise(channels: int, size: tuple[int, int], classes: int) -> MappedDataset:
    """Noise pictures as a dataset, opened once: nobody can write into it."""
    labelled = pictures(channels, size), np.arange(ROWS) % classes
    return open_dataset(labelled, classes=_names(classes), cache="none")


def _names(classes: int) -> list[str]:
    return [f"class {number}" for number in range(classes)]


def shuffle() -> None:
    """Put the global random generators where no explainer's seed puts them."""
    random.seed("elsewhere")
    np.random.seed(987_654_321)
    torch.manual_seed(987_654_321)


def leave(results: Generator[Result, None, None]) -> None:
    """Close a generator, whatever it says: one promise alone is about that."""
    with contextlib.suppress(RuntimeError):
        results.close()


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks on several threads mostly wait, and their sums come out in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# ---- explanations to the last bit ------------------------------------------------------------------------------------


def arrays(explanation: Explanation) -> dict[str, NDArray[Any]]:
    """All arrays of an explanation, by name."""
    fields = {field.name: getattr(explanation, field.name) for field in dataclasses.fields(explanation)}
    return {name: value for name, value in {**explanation.extras, **fields}.items() if isinstance(value, np.ndarray)}


def identical(first: Explanation, second: Explanation) -> bool:
    """Whether two explanations are the same to the last bit, in numbers, tables and words."""
    a, b = arrays(first), arrays(second)
    if a.keys() != b.keys() or _words(first) != _words(second):
        return False
    return all(
        a[name].shape == b[name].shape and a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes()
        for name in a
    )


def _words(explanation: Explanation) -> tuple[object, ...]:
    tables = {name: table.to_dict() for name, table in explanation.tables.items()}
    return tables, tuple(explanation.notes), getattr(explanation, "text", "")


def copied(explanation: Explanation) -> Explanation:
    """The explanation with arrays of its own."""
    fields = {field.name: getattr(explanation, field.name) for field in dataclasses.fields(explanation)}
    own: dict[str, Any] = {name: value.copy() for name, value in fields.items() if isinstance(value, np.ndarray)}
    return dataclasses.replace(
        explanation, **own, extras={name: np.array(value) for name, value in explanation.extras.items()}
    )
