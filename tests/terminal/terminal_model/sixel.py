"""Sixel data as pixels, as DEC's VT330/VT340 Programmer Reference (volume 2, chapter 14) has it."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_TOKEN = re.compile(rb"([#\"!])([0-9;]*)|([?-~]+)|([$\-])|[\x00-\x20]+")
# The sixteen colours that a VT340 starts with, in per cent.
_VT340 = (
    (0, 0, 0), (20, 20, 80), (80, 13, 13), (20, 80, 20), (80, 20, 80), (20, 80, 80), (80, 80, 20), (53, 53, 53),
    (26, 26, 26), (33, 33, 60), (60, 26, 26), (33, 60, 33), (60, 33, 60), (33, 60, 60), (60, 60, 33), (80, 80, 80),
)  # fmt: skip


@dataclass
class Sixel:
    """A decoded picture. pixels: uint8 (H, W, 4), alpha 0 where nothing was drawn; `registers` used: number -> RGB."""

    pixels: NDArray[np.uint8]
    registers: dict[int, tuple[int, int, int]]
    raster: tuple[int, ...] = ()
    bands: int = 0
    passes: int = field(default=0)


def decode(data: bytes) -> Sixel:
    """Decode a DCS string from its parameters on: b'0;1;0q"1;1;48;48#0;2;...'. ValueError where it is no sixel."""
    head = re.match(rb"([0-9;]*)q", data)
    if head is None:
        raise ValueError("no sixel data: no q after the parameters")
    parameters = [int(number or 0) for number in head[1].split(b";")]
    transparent = len(parameters) > 1 and parameters[1] == 1
    registers = {n: _from_percent(colour) for n, colour in enumerate(_VT340)}
    used: dict[int, tuple[int, int, int]] = {}
    drawing = _Drawing()
    raster: tuple[int, ...] = ()
    colour, repeat, passes = 0, 1, 1
    at = head.end()
    while at < len(data):
        found = _TOKEN.match(data, at)
        if found is None:
            raise ValueError(f"no sixel data: {data[at : at + 20]!r}")
        at = found.end()
        mark, numbers = found[1], [int(number or 0) for number in (found[2] or b"0").split(b";")]
        if mark == b"#":
            colour = numbers[0]
            if len(numbers) == 5:
                registers[colour] = _defined(*numbers[1:])
        elif mark == b'"':
            raster = tuple(numbers)
        elif mark == b"!":
            repeat = max(1, numbers[0])
        elif found[3] is not None:
            rgb = used[colour] = registers.get(colour, (0, 0, 0))
            drawing.draw(np.frombuffer(found[3], np.uint8) - 63, repeat, rgb)
            repeat = 1
        elif found[4] == b"$":
            drawing.x, passes = 0, passes + 1
        elif found[4] == b"-":
            drawing.x, drawing.y, passes = 0, drawing.y + 6, passes + 1
    pixels = drawing.cut(*(raster[2:4] if len(raster) >= 4 else (0, 0)))
    if not transparent:
        unpainted = pixels[..., 3] == 0
        pixels[unpainted] = (*registers[0], 255)
    return Sixel(pixels, used, raster, -(-drawing.height // 6), passes)


class _Drawing:
    """A canvas that grows."""

    def __init__(self) -> None:
        self.x = self.y = self.width = self.height = 0
        self._canvas: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)

    def draw(self, sixels: NDArray[np.uint8], repeat: int, rgb: tuple[int, int, int]) -> None:
        """Columns of six pixels from the position on; the first is drawn `repeat` times."""
        columns = np.concatenate((np.repeat(sixels[:1], repeat), sixels[1:]))
        self._room(self.x + len(columns), self.y + 6)
        set_ = (columns >> np.arange(6)[:, None] & 1).astype(bool)
        self._canvas[self.y : self.y + 6, self.x : self.x + len(columns)][set_] = (*rgb, 255)
        self.x += len(columns)
        self.width, self.height = max(self.width, self.x), max(self.height, self.y + 6)

    def cut(self, width: int, height: int) -> NDArray[np.uint8]:
        """What was drawn, at least `width` x `height`."""
        self._room(max(width, self.width), max(height, self.height))
        return self._canvas[: max(height, self.height), : max(width, self.width)].copy()

    def _room(self, width: int, height: int) -> None:
        have_height, have_width = self._canvas.shape[:2]
        if width > have_width or height > have_height:
            larger = np.zeros((max(height, 2 * have_height), max(width, 2 * have_width), 4), np.uint8)
            larger[:have_height, :have_width] = self._canvas
            self._canvas = larger


def _from_percent(colour: tuple[int, ...]) -> tuple[int, int, int]:
    red, green, blue = ((value * 255 + 50) // 100 for value in colour)
    return red, green, blue


def _defined(space: int, x: int, y: int, z: int) -> tuple[int, int, int]:
    """A register's colour: RGB in per cent, or hue (0 = blue), lightness and saturation."""
    if space == 2 and max(x, y, z) <= 100:
        return _from_percent((x, y, z))
    if space == 1 and x <= 360 and max(y, z) <= 100:
        red, green, blue = (
            round(255 * part) for part in colorsys.hls_to_rgb(((x - 120) % 360) / 360, y / 100, z / 100)
        )
        return red, green, blue
    raise ValueError(f"no sixel colour: {space};{x};{y};{z}")
