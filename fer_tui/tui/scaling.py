"""Which values get the lowest and the highest colour: those of the map, of all maps like it, or fixed ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fer_tui.contract import Heatmap
    from fer_tui.picture import Scale

SCALES = ("own", "shared", "fixed")


@dataclass(slots=True)
class _Seen:
    """The widest range of maps that are alike, and where they were made."""

    low: float = 0.0
    high: float = 0.0
    places: set[str] = field(default_factory=set)


class Scales:
    """mode: of SCALES. most: the value with the highest colour where it is fixed; the lowest is 0, or -most if signed.

    Maps are alike that one method made under the same parameters and at the same layer: their shared scale fits all
    that were looked at since the start, of any image, target, filter and checkpoint.
    """

    def __init__(self) -> None:
        self.mode = "own"
        self.most = 1.0
        self._seen: dict[str, _Seen] = {}

    def see(self, heatmap: Heatmap) -> None:
        """Count a finished map among those that are alike."""
        from fer_tui.picture import scale_of

        seen, place = self._seen.setdefault(_kind(heatmap), _Seen()), _place(heatmap)
        if place not in seen.places:
            low, high = scale_of(heatmap)
            seen.places.add(place)
            seen.low, seen.high = min(seen.low, low), max(seen.high, high)

    def of(self, heatmap: Heatmap) -> Scale:
        """The scale that a map is drawn on."""
        from fer_tui.picture import scale_of

        low, high = scale_of(heatmap)
        if self.mode == "shared":
            seen = self._seen.get(_kind(heatmap), _Seen())
            return min(low, seen.low), max(high, seen.high)
        if self.mode == "fixed":
            return (-self.most if heatmap.signed else 0.0), self.most
        return low, high

    def turn(self, steps: int, heatmap: Heatmap | None) -> None:
        """To another mode; to fixed with the colours as they are."""
        mode = SCALES[(SCALES.index(self.mode) + steps) % len(SCALES)]
        if mode == "fixed" and heatmap is not None:
            self.fix(max(map(abs, self.of(heatmap))) or self.most)
        self.mode = mode

    def fix(self, most: float) -> None:
        """Give this value, above 0, the highest colour from now on."""
        self.mode, self.most = "fixed", most

    def words(self, heatmap: Heatmap) -> str:
        """The mode in words, '' for a map's own scale."""
        if self.mode == "shared":
            count = len(self._seen.get(_kind(heatmap), _Seen()).places | {_place(heatmap)})
            return f"scale shared by {count} map{'s' if count > 1 else ''}"
        return f"scale fixed at {'±' if heatmap.signed else ''}{self.most:.3g}" if self.mode == "fixed" else ""


def _kind(heatmap: Heatmap) -> str:
    """The same for maps that are alike."""
    meta = heatmap.meta
    return json.dumps([meta.get("explainer"), meta.get("parameters"), meta.get("layer"), heatmap.signed], default=str)


def _place(heatmap: Heatmap) -> str:
    return json.dumps([heatmap.meta.get("place"), heatmap.meta.get("digests")], default=str)
