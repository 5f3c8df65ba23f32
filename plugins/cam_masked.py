"""Class activation maps that run the network again for each map: masked by it (score), or without it (ablation)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_tui.contract import Classifier

Step = tuple[Tensor, float]  # the map (h, w) of what is known so far, and the share that is done


def score(classifier: Classifier, x: Tensor, activations: Tensor, target: int) -> Generator[Step, None, None]:
    """w_k = softmax over k of y(x * M_k), M_k the k-th map at the input's size, scaled to 0..1 (Score-CAM, Wang 2020).

    x: (1, C, H, W); activations: (K, h, w). Maps that have not been tried yet have no part in the softmax.
    """
    masks = F.interpolate(activations[None], x.shape[2:], mode="bilinear", align_corners=True)[0]
    low = masks.amin((1, 2), keepdim=True)
    masks = (masks - low) / (masks.amax((1, 2), keepdim=True) - low + 1e-8)

    def run(start: int, stop: int) -> Tensor:
        with torch.no_grad():
            return classifier.scores(x * masks[start:stop, None])[:, target].cpu()

    scores: list[Tensor] = []
    for _, stop, made in classifier.in_batches(len(masks), run, "masked"):
        scores.append(made)
        weights = torch.cat(scores).softmax(0).to(activations)
        yield torch.einsum("k,khw->hw", weights, activations[:stop]), stop / len(masks)


def ablation(
    classifier: Classifier, x: Tensor, layer: str, activations: Tensor, target: int
) -> Generator[Step, None, None]:
    """w_k = (y - y_k) / y, y_k the score with the k-th map set to zero (Ablation-CAM, Desai and Ramaswamy 2020).

    x: (1, C, H, W); activations: (K, h, w), the output of `layer` for x.
    """
    with torch.no_grad():
        whole = classifier.scores(x)[0, target].cpu()

    def run(start: int, stop: int) -> Tensor:
        without = activations.repeat(stop - start, 1, 1, 1)
        rows = torch.arange(stop - start)
        without[rows, rows + start] = 0
        with torch.no_grad(), _instead(classifier, layer, without):
            return whole - classifier.scores(x.expand(len(rows), *x.shape[1:]))[:, target].cpu()

    drops: list[Tensor] = []
    for _, stop, made in classifier.in_batches(len(activations), run, "ablation"):
        drops.append(made)
        weights = (torch.cat(drops) / whole).to(activations)
        yield torch.einsum("k,khw->hw", weights, activations[:stop]), stop / len(activations)


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
