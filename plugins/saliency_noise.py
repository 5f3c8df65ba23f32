"""SmoothGrad and its kin: gradients of many noisy copies of the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .saliency_scores import CUT, Attribution, Image, Score, Values

_UNSETTLED = 0.5  # share of the map that may be the draw's chance before it is said


def noise(shape: tuple[int, ...], seed: int) -> Iterator[Tensor]:
    """Standard normal float32 tensors of `shape` without end: the same for a seed, whatever the device and batch."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(shape, generator=generator)


def smoothed(
    score: Score, image: Image, target: int, *, variant: str, absolute: bool, samples: int, share: float, seed: int
) -> Iterator[Attribution]:
    """With g the gradient (its absolute value where `absolute`) at x + e: the mean of g (smoothgrad, Smilkov et al.
    2017), of g^2 (smoothgrad-squared, Hooker et al. 2019), or the variance of g (vargrad, Adebayo et al. 2018).

    e is normal; its deviation is `share` of the input's own range, max(x) - min(x).
    """
    x = score.inputs([image])
    deviation = share * float(x.max() - x.min())
    drawn = noise(tuple(x.shape[1:]), seed)
    copies: list[Tensor] = []  # drawn once, also where a batch must be run again by halves
    first, second = np.zeros(tuple(x.shape[1:])), np.zeros(tuple(x.shape[1:]))

    def run(start: int, stop: int) -> tuple[Values, list[list[str]]]:
        while start + len(copies) < stop:
            copies.append(next(drawn))
        moved = x + deviation * torch.stack(copies[: stop - start]).to(x)
        return score.gradients(moved, [target] * (stop - start))

    for _, stop, (gradients, said) in score.batches(samples, run, "gradient"):
        cut = CUT in said[0]
        del copies[: len(gradients)]
        made = np.abs(gradients) if absolute else gradients
        first += made.sum(0, dtype=np.float64)
        second += np.square(made, dtype=np.float64).sum(0)
        values = _values(variant, first / stop, second / stop)
        if stop < samples:
            yield Attribution(channels=values, progress=stop / samples)
    remarks = [] if deviation else ["the image has one brightness, so its noise is zero: no copy differs from it"]
    if variant == "smoothgrad" and deviation and samples > 1:
        remarks += _warnings(first / samples, second / samples, samples)
    notes = tuple(remarks) if not cut else (CUT,)
    yield Attribution(channels=values, notes=notes, meta={"noise": deviation})


def _values(variant: str, mean: NDArray[np.float64], squares: NDArray[np.float64]) -> Values:
    if variant == "smoothgrad":
        return mean.astype(np.float32)
    if variant == "vargrad":
        squares = np.maximum(squares - mean**2, 0)  # rounding may leave less than nothing
    return squares.astype(np.float32)


def _warnings(mean: NDArray[np.float64], squares: NDArray[np.float64], samples: int) -> Iterator[str]:
    """The standard error of the mean, as a share of the map."""
    error = np.sqrt(np.maximum(squares - mean**2, 0).sum() / (samples - 1))
    size = np.sqrt((mean**2).sum())
    if size and error > _UNSETTLED * size:
        yield f"another seed would move this map by {error / size:.0%} of its size: take more samples"
