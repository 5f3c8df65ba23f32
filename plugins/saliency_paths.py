"""Integrated gradients: the gradient along the way from a baseline to the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from .crossing import sent
from .saliency_baselines import baseline
from .saliency_passes import Passes, Tensors, in_passes, sliding
from .saliency_scores import CUT, Attribution, Image, Score, Values

_GAP = 0.05  # share of the score's difference that may be missing before it is said
_TOGETHER = 16  # points that lie evenly along the way
_ROUNDING = 1e-5  # the same as a share of all that was attributed

Exact = NDArray[np.float64]


def integrated(
    score: Score, images: Sequence[Image], targets: Sequence[int], *, steps: int, against: str, value: int
) -> Iterator[tuple[int, Attribution]]:
    """(x - b) * sum of w_k * d y_t / d x at b + a_k (x - b), b the baseline (Sundararajan et al. 2017), image by image.

    a_k and w_k are the `steps` points and weights of the Gauss-Legendre rule on 0 to 1. The values add up to
    y(x) - y(b), save a gap: extras["gap"] float64 (1,) is their sum minus that.
    """
    rule = _rule(steps)

    @sliding
    def ends(start: int, stop: int) -> Tensors:
        x = score.inputs(images[start:stop])
        return x, baseline(score.classifier, x, against, value)

    def run(passes: Passes) -> list[Tensor]:
        """What is added to the map of each image, and, where it begins, the scores of image and baseline."""
        nonlocal cut
        here, new = passes.images, passes.fresh
        x, base = ends(here.start, here.stop)
        points, weights = sent(torch.from_numpy(rule[:, passes.numbers]), x.device).view(2, -1, 1, 1, 1)
        origin, away = passes.spread(base, x - base)
        gradient, _, cut = score.gradient(origin + points.to(x) * away, passes.targets(targets))
        found = passes.summed(gradient.double().mul_(weights)) * (x - base)
        begun = targets[here][new]
        scores = [score.numbers(each[new], begun) if begun else x.new_zeros(0) for each in (x, base)]
        return [found, *(F.pad(each, (len(x) - len(begun), 0)) for each in scores)]

    cut, total, both = False, np.zeros(score.classifier.input_shape), np.zeros(2)
    for (index, start, stop), (part, *known) in in_passes(score, len(images), steps, run, "gradient"):
        total, both = (total + part, both + known) if start else (part, np.array(known))
        if stop < steps:
            yield index, Attribution(channels=_values(total / rule[1, :stop].sum()), progress=stop / steps)
            continue
        high, low = both.tolist()
        gap = float(total.sum() - (high - low))
        yield (
            index,
            Attribution(
                channels=_values(total),
                notes=tuple(_warnings(gap, high - low, total, against)) if not cut else (CUT,),
                meta={"gap": gap, "score": high, "baseline_score": low},
                extras={"gap": np.array([gap])},
            ),
        )


def _rule(steps: int) -> Exact:
    """Points and weights (2, steps), in an order in which any few neighbours lie all along the way, to tell of it."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    rounds = max(1, -(-steps // _TOGETHER))
    order = np.concatenate([np.arange(first, steps, rounds) for first in range(rounds)])
    return np.stack([(1 + points[order]) / 2, weights[order] / 2])


def _values(values: Exact) -> Values:
    return values.astype(np.float32)


def _warnings(gap: float, difference: float, values: Exact, against: str) -> Iterator[str]:
    if difference == 0:
        yield f"image and baseline ({against}) have the same score, so there is nothing to explain between them"
    elif abs(gap) > max(_GAP * abs(difference), _ROUNDING * float(np.abs(values).sum())):
        share = abs(gap / difference)
        yield f"the values miss the score's difference to the baseline by {share:.0%} of it: take more steps"
