"""SmoothGrad and its kin: gradients of many noisy copies of the image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .saliency_passes import Passes, Tensors, in_passes, sliding
from .saliency_scores import CUT, Attribution, Image, Score, Values

_UNSETTLED = 0.5  # share of the map that may be the draw's chance before it is said
_KEPT = 1 << 24  # numbers of noise that stay in memory for the next image

Exact = NDArray[np.float64]


def noise(shape: tuple[int, ...], seed: int) -> Iterator[Tensor]:
    """Standard normal float32 tensors of `shape` without end: the same for a seed, whatever the device and batch."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(shape, generator=generator)


def smoothed(
    score: Score,
    images: Sequence[Image],
    targets: Sequence[int],
    *,
    variant: str,
    absolute: bool,
    samples: int,
    share: float,
    seed: int,
) -> Iterator[tuple[int, Attribution]]:
    """With g the gradient (its absolute value where `absolute`) at x + e: the mean of g (smoothgrad, Smilkov et al.
    2017), of g^2 (smoothgrad-squared, Hooker et al. 2019), or the variance of g (vargrad, Adebayo et al. 2018).

    e is normal, and drawn alike for each image; its deviation is `share` of the input's own range, max(x) - min(x).
    """
    drawn = _Drawn(score.classifier.input_shape, samples, seed)

    @sliding
    def inputs(start: int, stop: int) -> Tensors:
        return (score.inputs(images[start:stop]),)

    def run(passes: Passes) -> list[Tensor]:
        """For each image the sums of g and of g^2, and the input's range."""
        nonlocal cut
        (x,) = inputs(passes.images.start, passes.images.stop)
        ranges = (x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True)).double()
        middle, deviation = passes.spread(x, (share * ranges).to(x))
        gradient, _, cut = score.gradient(middle + deviation * drawn.of(passes, x), passes.targets(targets))
        made = gradient.abs() if absolute else gradient
        return [passes.summed(made), passes.summed(made.double().square_()), ranges.flatten()]

    cut, first, second = False, *np.zeros((2, *score.classifier.input_shape))
    for (index, start, stop), (part, squares, width) in in_passes(score, len(images), samples, run, "gradient"):
        first, second = (first + part, second + squares) if start else (part, squares)
        values = _values(variant, first / stop, second / stop)
        if stop < samples:
            yield index, Attribution(channels=values, progress=stop / samples)
            continue
        deviation = share * float(width)
        remarks = [] if deviation else ["the image has one brightness, so its noise is zero: no copy differs from it"]
        if variant == "smoothgrad" and deviation and samples > 1:
            remarks += _warnings(first / samples, second / samples, samples)
        notes = tuple(remarks) if not cut else (CUT,)
        yield index, Attribution(channels=values, notes=notes, meta={"noise": deviation})


class _Drawn:
    """The noise of an image's copies, the same for all: drawn once where all of it is small, else once an image."""

    def __init__(self, shape: tuple[int, ...], samples: int, seed: int) -> None:
        self._shape, self._seed = shape, seed
        self._stays = samples * math.prod(shape) <= _KEPT
        self._begin()

    def _begin(self) -> None:
        self._first = 0  # the number of the first copy that is in memory
        self._copies: list[Tensor] = []
        self._coming = noise(self._shape, self._seed)

    def of(self, passes: Passes, like: Tensor) -> Tensor:
        """For each pass its copy's noise, (n, C, H, W), on the device of `like`; a batch may be asked for again."""
        return torch.stack([each for _, start, stop in passes.spans for each in self._from(start, stop, like)])

    def _from(self, start: int, stop: int, like: Tensor) -> list[Tensor]:
        if start < self._first:
            self._begin()
        missing = stop - self._first - len(self._copies)
        if missing > 0:
            self._copies += torch.stack(list(itertools.islice(self._coming, missing))).to(like).unbind()
        if not self._stays:
            del self._copies[: start - self._first]
            self._first = start
        return self._copies[start - self._first : stop - self._first]


def _values(variant: str, mean: Exact, squares: Exact) -> Values:
    if variant == "smoothgrad":
        return mean.astype(np.float32)
    if variant == "vargrad":
        squares = np.maximum(squares - mean**2, 0)  # rounding may leave less than nothing
    return squares.astype(np.float32)


def _warnings(mean: Exact, squares: Exact, samples: int) -> Iterator[str]:
    """The standard error of the mean, as a share of the map."""
    error = np.sqrt(np.maximum(squares - mean**2, 0).sum() / (samples - 1))
    size = np.sqrt((mean**2).sum())
    if size and error > _UNSETTLED * size:
        yield f"another seed would move this map by {error / size:.0%} of its size: take more samples"
