"""Integrated gradients: the gradient along the way from a baseline to the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .saliency_baselines import baseline
from .saliency_scores import CUT, Attribution, Image, Score, Values

_GAP = 0.05  # share of the score's difference that may be missing before it is said
_TOGETHER = 16  # points that lie evenly along the way
_ROUNDING = 1e-5  # the same as a share of all that was attributed


def integrated(
    score: Score, image: Image, target: int, *, steps: int, against: str, value: int
) -> Iterator[Attribution]:
    """(x - b) * sum of w_k * d y_t / d x at b + a_k (x - b), b the baseline (Sundararajan et al. 2017).

    a_k and w_k are the `steps` points and weights of the Gauss-Legendre rule on 0 to 1. The values add up to
    y(x) - y(b), save a gap: extras["gap"] float64 (1,) is their sum minus that.
    """
    x = score.inputs([image])
    base = baseline(score.classifier, x, against, value)
    high, low = (float(score.values(each, [target])[0]) for each in (x, base))
    points, weights = np.polynomial.legendre.leggauss(steps)
    points, weights = (1 + points) / 2, weights / 2
    # Any few neighbours in this order lie all along the way, so that a part of them tells something of the whole.
    rounds = max(1, -(-steps // _TOGETHER))
    order = np.concatenate([np.arange(first, steps, rounds) for first in range(rounds)])
    away = (x - base)[0].double().cpu().numpy()
    total, weight = np.zeros(away.shape), 0.0

    def run(start: int, stop: int) -> tuple[Values, list[list[str]]]:
        shares = x.new_tensor(points[order[start:stop]]).view(-1, 1, 1, 1)
        return score.gradients(base + shares * (x - base), [target] * (stop - start))

    for start, stop, (gradients, said) in score.batches(steps, run, "gradient"):
        cut = CUT in said[0]
        here = weights[order[start:stop]]
        total += np.tensordot(here, gradients, 1)
        weight += float(here.sum())
        if stop < steps:
            yield Attribution(channels=_values(total / weight * away), progress=stop / steps)
    values = total * away
    gap = float(values.sum() - (high - low))
    yield Attribution(
        channels=_values(values),
        notes=tuple(_warnings(gap, high - low, values, against)) if not cut else (CUT,),
        meta={"gap": gap, "score": high, "baseline_score": low},
        extras={"gap": np.array([gap])},
    )


def _values(values: NDArray[np.float64]) -> Values:
    return values.astype(np.float32)


def _warnings(gap: float, difference: float, values: NDArray[np.float64], against: str) -> Iterator[str]:
    if difference == 0:
        yield f"image and baseline ({against}) have the same score, so there is nothing to explain between them"
    elif abs(gap) > max(_GAP * abs(difference), _ROUNDING * float(np.abs(values).sum())):
        share = abs(gap / difference)
        yield f"the values miss the score's difference to the baseline by {share:.0%} of it: take more steps"
