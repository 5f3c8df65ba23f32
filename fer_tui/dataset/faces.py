"""Faces in photographs: found by scikit-image's cascade, cropped as FER2013's pictures are. Loads scikit-image late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

SIDE = 48  # pixels of a FER2013 picture
# Measured on 400 pictures of PublicTest, scaled up and padded. Where a face was found, in 304, its box has .917 of the
# picture's side (median; quartiles .81 and 1.00), and its middle is the picture's.
_SHARE = 0.917

_LONGEST = 640  # pixels of the side that is searched
_LEAST = 0.05  # of the longer side: the smallest face
# Windows that must agree on a face. In 14 of scikit-image's pictures without one 12 gave no false face and 8 gave four;
# of 40 FER2013 faces pasted into them, 12 found 23 and 8 found 27. So a faint face counts only where nothing better is
# found, and where it is large.
_CLEAR, _FAINT = 12, 8
_FAINT_LEAST = 0.15
_SAME = 0.3  # overlap, of the union, from which on two boxes are one face
_RELATIVE = 0.5  # of the largest face's side: smaller ones are no faces but specks


@dataclass(frozen=True, slots=True)
class Face:
    """A square in a picture, in its pixels. faint: few windows agreed on it."""

    top: int
    left: int
    side: int
    faint: bool = False

    def __str__(self) -> str:
        words = f"row {self.top}, column {self.left}, {self.side} pixels wide"
        return f"{words}, faint" if self.faint else words


def find_faces(image: Image) -> list[Face]:
    """The frontal faces in a picture, uint8 (h, w) or (h, w, 3), from left to right."""
    height, width = image.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    small = _gray(image)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = small.resize(size, Pillow.Resampling.BOX)
    pixels = np.asarray(small, np.float64) / 255
    boxes, faint = _merged(_detected(pixels, _CLEAR, _LEAST)), False
    if not boxes:
        boxes, faint = _merged(_detected(pixels, _FAINT, _FAINT_LEAST))[:1], True
    most = max((side for _, _, side in boxes), default=0.0)
    faces = [
        Face(round(top / scale), round(left / scale), round(side / scale), faint)
        for top, left, side in boxes
        if side >= _RELATIVE * most
    ]
    return sorted(faces, key=lambda face: (face.left, face.top))


def chosen_face(image: Image, number: int | None, where: str) -> Face:
    """The one face of a picture, or the one of that number, from 1; InputError where there is none, or several."""
    faces = find_faces(image)
    if not faces:
        raise InputError(where, "no face is found in it", "crop it yourself and leave --face out")
    if number is not None:
        if not 1 <= number <= len(faces):
            there = f"there {'are' if len(faces) > 1 else 'is'} {len(faces)}: {_listed(faces)}"
            raise InputError(where, f"there is no face {number}", there)
        return faces[number - 1]
    if len(faces) > 1:
        raise InputError(where, f"there are {len(faces)} faces: {_listed(faces)}", "choose one: --face 1")
    return faces[0]


def crop_face(image: Image, face: Face) -> Image:
    """The face as FER2013 would have it: uint8 (48, 48), gray, framed alike. Beyond the border the edge goes on."""
    side = face.side / _SHARE
    top, left = face.top + (face.side - side) / 2, face.left + (face.side - side) / 2
    rim = int(np.ceil(max(0, -top, -left, top + side - image.shape[0], left + side - image.shape[1])))
    padded = Pillow.fromarray(np.pad(np.asarray(_gray(image)), rim, mode="edge"))
    box = (left + rim, top + rim, left + rim + side, top + rim + side)
    cropped = padded.resize((SIDE, SIDE), Pillow.Resampling.BILINEAR, box=box)  # antialiased where it shrinks
    return np.asarray(cropped)


def _listed(faces: Sequence[Face]) -> str:
    return "; ".join(f"{number} at {face}" for number, face in enumerate(faces, 1))


def _gray(image: Image) -> Pillow.Image:
    return Pillow.fromarray(image).convert("L")


def _detected(pixels: NDArray[np.float64], agreeing: int, least: float) -> list[tuple[float, float, float]]:
    """(top, left, side) of the boxes on which so many windows agree."""
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    smallest = max(24, int(least * max(pixels.shape)))  # 24: the cascade's own window
    shortest = min(pixels.shape)
    if shortest < smallest:
        return []
    found = Cascade(lbp_frontal_face_cascade_filename()).detect_multi_scale(
        img=pixels,
        scale_factor=1.05,
        step_ratio=1,
        min_size=(smallest, smallest),
        max_size=(shortest, shortest),
        min_neighbor_number=agreeing,
    )
    return [(float(box["r"]), float(box["c"]), float(box["width"])) for box in found]


def _merged(boxes: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Boxes that lie over one another as one, the largest first."""
    groups: list[list[tuple[float, float, float]]] = []
    for box in sorted(boxes, key=lambda box: -box[2]):
        group = next((group for group in groups if _overlap(group[0], box) > _SAME), None)
        if group is not None:
            group.append(box)
        else:
            groups.append([box])
    means = [tuple(float(value) for value in np.mean(group, axis=0)) for group in groups]
    return [(top, left, side) for top, left, side in means]


def _overlap(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Shared area as a share of the union; 1 where the smaller box lies within the larger one."""
    down, across = (
        max(0.0, min(one[axis] + one[2], other[axis] + other[2]) - max(one[axis], other[axis])) for axis in (0, 1)
    )
    shared, smaller = down * across, min(one[2], other[2]) ** 2
    return 1.0 if shared >= 0.99 * smaller else shared / (one[2] ** 2 + other[2] ** 2 - shared)
