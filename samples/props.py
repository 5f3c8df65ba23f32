"""What is around a face and before it: backdrop, body, hair, glasses, a hand."""

from __future__ import annotations

import numpy as np

from .plane import CROWN, Field, Plane, clouds, lit, mix, ramp, ridge
from .scene import Person, View

# hair style -> extra width, extra height, where it ends below, how wavy it is
_CUTS = {
    "short": (0.05, 0.1, -0.2, 0.03),
    "swept": (0.06, 0.17, -0.12, 0.04),
    "fringe": (0.09, 0.12, 0.05, 0.05),
    "long": (0.2, 0.14, 1.7, 0.06),
    "curly": (0.2, 0.22, 0.35, 0.1),
}


def backdrop(plane: Plane, view: View, rng: np.random.Generator) -> Field:
    """A wall, out of focus."""
    slope = rng.uniform(-0.12, 0.12, 2).tolist()
    wall = view.backdrop + slope[0] * plane.x + slope[1] * plane.y
    return np.clip(wall + 0.1 * clouds(rng, 2) + 0.05 * clouds(rng, 5), 0.02, 1)


def body(picture: Field, plane: Plane, person: Person, view: View) -> Field:
    """Neck, shoulders, ears."""
    x, y = plane.x + 0.25 * plane.tip[0], plane.y
    neck = plane.cover(0.52 * person.width - np.abs(x) + 0.1 * ramp(y, 1.2, 1.6)) * plane.cover(y - 0.5)
    shade = 0.78 - 0.38 * ramp(y, person.chin + 0.4, person.chin - 0.1) - 0.3 * (x / 0.6) ** 2
    picture = mix(picture, person.skin * np.maximum(shade, 0.15), neck)
    collar = y - 1.34 - 0.28 * np.minimum(np.abs(x), 1.2) ** 2 + 0.12 * ridge(x, 0.35)
    picture = mix(picture, view.clothes * (0.8 - 0.2 * ridge(collar, 0.06)), plane.cover(collar))
    for side in () if person.hair_style in ("long", "curly") else (-1, 1):  # these cover the ears
        away = np.sqrt(((plane.x - side * person.width) / 0.13) ** 2 + ((y + 0.05) / 0.25) ** 2)
        ear = person.skin * (0.72 - 0.3 * ridge(away - 0.45, 0.2)) * (0.85 + 0.3 * side * view.light[0])
        picture = mix(picture, ear, plane.cover(0.13 * (1 - away)))
    return picture


class Hair:
    """Hair behind the head and over the forehead; `front` covers what lies on the face."""

    def __init__(self, plane: Plane, person: Person, view: View, rng: np.random.Generator) -> None:
        self.bald = person.hair_style == "bald"
        waves = clouds(rng, 14)
        angle = np.arctan2(plane.x - 0.4 * person.parting, 0.4 - plane.y)
        strands = np.interp(angle * 60 + 3 * waves, np.arange(-260, 261), rng.standard_normal(521)).astype(np.float32)
        if self.bald:
            self.front = np.zeros_like(plane.x)
            return
        wide, high, end, wavy = _CUTS[person.hair_style]
        curl = clouds(rng, 22) if person.hair_style == "curly" else waves
        half = person.width + wide + 0.08 * ramp(plane.y, 0.2, 1.4)
        dome = 1 - (plane.x / half) ** 2 - (np.minimum(plane.y + 0.1, 0) / (CROWN + high - 0.1)) ** 2
        outer = np.minimum(0.48 * dome, end - plane.y + 0.12 * (plane.x / half) ** 2) + wavy * 0.35 * curl
        self.back = plane.cover(outer)
        drop = {"fringe": 0.3, "long": 0.06}.get(person.hair_style, 0.0)
        temple = 0.75 if person.hair_style == "long" else 0.42
        line = person.hairline + drop + temple * np.minimum(np.abs(plane.u - 0.3 * person.parting) / 0.9, 1.1) ** 4
        line = line + person.parting * plane.u + wavy * waves + (0.05 * strands if drop else 0.02 * strands)
        side = np.abs(plane.u) - (0.86 - 0.05 * ramp(plane.v, -0.3, 0.6)) if person.hair_style == "long" else -1.0
        self.front = plane.cover(np.minimum(np.maximum(line - plane.v, side), outer)) * plane.cover(plane.inside + 0.03)
        matt, _ = lit(1.1 * np.sqrt(np.maximum(dome, 0) + 0.05), view, plane.pixel)
        band = ridge(plane.y + 0.95 + 0.25 * plane.x * view.light[0] + 0.04 * strands, 0.16)
        texture = 1 + (0.3 * curl if person.hair_style == "curly" else 0.2 * strands) + 0.5 * band
        self.shade = 1 - 0.35 * ramp(plane.y, -0.5, 0.3)
        self.tone = np.clip((person.hair + 0.02) * texture, 0.01, 1) * (0.3 + 0.7 * matt)

    def behind(self, picture: Field) -> Field:
        return picture if self.bald else mix(picture, self.shade * self.tone, self.back)

    def before(self, picture: Field) -> Field:
        return picture if self.bald else mix(picture, self.tone, self.front)


def glasses(picture: Field, plane: Plane, person: Person, view: View) -> Field:
    """Frames, a light tint and sometimes a glare; the eyes are seen through them."""
    if not person.glasses:
        return picture
    away = np.abs(plane.u - 0.08 * plane.tip[0])
    right, down = (away - person.eye_x) / 0.285, (plane.v - person.eye_y - 0.02) / 0.215
    power = 2.0 if person.glasses == "round" else 4.5
    radius = (np.abs(right) ** np.float32(power) + np.abs(down) ** np.float32(power)) ** np.float32(1 / power)
    rim = plane.cover(0.028 - 0.24 * np.abs(radius - 1))
    bridge = plane.cover(np.minimum(0.022 - np.abs(plane.v - person.eye_y + 0.05), person.eye_x - 0.27 - away))
    arms = plane.cover(np.minimum(0.024 - np.abs(plane.v - person.eye_y + 0.06), away - person.eye_x - 0.27))
    lens = plane.cover(0.24 * (1 - radius))
    glare = ridge(right + 0.7 * down + 0.5 + view.light[0], 0.13) * max(view.shine - 0.1, 0) * 3
    picture = mix(picture, picture * 0.93 + 0.03, lens)
    picture = mix(picture, 0.95, lens * glare)
    return mix(picture, 0.1, 0.9 * np.maximum(np.maximum(rim, bridge), arms) * plane.cover(plane.inside))


# where the knuckles are and which way the fingers point (right, down), for a hand that comes from the right
_HANDS = {
    "chin": ((0.35, 1.12), (-0.75, -0.45), 0.42),
    "cheek": ((0.78, 0.62), (-0.2, -1.0), 0.62),
    "mouth": ((0.42, 0.85), (-0.95, -0.25), 0.6),
    "forehead": ((0.7, -0.72), (-1.0, 0.12), 0.6),
}


def hand(picture: Field, plane: Plane, person: Person, view: View, rng: np.random.Generator) -> tuple[Field, Field]:
    """A hand laid before the picture, with the shape that covers it."""
    if not view.hand:
        return picture, np.zeros_like(picture)
    (knuckle_x, knuckle_y), (dir_x, dir_y), length = _HANDS[view.hand]
    knuckle = np.array([knuckle_x, knuckle_y]) + rng.normal(0, 0.06, 2)
    ahead = np.array([dir_x, dir_y]) + rng.normal(0, 0.1, 2)
    ahead /= np.linalg.norm(ahead)
    beside = np.array([-ahead[1], ahead[0]])
    x, y = plane.x * view.side, plane.y
    limbs = []
    for finger in range(4):
        off = (finger - 1.5) * 0.185
        spread = ahead + beside * (finger - 1.5) * rng.uniform(0.03, 0.14)
        reach = length * (0.82, 1.0, 0.96, 0.74)[finger] * rng.uniform(0.88, 1.08)
        base = knuckle + off * beside - 0.1 * ahead
        limbs.append((base, base + spread * reach, 0.1, 0.085))
    wrist = knuckle - 0.75 * ahead + (0.0, 0.1)
    limbs.append((knuckle - 0.22 * ahead - 0.14 * beside, wrist, 0.22, 0.19))
    limbs.append((knuckle - 0.22 * ahead + 0.14 * beside, wrist, 0.22, 0.19))
    limbs.append((wrist, wrist + np.array([0.35, 1.5]), 0.24, 0.3))
    inside = np.full_like(x, -9)
    height = np.zeros_like(x)
    for start, end, thick, thin in limbs:
        (from_x, from_y), (way_x, way_y) = start.tolist(), (end - start).tolist()
        along = np.clip(((x - from_x) * way_x + (y - from_y) * way_y) / (way_x**2 + way_y**2), 0, 1)
        away = (x - from_x - along * way_x) ** 2 + (y - from_y - along * way_y) ** 2
        radius = thick + (thin - thick) * along
        inside = np.maximum(inside, radius - np.sqrt(away))
        height = np.maximum(height, np.sqrt(np.maximum(radius * radius - away, 0)))
    shape = plane.cover(inside)
    matt, gloss = lit(height, view, plane.pixel, 0.5 * view.shine)
    crease = 1 - 0.35 * ramp(height, 0.05, 0.015)
    skin = person.skin * matt * crease * (1 + 0.03 * clouds(rng, 20)) + gloss
    shadow = 1 - 0.4 * ramp(inside, -0.16, 0.0)
    return mix(picture * shadow, skin, shape), shape
