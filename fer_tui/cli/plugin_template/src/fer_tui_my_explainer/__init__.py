"""RISE: which parts of a picture must be seen for the network to see a class in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from fer_tui.contract import Axis, Explainer, Heatmap, Parameters, Result, Subject, parameter

BATCH = 32  # masks in one pass: small enough for an early result, and always the same, for the same result


@dataclass(frozen=True, kw_only=True)
class MyExplainerParameters(Parameters):
    """Each field is a line of the form, a flag (`-p masks=2000`) and a part of the result's name in the store."""

    masks: int = parameter(800, "how often a random part of the picture is hidden", low=2, high=20_000)
    cells: int = parameter(7, "cells of the coarse grid that masks are drawn on, along each side", low=2, high=32)
    seen: float = parameter(0.5, "how much of the picture stays visible", unit="share", low=0.1, high=0.9)
    hide: str = parameter("mean", "what hides: the picture's mean, or the input's zero", choices=("mean", "zero"))


class MyExplainer(Explainer[MyExplainerParameters]):
    """Randomized Input Sampling for Explanation (Petsiuk, Das, Saenko 2018), with the mean score taken off.

    A pixel's value is cov(score, mask) / (seen (1 - seen)): by about how much the target's score is higher where the
    pixel is seen than where it is hidden.
    """

    name = "my-explainer"  # as typed: fer-tui explain my-explainer
    title = "My explainer"
    help = "Which parts must be seen: the target's score under random masks (RISE)."
    version = "1"  # another one whenever the numbers change: stored results are made again
    kind = "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.TARGET, Axis.CHECKPOINT})  # what a result depends on, and nothing else
    cost = "slow"  # "cheap" where a map takes a few milliseconds: it is then made ahead
    Parameters = MyExplainerParameters

    def explain(self, subject: Subject, parameters: MyExplainerParameters) -> Iterator[Result]:
        """Better and better maps: one after every BATCH masks."""
        classifier, image, target = subject.classifier, subject.image, subject.place.target
        assert image is not None and target is not None  # given, because their axes are declared
        picture = classifier.inputs([image])
        hidden = picture.mean((2, 3), keepdim=True) if parameters.hide == "mean" else torch.zeros_like(picture)
        rng = np.random.default_rng(parameters.seed)
        height, width = picture.shape[2:]
        score_sum, mask_sum, both_sum = 0.0, np.zeros((height, width)), np.zeros((height, width))
        done = 0
        while done < parameters.masks:
            count = min(BATCH, parameters.masks - done)
            masks = random_masks(rng, count, height, width, parameters.cells, parameters.seen)
            with torch.no_grad():
                seen = torch.from_numpy(masks)[:, None].to(picture)
                scores = classifier.scores(hidden + seen * (picture - hidden))[:, target].double().cpu().numpy()
            score_sum += scores.sum()
            mask_sum += masks.sum(0)
            both_sum += np.tensordot(scores, masks, 1)
            done += count
            covariance = both_sum / done - score_sum / done * mask_sum / done
            values = (covariance / (parameters.seen * (1 - parameters.seen))).astype(np.float32)
            heatmap = Heatmap(values=values, image=classifier.shown(image), signed=True)
            yield Result(subject.place, heatmap, final=done == parameters.masks, progress=done / parameters.masks)


def random_masks(
    rng: np.random.Generator, count: int, height: int, width: int, cells: int, seen: float
) -> NDArray[np.float32]:
    """Smooth masks, float32 (count, height, width), 1 where the picture is seen: a coarse random grid, shifted."""
    grid = torch.from_numpy((rng.random((count, 1, cells + 1, cells + 1)) < seen).astype(np.float32))
    cell_height, cell_width = -(-height // cells), -(-width // cells)
    size = [(cells + 1) * cell_height, (cells + 1) * cell_width]
    large = F.interpolate(grid, size=size, mode="bilinear", align_corners=False)[:, 0].numpy()
    tops, lefts = rng.integers(0, cell_height, count), rng.integers(0, cell_width, count)
    places = enumerate(zip(tops, lefts, strict=True))
    return np.stack([large[n, top : top + height, left : left + width] for n, (top, left) in places])
