"""Says once, soon after its start, that an explanation takes long: what it takes, how long, how to ask for less."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fer_tui.amounts import duration
from fer_tui.contract import Axis, Gallery, plain

if TYPE_CHECKING:
    from fer_tui.contract import Description, Place, Result, Value

_SOON, _LONG = 2.0, 15.0  # seconds after which it can be told; what has to be left, so that it is worth a line
_REPEATED = ("steps", "samples")  # parameters that an explainer's time goes with


class Lasting:
    """Watches the results of one explanation from now on. place: as it is asked for."""

    def __init__(self, description: Description, values: Mapping[str, Value], place: Place) -> None:
        self._description, self._values, self._place = description, values, place
        self._first: tuple[float, float] | None = None  # time and share of the first result: before it is preparation
        self._told = False

    def __call__(self, result: Result, now: float | None = None) -> str:
        """The line, '' where there is nothing to tell, not yet or not again. now: of the monotonic clock."""
        now, share = time.monotonic() if now is None else now, result.progress
        if self._told or share is None:
            return ""
        since, done = self._first = self._first or (now, share)
        if now - since < _SOON or share <= done:
            return ""
        left = (now - since) * (1 - share) / (share - done)
        if left < _LONG:
            return ""
        self._told = True
        less = ", ".join(self._less())
        about = f"{self._description.name}: {self._what(result)}about {duration(left)} left"
        return f"{about}; for less: {less}" if less else about

    @property
    def _is_all(self) -> bool:
        """Whether it makes all filters of a layer, for none is named."""
        return Axis.FILTER in self._description.axes_for(self._values) and self._place.filter is None

    def _what(self, result: Result) -> str:
        layer = result.explanation.meta.get("layer")
        if not self._is_all or layer is None or not isinstance(result.explanation, Gallery):
            return ""
        return f"pictures of all filters of {plain(layer)}, {len(result.explanation.images)}: "

    def _less(self) -> Iterator[str]:
        if self._is_all:
            yield "--layer L --filter F for one filter"
        for name in _REPEATED:
            if name in self._values:
                yield f"-p {name}=N (now {self._values[name]})"
