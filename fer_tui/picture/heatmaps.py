"""A heat map as a picture of its own size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, get_args

import numpy as np
from PIL import Image

from fer_tui.contract import Heatmap, InputError, nearest

from .colours import SIGNED, UNSIGNED, colour_map
from .scales import Scale, checked, scale_of, shades

if TYPE_CHECKING:
    from numpy.typing import NDArray

Mode = Literal["overlay", "map", "focus", "outline", "original"]
MODES: tuple[Mode, ...] = ("overlay", "map", "focus", "outline", "original")
FocusBy = Literal["quantile", "sigma", "chosen", "for"]
FOCUS = 0.8

_LINES = 60, 190  # of a signed map's 256 colours: its ends are too dark for a line
_NO_VALUE = (128, 128, 128)  # where a map has no finite value
_VEIL, _VEIL_OPACITY = np.array([40.0, 44.0, 72.0]), 0.8  # bluish, so that a hidden part is no dark part of a gray face


class Look(TypedDict, total=False):
    """How a heat map is drawn: the keywords of `heat_picture`."""

    mode: Mode
    opacity: float
    colours: str | None
    scale: Scale | None
    focus: float
    focus_by: FocusBy


def heat_picture(
    heatmap: Heatmap,
    *,
    mode: Mode = "overlay",
    opacity: float = 0.5,
    colours: str | None = None,
    scale: Scale | None = None,
    focus: float = FOCUS,
    focus_by: FocusBy = "quantile",
) -> Image.Image:
    """RGB picture (H, W). `original`: the image; `map`: the values in colours; `overlay`: the map on the image.

    opacity: of the map on the image, 0 to 1. colours: a colour map, viridis or (signed) blue-orange where None.
    scale: values with the lowest and highest colour, `scale_of(heatmap)` where None. `focus`: the image, veiled where
    the map is low (see `in_focus`); `outline`: the image, with a line around what is in focus, in the colour map's
    highest colour; of a signed map in the colours of its two sides. A pixel without a finite value is gray in the map,
    bare in the overlay and veiled in the focus.
    """
    if mode not in MODES:
        raise InputError(f"mode {mode}", f"no such mode{nearest(mode, MODES)}", f"known: {', '.join(MODES)}")
    image = _rgb(heatmap.image)
    if mode == "original":
        return _picture(image)
    finite = np.isfinite(heatmap.values)
    if mode == "focus":
        return _picture(np.where(in_focus(heatmap, focus, focus_by)[..., None], image, _veiled(image)))
    table = colour_map(colours_of(heatmap, colours))
    if mode == "outline":
        return _picture(_surrounded(image, in_focus(heatmap, focus, focus_by), heatmap.values, table, heatmap.signed))
    coloured = table[shades(heatmap.values, checked(scale or scale_of(heatmap)), signed=heatmap.signed)]
    if mode == "map":
        return _picture(np.where(finite[..., None], coloured, np.array(_NO_VALUE, np.uint8)))
    return _picture(np.where(finite[..., None], _blend(image, coloured, _share("opacity", opacity)), image))


def colours_of(heatmap: Heatmap, colours: str | None = None) -> str:
    """The name of the colour map that a map is drawn in."""
    return colours or (SIGNED if heatmap.signed else UNSIGNED)


def in_focus(heatmap: Heatmap, focus: float = FOCUS, by: FocusBy = "quantile") -> NDArray[np.bool_]:
    """bool (H, W): where the absolute values are not 0 and reach a threshold.

    quantile: their quantile `focus`, 0 to 1. sigma: their mean plus `focus` times their standard deviation. Of a map
    whose method chose parts of the picture itself (extras["mask"], as LIME's has its strongest segments) also chosen:
    these, and for: those of them that speak for the target.
    """
    if by not in get_args(FocusBy):
        known = get_args(FocusBy)
        raise InputError(f"focus {by}", f"no such threshold{nearest(by, known)}", f"known: {', '.join(known)}")
    if by in ("chosen", "for"):
        mask = heatmap.extras.get("mask")
        if mask is None or mask.shape != heatmap.values.shape:
            raise InputError(f"focus {by}", "the method chooses no parts of the picture", "quantile or sigma, or lime")
        parts: NDArray[np.bool_] = mask > 0 if by == "for" else mask != 0
        return parts
    finite = np.isfinite(heatmap.values)
    strength = np.abs(np.where(finite, heatmap.values, 0)).astype(np.float64)
    counted = strength[finite]
    if by == "sigma":
        amount = _finite("focus", focus)
        threshold = counted.mean() + amount * counted.std() if counted.size else 0
    else:
        share = _share("focus", focus)
        threshold = np.quantile(counted, share, method="higher") if counted.size else 0
    kept: NDArray[np.bool_] = (strength >= threshold) & (strength > 0)
    return kept


def _surrounded(
    image: NDArray[np.uint8],
    kept: NDArray[np.bool_],
    values: NDArray[np.float32],
    table: NDArray[np.uint8],
    signed: bool,
) -> NDArray[np.uint8]:
    """`image` (H, W, 3) with the edge of `kept`: its pixels that touch another part, in colours of `table`."""
    parts = np.where(kept, np.where(values < 0, -1, 1), 0)
    around = np.pad(parts, 1)
    neighbours = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    edge = kept & np.any([parts != each for each in neighbours], axis=0)
    drawn = image.copy()
    drawn[edge] = table[np.where(parts[edge] < 0, *_LINES)] if signed else table[-1]
    return drawn


def _finite(name: str, value: float) -> float:
    if not np.isfinite(value):
        raise InputError(name, f"{value:g} is not a finite number")
    return value


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise InputError(name, f"{value:g} is outside 0 to 1")
    return value


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _blend(image: NDArray[np.uint8], coloured: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    mixed: NDArray[np.uint8] = np.rint(image * (1 - opacity) + coloured * opacity).astype(np.uint8)
    return mixed


def _veiled(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    veiled: NDArray[np.uint8] = np.rint(image * (1 - _VEIL_OPACITY) + _VEIL * _VEIL_OPACITY).astype(np.uint8)
    return veiled


def _picture(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels))
