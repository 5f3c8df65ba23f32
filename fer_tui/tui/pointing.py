"""A point of a heat map, and all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from fer_tui.contract import Heatmap


@dataclass(slots=True)
class Pointer:
    """A pixel of the network's input, from the top left; it stays where it is when another map comes.

    seeks: it goes to the strongest value of what comes, until that is finished or the user moves it.
    """

    row: int = 0
    column: int = 0
    seeks: bool = False

    @classmethod
    def strongest(cls, heatmap: Heatmap) -> Pointer:
        """At the value that is farthest from 0."""
        import numpy as np

        strength = np.abs(np.where(np.isfinite(heatmap.values), heatmap.values, 0))
        row, column = np.unravel_index(int(strength.argmax()), strength.shape)
        return cls(int(row), int(column))

    def see(self, heatmap: Heatmap, *, final: bool) -> None:
        """Be somewhere on this map. final: nothing better will come."""
        if self.seeks:
            best = self.strongest(heatmap)
            self.row, self.column, self.seeks = best.row, best.column, not final
        self._stay_within(heatmap.values.shape)

    def move(self, down: int, right: int, shape: tuple[int, ...]) -> None:
        """Go so many pixels, to the edge at most."""
        self.row, self.column, self.seeks = self.row + down, self.column + right, False
        self._stay_within(shape)

    def _stay_within(self, shape: tuple[int, ...]) -> None:
        self.row = min(max(self.row, 0), shape[0] - 1)
        self.column = min(max(self.column, 0), shape[1] - 1)


def marked(picture: Image, pointer: Pointer) -> Image:
    """A picture of the map's size with a ring around the point: for blocks, of which only what changes is sent."""
    from PIL import ImageDraw

    drawn, x, y = picture.convert("RGB"), pointer.column, pointer.row
    if not (x < drawn.width and y < drawn.height):
        return picture
    light = drawn.convert("L").getpixel((x, y))
    ink = "white" if isinstance(light, int | float) and light < 128 else "black"
    ImageDraw.Draw(drawn).rectangle((x - 1, y - 1, x + 1, y + 1), outline=ink)
    return drawn


def rank(heatmap: Heatmap, row: int, column: int, *, strength: bool = False) -> float:
    """The share of the map's other finite values that are lower, an equal one counted by half; strength: of |values|.

    NaN where the value is not finite; 0.5 where there is no other.
    """
    import numpy as np

    values = np.abs(heatmap.values) if strength else heatmap.values
    value, known = values[row, column], values[np.isfinite(values)]
    if not np.isfinite(value):
        return float("nan")
    if known.size == 1:
        return 0.5
    return float((known < value).sum() + ((known == value).sum() - 1) / 2) / (known.size - 1)


def told(heatmap: Heatmap, pointer: Pointer, region: str | None = None) -> Iterator[str]:
    """The facts of a point, one by one: value, ranks, gray or colour, region, and segment where the method has some."""
    row, column = pointer.row, pointer.column
    yield f"{float(heatmap.values[row, column]):.4g}"
    share = rank(heatmap, row, column)
    if share == share:
        yield f"above {share:.1%}"
        if heatmap.signed:
            yield f"stronger than {rank(heatmap, row, column, strength=True):.1%}"
    pixel = heatmap.image[row, column]
    yield f"gray {int(pixel)}" if pixel.ndim == 0 else "rgb {},{},{}".format(*pixel.tolist())
    if region is not None:
        yield region
    segments, coefficients = heatmap.extras.get("segments"), heatmap.extras.get("coefficients")
    if segments is not None and segments.shape == heatmap.values.shape:
        number = int(segments[row, column])
        place = heatmap.meta.get("place")
        target = place.get("target") if isinstance(place, dict) else None
        worth = ""
        if coefficients is not None and isinstance(target, int) and target < len(coefficients):
            own = coefficients[target]
            order = int((abs(own) > abs(own[number])).sum()) + 1
            worth = f", coefficient {float(own[number]):.4g}, number {order} of {len(own)}"
        yield f"segment {number}{worth}"
