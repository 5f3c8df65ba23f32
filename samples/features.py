"""Eyes, brows, nose and mouth: each knows its shape, shapes the relief of the face and paints itself."""

from __future__ import annotations

import numpy as np

from .expressions import Action
from .plane import Field, Plane, bump, mix, ramp, ridge
from .scene import Person, View


class Eyes:
    """Both eyes; `shape` covers the openings with their lids' rims."""

    def __init__(self, plane: Plane, person: Person, action: Action, view: View) -> None:
        self.plane, self.person, self.action, self.view = plane, person, action, view
        self.half = 0.205 * person.eye_size
        self.across = (np.abs(plane.u) - person.eye_x) / self.half  # -1 inner corner, 1 outer corner
        self.down = plane.v - person.eye_y + person.eye_tilt * self.across
        arch = np.maximum(1 - self.across**2, 0)
        upper = 0.1 + 0.085 * action.wide - 0.03 * action.squint - 0.085 * action.droop - 0.02 * action.frown
        lower = 0.07 + 0.015 * action.wide - 0.05 * action.squint - 0.05 * action.cheek
        squeeze = 0.025 * (action.wrinkle + action.smile)
        self.upper = max(upper - squeeze, 0.018) * person.eye_size
        self.lower = max(lower - 0.5 * squeeze, 0.012) * person.eye_size
        self.top = -self.upper * arch**0.8
        self.bottom = self.lower * arch
        ends = (1 - np.abs(self.across)) * self.half
        inside = np.minimum(np.minimum(self.down - self.top, self.bottom - self.down), ends)
        self.opening = plane.cover(inside)
        self.shape = plane.cover(inside + 0.035)

    def relief(self) -> Field:
        person, u = self.person, np.abs(self.plane.u)
        socket = bump(u, self.plane.v, person.eye_x - 0.03, person.eye_y - 0.02, 0.24, 0.15)
        ball = bump(u, self.plane.v, person.eye_x, person.eye_y, 0.16, 0.12)
        bag = ridge(self.down - self.lower - 0.06, 0.03) * ridge(self.across, 0.8)
        bags = 0.006 + 0.014 * person.age + 0.02 * self.action.cheek + 0.01 * self.action.squint
        return 0.055 * ball - 0.1 * socket + bags * bag

    def paint(self, tone: Field) -> Field:
        person, view, action = self.person, self.view, self.action
        crease = ridge(self.down - self.top + 0.05, 0.02) * ridge(self.across, 0.75)
        tone = tone * (1 - 0.3 * crease * (1 - 0.5 * self.action.wide))
        right = np.sign(self.plane.u) * (np.abs(self.plane.u) - person.eye_x) - view.gaze
        fall = self.plane.v - person.eye_y - 0.05 * action.gaze_down + 0.012
        away = np.sqrt(right**2 + fall**2)
        white = 0.84 - 0.25 * ramp(np.abs(self.across), 0.4, 1.0) - 0.3 * ramp(self.down - self.top, 0.05, 0.0)
        eye = mix(white, person.iris, self.plane.cover(0.098 - away))
        eye = mix(eye, 0.02, self.plane.cover(0.05 - away))
        lamp_x, lamp_y = 0.045 * view.light[0] + 0.02, 0.06 * view.light[1] - 0.01
        spark = self.plane.cover(0.026 - np.sqrt((right - lamp_x) ** 2 + (fall - lamp_y) ** 2))
        tone = mix(tone, mix(eye, 1.1, spark), self.opening)
        rim = ridge(np.maximum(np.abs(self.across) - 0.95, 0), 0.12)
        lash = ridge(self.down - self.top + 0.008, 0.027) * rim
        tone = mix(tone, 0.06, 0.85 * lash)
        return tone * (1 - 0.35 * ridge(self.down - self.bottom - 0.008, 0.018) * rim)


class Brows:
    """Both eyebrows; `shape` covers their hair."""

    def __init__(self, plane: Plane, person: Person, action: Action) -> None:
        self.plane, self.person = plane, person
        inner = 0.13 - 0.05 * action.frown
        along = (np.abs(plane.u) - inner) / 0.51  # 0 at the inner end, 1 at the outer one
        t = np.clip(along, 0, 1)
        pulled = action.frown * (1 - 0.75 * min(action.inner_brow, 1))  # both at once draw the inner ends up
        self.lift = 0.2 * action.inner_brow - 0.06 * action.frown * action.inner_brow
        rise = self.lift * (1 - t) ** 1.3 + 0.19 * action.outer_brow * t**0.8
        sink = 0.2 * pulled * (1 - t) ** 1.2 + 0.045 * pulled * t + 0.05 * action.wrinkle
        slope = person.brow_tilt * (t - 0.5) * 2 + 0.03 * action.inner_brow * t
        self.line = person.brow_y - person.brow_arch * np.sin(np.float32(2.6) * t) + 0.04 * t**3 + slope - rise + sink
        thick = person.brow_thick * (0.9 - 0.55 * t**2) * (0.6 + 0.4 * ramp(along, 0.0, 0.15))
        ends = np.minimum(along, 1 - along) * 0.51 + 0.02
        self.down = plane.v - self.line
        inside = np.minimum(thick - np.abs(self.down), ends)
        self.hair, self.shape = plane.cover(inside), plane.cover(inside + 0.012)
        self.span = ramp(along, -0.25, 0.1) * ramp(along, 1.2, 0.9)

    def relief(self) -> Field:
        return 0.04 * ridge(self.down - 0.03, 0.11) * self.span

    def paint(self, tone: Field, grain: Field) -> Field:
        hair = min(self.person.hair, 0.62 * self.person.skin)
        return mix(tone, hair * (1 + 0.2 * grain), 0.88 * self.hair)


class Nose:
    """The nose; `shape` covers bridge, tip and wings."""

    def __init__(self, plane: Plane, person: Person, action: Action) -> None:
        self.plane, self.person, self.action = plane, person, action
        self.tip = person.nose_length - 0.05 * action.wrinkle - 0.03 * action.lip_raise
        self.wings = person.nose_width * (1 + 0.2 * action.wrinkle + 0.1 * action.smile)
        rise = np.clip((plane.v + 0.4) / (self.tip + 0.4), 0, 1)
        stands = 0.26 * rise * ramp(plane.v, self.tip + 0.16, self.tip - 0.04)
        self.u, self.v = plane.u - plane.tip[0] * stands, plane.v - 0.6 * plane.tip[1] * stands
        self.rise = np.clip((self.v + 0.4) / (self.tip + 0.4), 0, 1)
        half = 0.075 + 0.125 * self.wings * ramp(self.rise, 0.35, 1.0)
        inside = np.minimum(half - np.abs(self.u), np.minimum(self.v + 0.3, self.tip + 0.1 - self.v))
        self.shape = plane.cover(inside)

    def relief(self) -> Field:
        away, action = np.abs(self.u), self.action
        bridge = (0.05 + 0.17 * self.rise**1.5) * self.person.nose_bridge * ramp(self.v, -0.5, -0.3)
        spine = ridge(self.u, 0.1 + 0.04 * self.rise) * bridge * ramp(self.v, self.tip + 0.18, self.tip - 0.06)
        tip = 0.08 * bump(self.u, self.v, 0, self.tip - 0.02, 0.11, 0.1)
        wing = 0.1 * bump(away, self.v, 0.145 * self.wings, self.tip + 0.015, 0.065, 0.075)
        folds = 0.03 * action.wrinkle * np.sin((self.v - 0.8 * away) * 48) * bump(away, self.v, 0.06, -0.22, 0.16, 0.14)
        return spine + tip + wing + folds

    def paint(self, tone: Field) -> Field:
        away = np.abs(self.u)
        hole = bump(away, self.v, 0.085 * self.wings, self.tip + 0.065, 0.05, 0.028)
        under = bump(self.u, self.v, 0, self.tip + 0.11, 0.17 * self.wings, 0.05)
        side = bump(away, self.v, 0.215 * self.wings, self.tip + 0.02, 0.03, 0.07)
        folds = np.sin((self.v - 0.8 * away) * 48) * bump(away, self.v, 0.05, -0.2, 0.14, 0.13)
        tone = tone * (1 - 0.16 * self.action.wrinkle * (1 + folds) * bump(away, self.v, 0.04, -0.2, 0.14, 0.15))
        return tone * (1 - 0.28 * under) * (1 - 0.16 * side) * (1 - 0.75 * hole)


class Mouth:
    """The mouth; `shape` covers lips and opening."""

    def __init__(self, plane: Plane, person: Person, action: Action) -> None:
        self.plane, self.person, self.action = plane, person, action
        widened = 0.3 * action.smile + 0.24 * action.stretch - 0.3 * action.jaw * (1 - min(action.smile, 1))
        self.half = person.mouth_width * (1 + widened - 0.06 * action.chin_raise)
        self.centre = person.mouth_y + 0.05 * action.jaw - 0.03 * action.lip_raise + 0.02 * action.smile
        self.across = plane.u / self.half
        square = np.clip(self.across**2, 0, 1)
        arch = 1 - square
        corner = person.mouth_corner + 0.15 * action.corners_down - 0.2 * action.smile + 0.03 * action.stretch
        middle = self.centre + corner * (square - 0.35) - 0.05 * action.chin_raise * arch
        flat = 0.5 if action.stretch + action.teeth > 0.9 else 0.75
        opening = arch ** np.float32(flat)
        raised = (0.02 * action.part + 0.05 * action.jaw + 0.06 * action.lip_raise * min(action.part * 2, 1)) * opening
        dropped = (0.12 * action.part + 0.27 * action.jaw) * opening
        thin = 1 - 0.75 * min(action.press, 1) - 0.2 * action.smile
        bow = 1 - 0.3 * ridge(self.across, 0.14)
        lift = 0.03 * action.lip_raise * ridge(np.abs(self.across) - 0.4, 0.35)
        upper = (0.068 * person.lips * thin * bow + lift) * arch**0.8
        lower = (0.088 * person.lips * thin + 0.03 * action.chin_raise) * arch**0.7
        self.slit, self.top, self.bottom = middle, middle - raised, middle + dropped
        self.gap = raised + dropped
        ends = (1 - np.abs(self.across)) * self.half
        v = plane.v
        self.inside = np.minimum(np.minimum(v - self.top + upper, self.bottom + lower - v), ends)
        self.shape = plane.cover(self.inside + 0.012)
        self.lips = plane.cover(self.inside)
        self.open = plane.cover(np.minimum(np.minimum(v - self.top, self.bottom - v), ends) - 0.01)
        self.corner_y = float(self.centre + 0.65 * corner)

    def relief(self) -> Field:
        v, wide = self.plane.v, ridge(self.across, 0.8)
        lips = 0.05 * ridge(v - self.top + 0.035, 0.05) + 0.065 * ridge(v - self.bottom - 0.045, 0.06)
        bowl = 0.05 * bump(self.plane.u, v, 0, self.centre, 0.45, 0.3)
        return bowl + lips * wide * (1 - 0.5 * min(self.action.press, 1)) - 0.05 * self.open

    def paint(self, tone: Field) -> Field:
        v, action = self.plane.v, self.action
        under = ridge(v - self.bottom - 0.16, 0.05) * ridge(self.across, 0.6)
        tone = tone * (1 - (0.14 + 0.12 * action.chin_raise) * under)
        shade = np.where(v < self.slit, np.float32(0.62), np.float32(0.74))
        tone = mix(tone, tone * shade, 0.85 * self.lips)
        closed = ridge(v - self.slit, 0.022 + 0.006 * action.press) * ramp(np.abs(self.across), 1.08, 0.85)
        tone = mix(tone, 0.1 * self.person.skin, 0.75 * closed * ramp(self.gap, 0.08, 0.02))
        cave = 0.05 + 0.3 * ramp(v - self.bottom, -0.16, 0.0) * min(action.jaw + 0.3, 1) * self.person.skin
        show = min(action.teeth, 1)
        upper = self.plane.cover(np.minimum(0.04 + 0.07 * show, 0.75 * self.gap) - (v - self.top))
        lower = self.plane.cover(np.minimum(0.05 * show, 0.2 * self.gap) - (self.bottom - v))
        teeth = (0.86 - 0.4 * np.abs(self.across) ** 2) * (1 - 0.12 * ridge(np.sin(38 * self.plane.u), 0.25))
        cave = mix(cave, teeth, np.maximum(upper * (0.3 + 0.7 * show), lower))
        return mix(tone, cave, self.open)
