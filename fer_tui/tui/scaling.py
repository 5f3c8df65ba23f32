"""Which values get the lowest and the highest colour: those of the map, of all maps like it, or fixed ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fer_tui.contract import Heatmap
    from fer_tui.picture import Scale

SCALES = ("own", "shared", "fixed")


@dataclass(slots=True)
class Range:
    """The widest range of maps that are alike, and where they were made. name: the method's. like: one of them."""

    name: str
    like: Heatmap
    low: float = 0.0
    high: float = 0.0
    places: set[str] = field(default_factory=set)


class Ranges:
    """The ranges of maps. alike: gives the same text for maps that are alike."""

    def __init__(self, alike: Callable[[Heatmap], str]) -> None:
        self._alike = alike
        self._ranges: dict[str, Range] = {}

    @property
    def all(self) -> list[Range]:
        """Those of all kinds of maps, in the order in which they were met."""
        return list(self._ranges.values())

    def see(self, heatmap: Heatmap, name: str = "") -> None:
        """Count a finished map among those that are alike."""
        from fer_tui.picture import scale_of

        found, place = self.range_of(heatmap), _place(heatmap)
        if found is None:
            found = self._ranges[self._alike(heatmap)] = Range(name, heatmap)
        if place not in found.places:
            low, high = scale_of(heatmap)
            found.places.add(place)
            found.low, found.high = min(found.low, low), max(found.high, high)

    def range_of(self, heatmap: Heatmap) -> Range | None:
        """The range of the maps that are like this one."""
        return self._ranges.get(self._alike(heatmap))

    def of(self, heatmap: Heatmap) -> Scale:
        """A scale that fits this map and all that are like it."""
        from fer_tui.picture import scale_of

        (low, high), found = scale_of(heatmap), self.range_of(heatmap)
        return (low, high) if found is None else (min(low, found.low), max(high, found.high))

    def words(self, heatmap: Heatmap) -> str:
        """How many maps share that scale, this one among them."""
        found = self.range_of(heatmap)
        count = len((found.places if found is not None else set()) | {_place(heatmap)})
        return f"scale shared by {count} map{'s' if count > 1 else ''}"


class Scales:
    """mode: of SCALES. most: the value with the highest colour where it is fixed; the lowest is 0, or -most if signed.

    seen: the maps that were looked at since the start, of any image, target, filter and checkpoint; alike are those
    that one method made under the same parameters and at the same layer. Where a screen has maps of its own (see
    `on_a_sheet`), these share a scale, and no others.
    """

    def __init__(self) -> None:
        self.mode = "own"
        self.most = 1.0
        self.seen = Ranges(_kind)

    def of(self, heatmap: Heatmap, among: Ranges | None = None) -> Scale:
        """The scale that a map is drawn on. among: the maps of the screen, where not all that were seen count."""
        from fer_tui.picture import scale_of

        if self.mode == "shared":
            return (among or self.seen).of(heatmap)
        if self.mode == "fixed":
            return (-self.most if heatmap.signed else 0.0), self.most
        return scale_of(heatmap)

    def turn(self, steps: int, heatmap: Heatmap | None, among: Ranges | None = None) -> None:
        """To another mode; to fixed with the colours as they are."""
        mode = SCALES[(SCALES.index(self.mode) + steps) % len(SCALES)]
        if mode == "fixed" and heatmap is not None:
            self.fix(max(map(abs, self.of(heatmap, among))) or self.most)
        self.mode = mode

    def fix(self, most: float) -> None:
        """Give this value, above 0, the highest colour from now on."""
        self.mode, self.most = "fixed", most

    def words(self, heatmap: Heatmap) -> str:
        """The mode in words, '' for a map's own scale."""
        if self.mode == "shared":
            return self.seen.words(heatmap)
        return f"scale fixed at {'±' if heatmap.signed else ''}{self.most:.3g}" if self.mode == "fixed" else ""


def on_a_sheet() -> Ranges:
    """For the maps of one sheet: alike are those of one method under the same parameters, at whatever layer."""
    return Ranges(_method)


def _method(heatmap: Heatmap) -> str:
    """The same for maps of one method."""
    meta = heatmap.meta
    return json.dumps([meta.get("explainer"), meta.get("parameters"), heatmap.signed], default=str)


def _kind(heatmap: Heatmap) -> str:
    """The same for maps of one method at one layer."""
    return json.dumps([_method(heatmap), heatmap.meta.get("layer")], default=str)


def _place(heatmap: Heatmap) -> str:
    return json.dumps([heatmap.meta.get("place"), heatmap.meta.get("digests")], default=str)
