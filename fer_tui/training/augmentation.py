"""Pictures changed at random, whole batches at once on the device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .recipe import Recipe

_DRAWN = 14  # random numbers for each picture


@dataclass(frozen=True)
class Augmentation:
    """Mirrors, moves, turns, scales, lights, erases and blends pictures.

    All randomness of a batch is one table of numbers, a row a picture (`draw`): processes that share a batch draw the
    same table, and each uses its rows.
    """

    recipe: Recipe

    def draw(self, count: int, device: torch.device) -> torch.Tensor:
        """Uniform random numbers (count, ...) from the device's own generator."""
        return torch.rand(count, _DRAWN, device=device)

    def changed(self, pictures: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """uint8 (N, C, H, W) to float32 in 0 to 1, each picture changed as its row of `drawn` says."""
        images = pictures.float().div_(255)
        if self._moves:
            images = self._moved(images, drawn)
        if self.recipe.light:
            images = self._lit(images, drawn)
        return self._erased(images, drawn) if self.recipe.erasing else images

    def shares(self, drawn: torch.Tensor) -> torch.Tensor:
        """float32 (N,): how much of each picture stays when it is blended with another: 1, or from a half on."""
        return 1 - 0.5 * drawn[:, 12] * (drawn[:, 11] < self.recipe.mixing)

    @property
    def _moves(self) -> bool:
        recipe = self.recipe
        return bool(recipe.flip or recipe.shift or recipe.rotation or recipe.scale)

    def _moved(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """One bilinear resampling for all moves; beyond the edge the picture's own edge goes on."""
        recipe, (height, width) = self.recipe, images.shape[2:]
        turn = (drawn[:, 0] * 2 - 1) * math.radians(recipe.rotation)
        factor = 1 + (drawn[:, 1] * 2 - 1) * recipe.scale
        mirror = 1 - 2 * (drawn[:, 2] < 0.5 * recipe.flip).float()
        right, down = ((drawn[:, column] * 4 - 2) * recipe.shift for column in (3, 4))
        cos, sin = factor * turn.cos(), factor * turn.sin()
        rows = [cos * mirror, -sin * (height / width), right, sin * mirror * (width / height), cos, down]
        grid = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, "bilinear", "border", align_corners=False)

    def _lit(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        contrast, brightness = (((drawn[:, column] * 2 - 1) * self.recipe.light).view(-1, 1, 1, 1) for column in (5, 6))
        middle = images.mean((1, 2, 3), keepdim=True)
        return torch.lerp(middle, images, 1 + contrast).add_(brightness * 0.5).clamp_(0, 1)

    def _erased(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """A rectangle of a fifth to a half of each side becomes as grey as the picture's mean."""
        sides = []
        for column, length in ((7, images.shape[2]), (8, images.shape[3])):
            at = torch.arange(length, device=images.device) + 0.5
            half = length * (0.1 + 0.15 * drawn[:, column + 2, None])
            sides.append((at - drawn[:, column, None] * length).abs() < half)
        gone = sides[0][:, None, :, None] & sides[1][:, None, None, :]
        chosen = drawn[:, 13] < self.recipe.erasing
        return torch.where(gone & chosen.view(-1, 1, 1, 1), images.mean((2, 3), keepdim=True), images)


def blended(values: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Rows 1 on of `values` (N + 1, ...), each with its share (N,), and the row before it with the rest."""
    return torch.lerp(values[:-1], values[1:], shares.view(-1, *[1] * (values.ndim - 1)))
