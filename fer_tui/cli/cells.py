"""A picture as text cells: two pixels in each, in what colours the terminal has; shades where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

_SHADES = " .:-=+*#%@"  # dark to light


def in_colours(console: Console) -> bool:
    """Whether pictures can be drawn in colours: 16 of them are too few."""
    if console.no_color or console.options.ascii_only:
        return False
    return console.color_system in ("truecolor", "256")


class Cells:
    """Rich's renderable for a picture; at most as wide as the terminal, and never larger than the picture's pixels."""

    def __init__(self, picture: Image) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        pixels = self._scaled(options.max_width)
        yield from _half_cells(pixels) if in_colours(console) else _shades(pixels)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(self._picture.width, options.max_width))

    def _scaled(self, columns: int) -> NDArray[np.uint8]:
        """uint8 (H, W, 3), H even, W at most `columns`."""
        import numpy as np
        from PIL.Image import Resampling

        width, height = self._picture.size
        scale = min(1.0, max(columns, 1) / width)
        size = (max(1, int(width * scale)), max(2, round(height * scale / 2) * 2))
        picture = self._picture.convert("RGB")
        return np.asarray(picture if size == picture.size else picture.resize(size, Resampling.BOX))


def _half_cells(pixels: NDArray[np.uint8]) -> RenderResult:
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        for top, bottom in zip(upper, lower, strict=True):
            yield Segment("▀", Style(color=Color.from_rgb(*top), bgcolor=Color.from_rgb(*bottom)))
        yield Segment.line()


def _shades(pixels: NDArray[np.uint8]) -> RenderResult:
    import numpy as np

    light = pixels @ np.array([0.299, 0.587, 0.114])
    cells = (light[::2] + light[1::2]) / 2
    steps = np.minimum((cells / 256 * len(_SHADES)).astype(int), len(_SHADES) - 1)
    for row in steps.tolist():
        yield Segment("".join(_SHADES[step] for step in row))
        yield Segment.line()
