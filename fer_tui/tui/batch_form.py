"""The form of a batch, without its popup: what can be chosen, and what is asked for then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_tui.batch import Asked
from fer_tui.batch.asked import ALL
from fer_tui.contract import Axis, Description, plain
from fer_tui.engine.messages import Variant

from .command import is_run
from .stored import Counting, counting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .browser import Browser, Target
    from .choice import Choice
    from .project import Project

METHOD, OUT = "method", "out"
NAMES = {
    METHOD: "method",
    "where": "images",
    "targets": "class",
    "layers": "layer",
    "filters": "filter",
    "checkpoints": "checkpoint",
    "half": "values",
    OUT: "into",
}  # of the fields


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen in a field: how it is told, and what is asked for then (None: as usual)."""

    title: str
    value: Any = None


class BatchForm:
    """Begins with what the explorer shows. at: the field of the cursor.

    Each field has the name of what it gives to `Asked`; a method has those of the axes that it uses.
    """

    def __init__(self, project: Project, choice: Choice, browser: Browser) -> None:
        self._project, self._choice, self._browser = project, choice, browser
        self.methods = project.methods_for(dataset=False)
        now = choice.method
        self._chosen = {METHOD: self.methods.index(now) if now in self.methods else 0}
        self._chosen["where"] = 1 if browser.narrowing else 0
        self._chosen["targets"] = {"predicted": 0, "true": 1}.get(str(browser.target), 3)
        self.at = 0

    @property
    def method(self) -> Description | None:
        """The method that is chosen; None where there is none."""
        return self.methods[self._chosen[METHOD]] if self.methods else None

    @property
    def fields(self) -> dict[str, tuple[Option, ...]]:
        """The options of each field, at least one, by its name."""
        method = self.method
        if method is None:
            return {}
        axes = method.axes_for(self._choice.parameters(method))
        found = {
            METHOD: [Option(plain(each.title), each.name) for each in self.methods],
            "where": list(self._images()) if Axis.IMAGE in axes else [],
            "targets": list(self._classes(images=Axis.IMAGE in axes)) if Axis.TARGET in axes else [],
            "layers": list(self._layers()) if Axis.LAYER in axes else [],
            "checkpoints": list(self._checkpoints()),
            "half": list(self._precisions()) if method.kind == "heatmap" else [],
            OUT: list(self._stores()),
        }
        return {name: tuple(options) for name, options in found.items() if options}

    def chosen(self, field: str) -> Option:
        """What is chosen in a field."""
        options = self.fields[field]
        return options[min(self._chosen.get(field, 0), len(options) - 1)]

    def move(self, steps: int) -> None:
        """To another field, round the form."""
        self.at = (self.at + steps) % max(1, len(self.fields))

    def turn(self, steps: int) -> None:
        """Another option of the field at the cursor, round its options."""
        fields = self.fields
        if fields:
            name = list(fields)[self.at]
            now = fields[name].index(self.chosen(name))
            self._chosen[name] = (now + steps) % len(fields[name])

    @property
    def asked(self) -> Asked | None:
        """The batch; None where there is no method for one."""
        if self.method is None:
            return None
        values = {name: self.chosen(name).value for name in self.fields if name not in (METHOD, OUT)}
        given = {name: value for name, value in values.items() if value is not None}
        return Asked(self.method.name, self._choice.parameters(self.method), **given)

    @property
    def out(self) -> Path | None:
        """The folder of the store that it is written to; None: the own one."""
        return self.chosen(OUT).value if OUT in self.fields else None

    @property
    def title(self) -> str:
        """What the batch makes, in words."""
        return ", ".join(self.chosen(name).title for name in self.fields if name not in ("half", OUT))

    @property
    def counting(self) -> Counting:
        """What is counted: of each method, under its current parameters, the chosen images and classes."""
        variants = [Variant(each.name, self._choice.parameters(each)) for each in self.methods]
        return counting(variants, self._browser, self._rows(), self._target())

    def _rows(self) -> NDArray[np.int64]:
        browser = self._browser
        where = self.chosen("where").value if "where" in self.fields else None
        if where is None:
            return browser.predictions.rows
        if where == "marked" and browser.marks is not None:
            return np.asarray(browser.marks.marked.nonzero()[0])
        return browser.listed

    def _target(self) -> Target | None:
        """The class of each image; None: all."""
        chosen: Target | str = self.chosen("targets").value if "targets" in self.fields else "predicted"
        return chosen if chosen in ("predicted", "true") or isinstance(chosen, int) else None

    # ---- options -----------------------------------------------------------------------------------------------------

    def _images(self) -> Iterator[Option]:
        browser = self._browser
        yield Option(f"all {len(browser.predictions):,}")
        if browser.narrowing:
            yield Option(f"the {browser.count:,} listed: {plain(browser.narrowing)}", browser.narrowing)
        if browser.has_marked and browser.marks is not None and browser.narrowing.strip() != "marked":
            yield Option(f"the {browser.marks.count:,} marked", "marked")

    def _classes(self, *, images: bool) -> Iterator[Option]:
        browser = self._browser
        if images:
            yield Option("the predicted one", "predicted")
            yield Option("the true one", "true")
        yield Option(f"all {len(browser.classes)}", ALL)
        if browser.target_class is not None:
            yield Option(plain(browser.classes[browser.target_class]), browser.target_class)

    def _layers(self) -> Iterator[Option]:
        layer, classifier = self._browser.layer, self._project.classifier
        yield Option("the method's own choice") if layer is None else Option(plain(layer), (layer,))
        layers = [each for each in classifier.layers if each.filters] if classifier is not None else []
        if len(layers) > 1:
            yield Option(f"all {len(layers)}", ALL)

    def _checkpoints(self) -> Iterator[Option]:
        """None where there is but one."""
        classifier, settings, now = self._project.classifier, self._project.settings, self._browser.checkpoint
        if classifier is None or settings is None or not is_run(settings):
            return
        yield Option(f"{plain(classifier.checkpoints[now])}, which is shown", (now,))
        if len(classifier.checkpoints) > 1:
            yield Option(f"all {len(classifier.checkpoints)}", ALL)

    def _precisions(self) -> Iterator[Option]:
        yield Option("float32")
        yield Option("float16, where that loses little", True)

    def _stores(self) -> Iterator[Option]:
        """None where there is but the own one."""
        others = self._project.stores[1:]
        if others:
            yield Option("the own store")
        for each in others:
            yield Option(plain(each.path.parent), each.path.parent)
