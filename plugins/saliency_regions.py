"""Parts of a picture with names: tiles of a grid, and the user's own masks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Classifier, InputError, read_masks

from .saliency_scores import Image

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """What may be hidden of each picture: names, and masks as they were given, at most one set for each row.

    masks: bool (H, W) for all pictures, or (N, H, W) by the dataset's row; they may overlap and leave pixels out.
    """

    masks: Mapping[str, Mask]
    where: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.masks)

    def of(self, classifier: Classifier, image: Image, row: int | None) -> Mask:
        """The masks of one picture at the size of the network's input, fitted as the picture is: bool (R, H, W)."""
        return np.stack([self._fitted(name, classifier, image, row) for name in self.masks])

    def _fitted(self, name: str, classifier: Classifier, image: Image, row: int | None) -> Mask:
        mask = self.masks[name]
        if mask.ndim == 3:
            if row is None or not 0 <= row < len(mask):
                fault = f"{name} has masks for rows 0 to {len(mask) - 1}, and the image is row {row}"
                raise InputError(self.where, fault, "give one mask for each row of the dataset, or one for all")
            mask = mask[row]
        size = classifier.input_shape[1:]
        if mask.shape == image.shape[:2]:
            shown = classifier.shown(mask.astype(np.uint8) * np.uint8(255))
            fitted: Mask = (shown if shown.ndim == 2 else shown[..., 0]) >= 128
            return fitted
        if mask.shape == size:
            return mask
        there, wanted, network = (" x ".join(map(str, shape)) for shape in (mask.shape, image.shape[:2], size))
        fault = f"{name} is {there}, the image {wanted} and the network's input {network}"
        raise InputError(self.where, fault, "masks have the size of one of them")


def grid(height: int, width: int, side: int) -> Regions:
    """Square tiles of `side` pixels, cut off at the right and the bottom; as "row 1, column 2"."""
    masks = {}
    for row in range(math.ceil(height / side)):
        for column in range(math.ceil(width / side)):
            mask = np.zeros((height, width), np.bool_)
            mask[row * side : (row + 1) * side, column * side : (column + 1) * side] = True
            masks[f"row {row + 1}, column {column + 1}"] = mask
    return Regions(masks, "grid")


def regions_in(path: str) -> Regions:
    """The masks in a file or folder, as `read_masks` has them; InputError names what is wrong with it."""
    return Regions(read_masks(path, others="grid"), path)
