"""Class activation maps that run the network again for each map: masked by it (score), or without it (ablation)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_tui.contract import Classifier

from .crossing import sent
from .saliency_passes import Passes, Tensors, in_passes
from .saliency_scores import Score

Look = Callable[[int, int], Tensors]  # of images: inputs (k, C, H, W), the layer's maps (k, K, h, w)
Step = tuple[int, Tensor, float]  # image, its map (h, w) on the host of what is known so far, the share that is done


def score(classifier: Classifier, look: Look, targets: Sequence[int]) -> Iterator[Step]:
    """w_k = softmax over k of y(x * M_k), M_k the k-th map at the input's size, scaled to 0..1 (Score-CAM, Wang 2020).

    Image by image; maps that have not been tried yet have no part in the softmax.
    """

    def masked(passes: Passes, x: Tensor, maps: Tensor) -> Tensor:
        begin = passes.start - passes.images.start * passes.each
        own = maps.flatten(0, 1)[begin : begin + passes.stop - passes.start].unsqueeze(1)
        masks = F.interpolate(own, x.shape[2:], mode="bilinear", align_corners=True)
        low = masks.amin((2, 3), keepdim=True)
        masks = (masks - low) / (masks.amax((2, 3), keepdim=True) - low + 1e-8)
        return Score(classifier, "logit").numbers(passes.spread(x)[0] * masks, passes.targets(targets))

    count = _count(look)
    for index, found, maps in _found(classifier, look, len(targets), count, masked, "masked"):
        yield index, _sum(found.softmax(0), maps), len(found) / count


def ablation(classifier: Classifier, layer: str, look: Look, targets: Sequence[int]) -> Iterator[Step]:
    """w_k = (y - y_k) / y, y_k the score with the k-th map set to zero (Ablation-CAM, Desai and Ramaswamy 2020).

    Image by image; the maps are the output of `layer`.
    """

    def without(passes: Passes, x: Tensor, maps: Tensor) -> Tensor:
        each = np.arange(passes.each)[None] == passes.numbers[:, None]
        gone = sent(torch.from_numpy(each[:, 1:]), maps.device)  # an image's first pass is whole
        inputs, outputs = passes.spread(x, maps)
        with _instead(classifier, layer, outputs.masked_fill(gone[:, :, None, None], 0)):
            return Score(classifier, "logit").numbers(inputs, passes.targets(targets))

    count = _count(look)
    for index, found, maps in _found(classifier, look, len(targets), count + 1, without, "ablation"):
        if len(found) > 1:
            weights = (found[0] - found[1:]) / found[0]
            yield index, _sum(weights, maps), len(weights) / count


def _count(look: Look) -> int:
    return look(0, 1)[1].shape[1]


def _found(
    classifier: Classifier,
    look: Look,
    images: int,
    each: int,
    numbers: Callable[[Passes, Tensor, Tensor], Tensor],
    work: str,
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """(image, the numbers of its passes so far, its maps (K, h, w)), image by image, on the host."""
    so_far = torch.zeros(each)

    def run(passes: Passes) -> list[Tensor]:
        x, maps = look(passes.images.start, passes.images.stop)
        return [passes.by_image(numbers(passes, x, maps)), maps]

    for span, (found, maps) in in_passes(Score(classifier, "logit"), images, each, run, work):
        so_far[span.start : span.stop] = torch.from_numpy(found[span.start : span.stop])
        yield span.image, so_far[: span.stop], torch.from_numpy(maps)


def _sum(weights: Tensor, maps: Tensor) -> Tensor:
    """The first maps of (K, h, w), weighed: as many as there are weights."""
    return torch.einsum("k,khw->hw", weights, maps[: len(weights)])


@contextmanager
def _instead(classifier: Classifier, layer: str, output: Tensor) -> Iterator[None]:
    """Inside, the layer's output is `output`."""

    def hook(module: nn.Module, given: Any, returned: Tensor) -> Tensor:
        return output.to(returned.dtype)

    handle = classifier.module.get_submodule(layer).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
