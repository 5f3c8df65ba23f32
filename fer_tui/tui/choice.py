"""What explains: the method, its parameters, and the layer and filter that it is at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_tui.contract import Axis, Description, Explanation, Layer, ParameterInfo, Value
from fer_tui.engine import defaults
from fer_tui.engine.settings import Default

from .asking import Request
from .project import Project

if TYPE_CHECKING:
    from .browser import Browser

_FIRST, _FIRST_MATRIX = "saliency", "confusion"  # the methods at the start, where they are installed


class Choice:
    """The user's choice of method, parameters, layer and filter.

    where: the list and the place in it, once there is one. shown: the explanation that is on the screen.
    """

    def __init__(
        self, project: Project, where: Callable[[], Browser | None], shown: Callable[[], Explanation | None]
    ) -> None:
        self._project, self._where, self._shown = project, where, shown
        self._method, self._matrix = _FIRST, _FIRST_MATRIX
        self.contrast = False  # maps are those of the explained class minus another one's
        self._given: dict[str, dict[str, Value]] = {}  # parameters that were chosen, by method

    @property
    def method(self) -> Description | None:
        """The explainer whose explanations Explore shows."""
        known = self._project.methods_for(dataset=False)
        return next((each for each in known if each.name == self._method), known[0] if known else None)

    @property
    def matrix(self) -> Description | None:
        """The explainer whose matrix of the whole dataset Classes shows."""
        known = self._project.methods_for(dataset=True)
        return next((each for each in known if each.name == self._matrix), known[0] if known else None)

    def choose_matrix(self, number: int) -> None:
        """Use the explainer of the whole dataset with this number, from 0."""
        self._matrix = self._project.methods_for(dataset=True)[number].name

    def choose_method(self, number: int) -> bool:
        """Use the method with this number, from 0; whether there is one."""
        known = self._project.methods_for(dataset=False)
        if not 0 <= number < len(known):
            return False
        self._method = known[number].name
        return True

    def choose_named(self, name: str) -> None:
        """Use the method of this name, where there is one."""
        if any(each.name == name for each in self._project.methods_for(dataset=False)):
            self._method = name

    @property
    def given(self) -> dict[str, dict[str, Value]]:
        """The parameters that are not the default, by method."""
        known = self._project.methods
        found = {}
        for name, values in self._given.items():
            usual = self.usual(known[name]) if name in known else {}
            if other := {key: value for key, value in values.items() if value != usual.get(key)}:
                found[name] = other
        return found

    def choose_alias(self, description: Description, alias: str) -> None:
        """Use a method under the name that the literature has for it."""
        self.choose_under(description, description.aliases[alias])

    def choose_under(self, description: Description, parameters: Mapping[str, Value]) -> None:
        """Use a method, with these of its parameters."""
        self._method = description.name
        self._given.setdefault(description.name, {}).update(parameters)

    def parameters(self, description: Description) -> dict[str, Value]:
        """The current parameters of an explainer."""
        given = self._given.get(description.name, {})
        return {name: given.get(name, usual) for name, usual in self.usual(description).items()}

    def defaults(self, description: Description) -> dict[str, Default]:
        """The defaults that the configuration gives for an explainer, with where each stands."""
        settings = self._project.settings
        given = settings.parameters.get(description.name, {}) if settings is not None else {}
        return defaults.checked(description, given)[0]

    def usual(self, description: Description) -> dict[str, Value]:
        """All parameters of an explainer as they are when none is chosen."""
        own = self.defaults(description)
        return {info.name: defaults.of(info, own) for info in description.parameters}

    def reset(self, description: Description) -> None:
        """Use all defaults again."""
        self._given.pop(description.name, None)

    def set_parameter(self, description: Description, info: ParameterInfo, given: object) -> None:
        """Use another value from now on; InputError where it is none."""
        self._given.setdefault(description.name, {})[info.name] = info.parse(given)

    def request(self, description: Description, browser: Browser) -> Request:
        """What is asked for at the place: the explanation, or the contrast, where there is one and it is chosen."""
        request = self._project.request(description, self.parameters(description), browser.place)
        if self.contrast and request.place.target is not None and description.kind == "heatmap":
            return replace(request, against=browser.other_class)
        return request

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that the method can be at: none where it has no layer axis, under its parameters."""
        method, classifier = self.method, self._project.classifier
        if method is None or classifier is None or Axis.LAYER not in method.axes_for(self.parameters(method)):
            return ()
        return tuple(each for each in classifier.layers if each.filters)

    @property
    def layer(self) -> str | None:
        """The layer that is explained: the chosen one, else the one that the method chose by itself."""
        browser = self._where()
        if browser is None or browser.layer is not None:
            return browser.layer if browser is not None else None
        explanation = self._shown()
        return str(explanation.meta["layer"]) if explanation is not None and "layer" in explanation.meta else None

    def choose_layer(self, number: int) -> None:
        """Be at the layer of that number among `layers`."""
        browser = self._where()
        if browser is not None and self.layers:
            browser.layer = self.layers[min(max(number, 0), len(self.layers) - 1)].name
            browser.filter = None

    def move_layer(self, steps: int) -> bool:
        """To a neighbouring layer; whether the method has any."""
        names = [each.name for each in self.layers]
        if not names:
            return False
        now = names.index(self.layer) if self.layer in names else len(names) - 1
        self.choose_layer(now + steps)
        return True

    def move_filter(self, steps: int) -> bool:
        """To a neighbouring filter of the layer, between the last and the first one to all; whether there are any."""
        method, browser = self.method, self._where()
        layer = next((each for each in self.layers if each.name == self.layer), None)
        if browser is None or method is None or layer is None:
            return False
        if Axis.FILTER not in method.axes_for(self.parameters(method)):
            return False
        now = -1 if browser.filter is None else browser.filter
        new = (now + 1 + steps) % (layer.filters + 1) - 1
        browser.layer, browser.filter = layer.name, None if new < 0 else new
        return True
