"""The network before it is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from fer_tui.classifier import open_classifier
from fer_tui.classifier.networks import NETWORKS
from fer_tui.contract import InputError, nearest

if TYPE_CHECKING:
    from fer_tui.classifier import TorchClassifier
    from fer_tui.dataset import MappedDataset

USUAL = "fer-res"
_SIDE = 64  # of pictures that have no size in common, or a large one
_LARGE = 128
_LOOKED_AT = 32


def fresh_classifier(
    dataset: MappedDataset,
    model: str | None = None,
    model_args: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    equalise: bool = False,
    fit: str = "stretch",
    device: str = "auto",
) -> tuple[TorchClassifier, str, dict[str, Any]]:
    """A network for `dataset` with weights drawn from `seed`; and its name and arguments, to make it again.

    model: a bundled network's name, or `file.py:Class`. A bundled one takes as many classes and channels as the dataset
    has, and pictures of `size`; else of the size that all pictures of the dataset have, up to 128; else 64x64.
    InputError where there are not two classes to tell apart.
    """
    seen = [name for name, count in zip(dataset.classes, dataset.counts, strict=True) if count]
    if len(seen) < 2:
        fault = f"has pictures of one class alone, {seen[0]}" if seen else "has no labels to train on"
        raise InputError(
            dataset.name, fault, "give class folders, or labels beside the pictures, of two classes or more"
        )
    name, arguments = model or USUAL, dict(model_args or {})
    shape = dataset.uniform_shape
    if name in NETWORKS:
        side = size or (shape[:2] if shape is not None and max(shape[:2]) <= _LARGE else (_SIDE, _SIDE))
        arguments = {"classes": len(dataset.classes), "channels": _channels(dataset), "size": list(side)} | arguments
    elif ":" not in name and not name.endswith(".py"):
        fault = f"there is no bundled network of that name{nearest(name, NETWORKS)}"
        raise InputError(f"model {name}", fault, f"bundled: {', '.join(NETWORKS)}; your own is file.py:Class")
    torch.manual_seed(seed)
    classifier = open_classifier(
        NETWORKS.get(name, name),
        None,
        model_args=arguments,
        mean=mean,
        std=std,
        equalise=equalise,
        fit=fit,
        size=size,
        size_hint=shape[:2] if shape is not None else None,
        classes=dataset.classes,
        device=device,
    )
    return classifier, name, arguments


def _channels(dataset: MappedDataset) -> int:
    """3 where any of a few pictures from all over the dataset has colours, else 1."""
    step = max(1, len(dataset) // _LOOKED_AT)
    return 3 if any(dataset[row].image.ndim == 3 for row in range(0, len(dataset), step)) else 1
