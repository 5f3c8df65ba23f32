"""Colour maps as tables of 256 colours, and bars that show them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fer_tui.contract import InputError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNSIGNED, SIGNED = "viridis", "blue-orange"  # what a map gets where no colours are asked for

# Anchors in sRGB, evenly spaced from the lowest value to the highest; colours between them are interpolated.
_ANCHORS = {
    # viridis and magma: Smith and van der Walt 2015, CC0; even steps in lightness, safe for colour-blind eyes.
    "viridis": (
        "440154 470d60 48186a 482374 472d7b 453681 424086 3f4989 3b528b 375a8d 33638d"
        " 2f6a8e 2c728e 297a8e 26818e 23898e 21908c 1f988b 1f9f88 21a685 28ae80 31b57b"
        " 3ebc74 4cc26c 5dc963 6ece58 82d34c 96d83f abdc32 c0df24 d5e21a eae51a fde725"
    ),
    "magma": (
        "000004 030311 0a0822 130d33 1d1146 28115a 36106a 430f76 50127c 5d177f 691c81"
        " 762181 822681 8f2a81 9c2e7f a9327d b63779 c33b75 cf4170 db486a e65163 ee5c5e"
        " f5695c f9785d fb8761 fd9668 fea571 feb47b fec387 fed194 fde0a2 fceeb0 fcfdbf"
    ),
    # The four trapezoids of MATLAB's jet: red, green and blue are clip(1.5 - |4x - k|, 0, 1), k = 3, 2, 1.
    "jet": "000080 0000ff 0080ff 00ffff 80ff80 ffff00 ff8000 ff0000 800000",
    "gray": "000000 ffffff",
    # For signed maps: both arms have the same lightness (CIE L* 21 to 96), and blue and orange differ for everyone.
    "blue-orange": "0a3070 1c5fa5 5493cd a5c8e6 f3f3f3 ecbb8b cb7b37 964813 582404",
}
COLOUR_MAPS = tuple(_ANCHORS)

# Tell lines apart on light and on dark: Okabe and Ito 2008, its yellow and blue made to be seen on either.
LINE_COLOURS = ("#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a200", "#5b8cff", "#8f8f8f")


@cache
def colour_map(name: str) -> NDArray[np.uint8]:
    """The colour map of that name: uint8 (256, 3), sRGB, lowest value first, read-only."""
    if name not in _ANCHORS:
        raise InputError(
            f"colours {name}", f"no such colour map{nearest(name, _ANCHORS)}", f"known: {', '.join(_ANCHORS)}"
        )
    anchors = np.array([list(bytes.fromhex(code)) for code in _ANCHORS[name].split()], float)
    at = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), at, anchors[:, channel]) for channel in range(3)]
    table: NDArray[np.uint8] = np.rint(np.stack(channels, 1)).astype(np.uint8)
    table.flags.writeable = False
    return table


def colour_bar(name: str, width: int, height: int) -> Image.Image:
    """All colours of a map, lowest at the left or, where it is higher than wide, at the bottom: RGB."""
    table = colour_map(name)
    if width >= height:
        line = table[np.rint(np.linspace(0, 255, width)).astype(int)]
        return Image.fromarray(np.ascontiguousarray(np.broadcast_to(line[None], (height, width, 3))))
    line = table[np.rint(np.linspace(255, 0, height)).astype(int)]
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(line[:, None], (height, width, 3))))
