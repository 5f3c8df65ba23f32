"""The plane that is drawn on: coordinates of head and face, soft shapes, light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scene import Person, View

Field = NDArray[np.floating[Any]]  # float32 throughout; the type stubs cannot follow that

SIZE = 48
OVERSAMPLED = 3
DRAWN = SIZE * OVERSAMPLED
CROWN = 1.32  # top of the skull, in head units above the middle


@dataclass(frozen=True, eq=False, slots=True)
class Plane:
    """Every drawn pixel's place: x, y on the head as we see it, u, v on the face (turned with it), in head units.

    inside: positive within the head's outline, 0 on it, about a distance near it. depth: the head's bulge towards us.
    pixel: the side of a drawn pixel. tip: how far what stands out by one unit appears shifted, in u and v.
    """

    x: Field
    y: Field
    u: Field
    v: Field
    inside: Field
    depth: Field
    pixel: float
    tip: tuple[float, float]

    def cover(self, inside: Field) -> Field:
        """A soft-edged shape, 0 to 1, from a distance that is positive inside it."""
        return np.clip(inside / (1.5 * self.pixel) + 0.5, 0, 1)


@cache
def _grid() -> tuple[Field, Field]:
    line = (np.arange(DRAWN, dtype=np.float32) + 0.5) * (2 / DRAWN) - 1
    across, down = np.meshgrid(line, line)
    return across, down


def lay(person: Person, view: View, jaw: float) -> Plane:
    """The plane of one picture; `jaw` (0 to 1) lengthens the face."""
    across, down = _grid()
    across, down = (across - view.shift[0]) / view.scale, (down - view.shift[1] + 0.02) / view.scale
    cos, sin = np.float32(np.cos(view.roll)), np.float32(np.sin(view.roll))
    x, y = cos * across + sin * down, cos * down - sin * across
    ball = np.sqrt(np.maximum(1 - x * x - (y / CROWN) ** 2, 0))
    u = np.float32(np.cos(view.yaw)) * x + np.float32(np.sin(view.yaw)) * ball
    v = y + np.float32(np.sin(view.pitch)) * ball
    chin = person.chin + 0.2 * jaw
    below = (np.maximum(y, 0) / chin) ** np.float32(person.jaw)
    solid = 1 - (x / person.width) ** 2 - below - (np.minimum(y, 0) / CROWN) ** 2
    return Plane(
        x=x,
        y=y,
        u=u + np.float32(person.lopsided) * v,
        v=v,
        inside=0.45 * solid,
        depth=0.95 * np.sqrt(np.maximum(solid, 0) + 0.04),
        pixel=2 / DRAWN / view.scale,
        tip=(-float(np.sin(view.yaw)), -float(np.sin(view.pitch))),
    )


def bump(u: Field, v: Field, at_u: float, at_v: float, size_u: float, size_v: float) -> Field:
    """A round hill of height 1."""
    return np.exp(-(((u - at_u) / size_u) ** 2) - ((v - at_v) / size_v) ** 2)


def ridge(distance: Field, size: float) -> Field:
    """A soft line of height 1, from the distance to it."""
    return np.exp(-((distance / size) ** 2))


def ramp(x: Field, start: Field | float, end: Field | float) -> Field:
    """0 before `start`, 1 after `end`, smooth between them (either may be the larger)."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def mix(under: Field, over: Field | float, share: Field | float) -> Field:
    """`over` laid upon `under`, opaque where `share` is 1."""
    return under + (over - under) * share


def clouds(rng: np.random.Generator, cells: int) -> Field:
    """Smooth noise over the whole picture with about `cells` patches across, standard normal at the patches."""
    at = np.linspace(0, cells, DRAWN, dtype=np.float32)
    weights = np.maximum(1 - np.abs(at[:, None] - np.arange(cells + 1, dtype=np.float32)), 0)
    weights = weights * weights * (3 - 2 * weights)
    return weights @ rng.standard_normal((cells + 1, cells + 1)).astype(np.float32) @ weights.T


def lit(relief: Field, view: View, pixel: float, shine: float = 0.0) -> tuple[Field, Field]:
    """Light on a relief: what a matt surface returns (about 0 to 1), and its gloss."""
    down, across = np.gradient(relief, np.float32(pixel))
    right, below, front = view.light
    facing = (front - right * across - below * down) / np.sqrt(1 + across * across + down * down)
    matt = view.ambient + (1 - view.ambient) * np.clip(0.25 + 0.8 * facing, 0, None)
    return matt, shine * np.clip(facing, 0, 1) ** 12
