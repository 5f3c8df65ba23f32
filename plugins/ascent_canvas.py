"""The canvas of an ascent: free variables, the pictures that they stand for, the network's inputs made of those."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from fer_tui.contract import Classifier

SPACES = ("pixels", "fourier")
BOUNDS = ("clip", "squash", "free")
_EDGE = 1e-4  # how near to black and white a squashed picture may start
_EXACT = 1e-3  # largest error of the measured preprocessing, as a share of the inputs' range
_DECAY = 1.0  # power of the frequency by which Fourier coefficients are scaled


class Canvas:
    """Pictures float32 (N, K, H, W), 0 black to 1 white, K = 1 or 3, and how they are held and fed.

    space: what is climbed on: the pixels, or the Fourier coefficients, scaled by 1/frequency so that large shapes come
    first (Olah et al. 2017, "Feature Visualization"). bounds: how pixels are kept in 0..1: clipped after each step,
    squashed by a logistic function, or not at all.
    """

    def __init__(self, classifier: Classifier, space: str, bounds: str) -> None:
        self._classifier, self._bounds = classifier, bounds
        self._colours, self._matrix, self._shift, self.affine = _preprocessing(classifier)
        _, height, width = classifier.input_shape
        self._size = height, width
        self._scale = _frequency_scale(height, width).to(classifier.device) if space == "fourier" else None

    @property
    def bytes(self) -> int:
        """Of one picture."""
        return 4 * self._colours * math.prod(self._size)

    def noise(self, seed: int, units: Sequence[tuple[int, int]], contrast: float) -> torch.Tensor:
        """White noise 0.5 +- contrast, uniform, one picture for each (unit, variant): whatever else is climbed."""
        shape = (self._colours, *self._size)
        noise = [np.random.default_rng([seed, *unit]).random(shape, np.float32) for unit in units]
        return torch.from_numpy(0.5 + contrast * (2 * np.stack(noise) - 1)).to(self._classifier.device)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """The variables of these pictures."""
        if self._bounds == "squash":
            pictures = torch.logit(pictures.clamp(_EDGE, 1 - _EDGE))
        elif self._scale is not None:
            pictures = pictures - 0.5
        if self._scale is None:
            return pictures
        return torch.view_as_real(torch.fft.rfft2(pictures, norm="ortho") / self._scale)

    def decode(self, variables: torch.Tensor) -> torch.Tensor:
        """The pictures of these variables; differentiable."""
        pictures = variables
        if self._scale is not None:
            pictures = torch.fft.irfft2(torch.view_as_complex(variables) * self._scale, s=self._size, norm="ortho")
        if self._bounds == "squash":
            return torch.sigmoid(pictures)
        return pictures if self._scale is None else pictures + 0.5

    def settled(self, variables: torch.Tensor, blur: float) -> torch.Tensor:
        """The variables after a step: the pictures blurred (blur: standard deviation in pixels) and within bounds."""
        if not blur and self._bounds != "clip":
            return variables
        pictures = self.decode(variables)
        if blur:
            pictures = _blurred(pictures, blur)
        return self.encode(pictures.clamp(0, 1) if self._bounds == "clip" else pictures)

    def inputs(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the network gets for these pictures: a new tensor (N, C, H, W); differentiable."""
        if self._matrix is None:
            return pictures.clone()  # a network may begin with an operation in place
        return F.conv2d(pictures, self._matrix[:, :, None, None], self._shift)

    def shown(self, pictures: torch.Tensor) -> np.ndarray:
        """float32 (N, H, W[, 3]) in 0..1; unbounded pictures are each brought to mean 0.5, standard deviation 0.2."""
        if self._bounds == "free":
            spread, mean = torch.std_mean(pictures, (1, 2, 3), keepdim=True, correction=0)
            pictures = 0.5 + 0.2 * (pictures - mean) / spread.clamp(min=1e-12)
        pictures = pictures.detach().clamp(0, 1).cpu()
        return (pictures[:, 0] if self._colours == 1 else pictures.permute(0, 2, 3, 1)).contiguous().numpy()


def _preprocessing(classifier: Classifier) -> tuple[int, torch.Tensor | None, torch.Tensor | None, bool]:
    """Input = matrix (C, K) @ picture + shift (C,), measured on black, white and noise; and whether that is exact.

    Covers mean and standard deviation, swapped colours, gray made of colours. None, None: nothing is changed. Where the
    preprocessing is something else the picture is the input itself, stretched over the range that noise has.
    """
    channels, height, width = classifier.input_shape
    size = (height, width) if channels == 1 else (height, width, 3)
    noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    pictures = [np.zeros(size, np.uint8), np.full(size, 255, np.uint8), noise]
    inputs = classifier.inputs(pictures).detach().float().cpu().numpy()
    values = np.stack([classifier.shown(picture) for picture in pictures]).astype(np.float64) / 255
    colours = 1 if values.ndim == 3 else 3
    rows = np.concatenate([values.reshape(-1, colours), np.ones((values.size // colours, 1))], 1)
    wanted = inputs.transpose(0, 2, 3, 1).reshape(-1, channels).astype(np.float64)
    found = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    low, high = float(inputs[2].min()), float(inputs[2].max())
    affine = bool(np.abs(rows @ found - wanted).max() <= _EXACT * max(high - low, 1e-12))
    if not affine:
        colours = channels if channels in (1, 3) else 3
        mixed = np.eye(channels, colours) if channels <= colours else np.full((channels, colours), 1 / colours)
        found = np.concatenate([mixed.T * (high - low), np.full((1, channels), low)])
    found = np.where(np.abs(found) < 1e-6, 0, found)  # what the fit's rounding leaves
    matrix, shift = torch.from_numpy(found[:-1].T).float(), torch.from_numpy(found[-1]).float()
    if channels == colours and torch.allclose(matrix, torch.eye(channels), atol=1e-6) and not shift.any():
        return colours, None, None, affine
    return colours, matrix.to(classifier.device).contiguous(), shift.to(classifier.device), affine


def _frequency_scale(height: int, width: int) -> torch.Tensor:
    """(H, W // 2 + 1): 1 / frequency, at least that of one wave; its root mean square is 1."""
    down, right = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    scale = 1 / torch.hypot(down, right).clamp(min=1 / max(height, width)) ** _DECAY
    return scale / scale.square().mean().sqrt()


def _blurred(pictures: torch.Tensor, sigma: float) -> torch.Tensor:
    """A Gaussian blur of `sigma` pixels, the edge pixels repeated outwards."""
    radius = max(1, round(3 * sigma))
    line = torch.arange(-radius, radius + 1, device=pictures.device, dtype=pictures.dtype)
    weights = torch.exp(-line.square() / (2 * sigma**2))
    weights = weights / weights.sum()
    flat = pictures.flatten(0, 1).unsqueeze(1)
    flat = F.conv2d(F.pad(flat, (radius, radius, 0, 0), mode="replicate"), weights.view(1, 1, 1, -1))
    flat = F.conv2d(F.pad(flat, (0, 0, radius, radius), mode="replicate"), weights.view(1, 1, -1, 1))
    return flat.view_as(pictures)
