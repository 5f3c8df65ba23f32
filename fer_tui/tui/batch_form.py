"""The form of a batch, without its popup: what can be chosen, and what is asked for then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fer_tui.contract import Axis, Description, plain
from fer_tui.engine.messages import Kind

from .batching import Asked
from .command import is_run
from .stored import MOST, Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .browser import Browser, Target
    from .choice import Choice
    from .project import Project

METHOD, IMAGES, CLASS, LAYER, CHECKPOINT = "method", "images", "class", "layer", "checkpoint"
_ALL = ("all",)


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen in a field: how it is told, and what the command is given for it."""

    title: str
    value: tuple[str, ...] = ()


class BatchForm:
    """Begins with what the explorer shows. at: the field of the cursor.

    A field has at least one option; a method's own fields (class, layer) are there where it hangs on them.
    """

    def __init__(self, project: Project, choice: Choice, browser: Browser) -> None:
        self._project, self._choice, self._browser = project, choice, browser
        self.methods = tuple(each for each in project.methods_for(dataset=False) if _explains_images(choice, each))
        now = choice.method
        self._chosen = {METHOD: self.methods.index(now) if now in self.methods else 0}
        self._chosen[IMAGES] = 1 if browser.narrowing else 0
        self._chosen[CLASS] = {"predicted": 0, "true": 1}.get(str(browser.target), 3)
        self.at = 0

    @property
    def method(self) -> Description | None:
        """The method that is chosen; None where none explains an image."""
        return self.methods[self._chosen[METHOD]] if self.methods else None

    @property
    def fields(self) -> dict[str, tuple[Option, ...]]:
        """The options of each field, by its name."""
        method = self.method
        if method is None:
            return {}
        axes = method.axes_for(self._choice.parameters(method))
        found = {METHOD: tuple(Option(plain(each.title), (each.name,)) for each in self.methods)}
        found[IMAGES] = tuple(self._images())
        if Axis.TARGET in axes:
            found[CLASS] = tuple(self._classes())
        if Axis.LAYER in axes:
            found[LAYER] = tuple(self._layers())
        if len(checkpoints := tuple(self._checkpoints())) > 1:
            found[CHECKPOINT] = checkpoints
        return found

    def chosen(self, field: str) -> Option:
        """What is chosen in a field."""
        options = self.fields[field]
        return options[min(self._chosen.get(field, 0), len(options) - 1)]

    def move(self, steps: int) -> None:
        """To another field, round the form."""
        self.at = (self.at + steps) % max(1, len(self.fields))

    def turn(self, steps: int) -> None:
        """Another option of the field at the cursor, round its options."""
        names = list(self.fields)
        if names:
            name = names[self.at]
            options = self.fields[name]
            self._chosen[name] = (options.index(self.chosen(name)) + steps) % len(options)
            self.at = list(self.fields).index(name)  # another method has other fields

    # ---- what is asked for -------------------------------------------------------------------------------------------

    @property
    def asked(self) -> Asked | None:
        """The batch; None where there is no method for one."""
        method, fields = self.method, self.fields
        if method is None:
            return None
        values = {name: self.chosen(name).value for name in fields}
        return Asked(
            method.name,
            self._choice.parameters(method),
            "".join(values[IMAGES]),
            "".join(values.get(CLASS, ("predicted",))),
            values.get(LAYER, ()),
            values.get(CHECKPOINT, self._checkpoint() if self._is_run else ()),
        )

    @property
    def title(self) -> str:
        """What the batch makes, in words."""
        fields = list(self.fields)
        return ", ".join(self.chosen(name).title for name in fields)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Each method under its current parameters."""
        return tuple(Kind(each.name, self._choice.parameters(each)) for each in self.methods)

    @property
    def places(self) -> Places:
        """Where it is counted what is stored: the chosen images and classes, at the layer and checkpoint shown.

        At most MOST, evenly spread over all that are meant.
        """
        browser = self._browser
        rows, predictions = self._rows(), browser.predictions
        target = self._target()
        count = len(browser.classes) if target is None else 1
        pairs = len(rows) * count
        picked = np.arange(pairs) if pairs <= MOST else np.arange(MOST) * pairs // MOST
        some = rows[picked // count]
        known: dict[Target, NDArray[np.integer]] = {"predicted": predictions.predicted, "true": predictions.labels}
        targets = picked % count if target is None else known[target][some] if target in known else np.full(len(some), target)
        return Places(
            tuple(some.tolist()),
            tuple(map(int, targets)),
            pairs <= MOST,
            browser.layer,
            browser.checkpoint,
        )

    def _rows(self) -> NDArray[np.int64]:
        where, browser = self.chosen(IMAGES).value, self._browser
        if not where:
            return browser.predictions.rows
        if where == ("marked",) and browser.marks is not None:
            return np.asarray(browser.marks.marked.nonzero()[0])
        return browser.listed

    def _target(self) -> Target | None:
        """The class of each image; None: all."""
        chosen = self._chosen[CLASS]
        return ("predicted", "true", None, self._browser.target_class or 0)[min(chosen, 3)]

    # ---- options -----------------------------------------------------------------------------------------------------

    def _images(self) -> Iterator[Option]:
        browser = self._browser
        yield Option(f"all {len(browser.predictions):,}")
        if browser.narrowing:
            yield Option(f"the {browser.count:,} listed: {plain(browser.narrowing)}", (browser.narrowing,))
        if browser.has_marked and browser.marks is not None and browser.narrowing.strip() != "marked":
            yield Option(f"the {browser.marks.count:,} marked", ("marked",))

    def _classes(self) -> Iterator[Option]:
        browser = self._browser
        yield Option("the predicted one", ("predicted",))
        yield Option("the true one", ("true",))
        yield Option(f"all {len(browser.classes)} of each image", _ALL)
        if browser.target_class is not None:
            name = browser.classes[browser.target_class]
            yield Option(plain(name), (name,))

    def _layers(self) -> Iterator[Option]:
        layer, classifier = self._browser.layer, self._project.classifier
        yield Option("the method's own choice") if layer is None else Option(plain(layer), (layer,))
        layers = [each for each in classifier.layers if each.filters] if classifier is not None else []
        if len(layers) > 1:
            yield Option(f"all {len(layers)} layers", _ALL)

    def _checkpoints(self) -> Iterator[Option]:
        classifier, now = self._project.classifier, self._browser.checkpoint
        if classifier is None or now >= len(classifier.checkpoints):
            return
        yield Option(f"{plain(classifier.checkpoints[now])}, the current one", self._checkpoint())
        if len(classifier.checkpoints) > 1:
            yield Option(f"all {len(classifier.checkpoints)}", _ALL)

    def _checkpoint(self) -> tuple[str, ...]:
        return (str(self._browser.checkpoint),)

    @property
    def _is_run(self) -> bool:
        settings = self._project.settings
        return settings is not None and is_run(settings)


def _explains_images(choice: Choice, method: Description) -> bool:
    return Axis.IMAGE in method.axes_for(choice.parameters(method))
