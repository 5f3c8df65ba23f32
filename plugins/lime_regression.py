"""The linear model that LIME fits to its samples: weights, coefficients, how well it fits, how stable it is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lime_views import ranked
from .single_thread import single_thread

_WIDTH = 0.25  # of the kernel, as the lime package sets it
_RESAMPLINGS = 10

Samples = NDArray[np.int64]  # (N, segments), 0 where a segment is hidden
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """probability = intercept + coefficients . shown, near the picture.

    coefficients: (classes, segments). intercepts: (classes,). r2: (classes,), the share of the probability's weighted
    variance over the samples that the line explains.
    """

    coefficients: Array
    intercepts: Array
    r2: Array

    @property
    def predictions(self) -> Array:
        """What the line says of the whole picture, (classes,)."""
        found: Array = self.intercepts + self.coefficients.sum(1)
        return found


def draw(seed: int, samples: int, segments: int) -> Samples:
    """Which segments each sample shows, half of them on average; the first sample shows all. As the package draws."""
    data = np.random.RandomState(seed).randint(0, 2, samples * segments).reshape(samples, segments)
    data[0] = 1
    return data.astype(np.int64, copy=False)


def closeness(data: Samples) -> Array:
    """The weight of each sample: sqrt(exp(-d^2 / .25^2)), d its cosine distance to the whole picture.

    Of n segments k are shown: d = 1 - sqrt(k/n), which is 1 where none is.
    """
    return _kernel(1 - np.sqrt(data.sum(1) / data.shape[1]))


def _kernel(distances: Array) -> Array:
    weights: Array = np.sqrt(np.exp(-(distances**2) / _WIDTH**2))
    return weights


def fit(data: Samples, probabilities: NDArray[np.floating[Any]], weights: Array, alpha: float = 1.0) -> Fit:
    """Ridge regression with an intercept, of all classes at once: one factorisation serves them all.

    probabilities: (N, classes). Minimises sum_i w_i (y_i - b - x_i . c)^2 + alpha |c|^2.
    """
    x, y, share = data.astype(np.float64), probabilities.astype(np.float64), weights / weights.sum()
    middle, level = share @ x, share @ y
    x -= middle
    y -= level
    weighted = (x * weights[:, None]).T
    with single_thread():
        normal = weighted @ x
        normal[np.diag_indices_from(normal)] += alpha
        slopes = np.linalg.solve(normal, weighted @ y)
    missed, spread = weights @ (y - x @ slopes) ** 2, weights @ y**2
    intercepts: Array = level - middle @ slopes
    return Fit(slopes.T.astype(np.float64), intercepts, _explained(missed, spread))


def _explained(missed: Array, spread: Array) -> Array:
    """1 - missed / spread; where nothing varies, 1 if nothing was missed and else 0."""
    constant = spread == 0
    return np.where(constant, missed == 0, 1 - missed / np.where(constant, 1, spread))


def package_fit(data: Samples, column: NDArray[np.floating[Any]]) -> tuple[Array, float]:
    """Coefficients (segments,) and intercept of one class, to the last bit those of the lime package.

    Its two steps are repeated: the first regression only orders the columns of the second, which changes rounding.
    column: (N,), in the type in which the classifier function returned it.
    """
    state = random.getstate()  # what it imports may draw a number meanwhile, as rich does
    from sklearn.linear_model import Ridge
    from sklearn.metrics import pairwise_distances

    random.setstate(state)
    distances = pairwise_distances(data, np.ones((1, data.shape[1]), data.dtype), metric="cosine").ravel()
    weights = _kernel(distances)
    order = ranked(Ridge(alpha=0.01, fit_intercept=True).fit(data, column, sample_weight=weights).coef_)
    model = Ridge(alpha=1, fit_intercept=True).fit(data[:, order], column, sample_weight=weights)
    coefficients = np.empty(len(order))
    coefficients[order] = model.coef_
    return coefficients, float(model.intercept_)


def stability(data: Samples, probabilities: NDArray[np.floating[Any]], weights: Array, top: int, seed: int) -> Array:
    """How far the strongest segments would be the same with another seed: (classes,), 0 to 1.

    The samples are drawn again from themselves (bootstrap, Efron 1979), a fit is made of each drawing, and any two fits
    are compared: the share of the `top` strongest segments that both have, on average.
    """
    count = len(data)
    generator = np.random.default_rng(seed)
    classes, segments = probabilities.shape[1], data.shape[1]
    top = min(top, segments)
    votes = np.zeros((classes, segments))
    for _ in range(_RESAMPLINGS):
        times = np.bincount(generator.integers(0, count, count), minlength=count)
        slopes = np.abs(fit(data, probabilities, weights * times).coefficients)
        strongest = np.argsort(-slopes, axis=1, kind="stable")[:, :top]
        np.put_along_axis(votes, strongest, np.take_along_axis(votes, strongest, 1) + 1, 1)
    pairs = (votes * (votes - 1)).sum(1)  # of fits that agree on a segment, each pair counted twice
    found: Array = pairs / (top * _RESAMPLINGS * (_RESAMPLINGS - 1))
    return found
