"""Runners and a small network that the tests of filter-ascent share."""

from __future__ import annotations

import torch
from torch import nn

from fer_tui.classifier import TorchClassifier
from fer_tui.contract import Gallery, Place, Result, Subject
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters

STILL = {"jitter": 0, "blur": 0.0}  # plain ascent


def run(classifier: TorchClassifier, place: Place, **parameters: object) -> list[Result]:
    return list(FilterAscent().explain(Subject(classifier, place), FilterAscentParameters(**parameters)))


def climb(
    classifier: TorchClassifier, layer: str | None = None, filter: int | None = None, **parameters: object
) -> Gallery:
    """The finished gallery."""
    last = run(classifier, Place(layer=layer, filter=filter), **parameters)[-1]
    assert last.final and last.progress == 1 and last.place == Place(layer=layer, filter=filter)
    assert isinstance(last.explanation, Gallery)
    return last.explanation


def climb_class(classifier: TorchClassifier, target: int, **parameters: object) -> Gallery:
    last = run(classifier, Place(target=target), view="class", **parameters)[-1]
    assert last.final and isinstance(last.explanation, Gallery)
    return last.explanation


def smooth(channels: int = 1, classes: int = 3) -> nn.Module:
    """Without kinks, so that rounding does not grow; the layers' names are 0 to 7."""
    torch.manual_seed(5)
    network = nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.GELU(),
        nn.Conv2d(6, 9, 3, stride=2),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(9, classes),
    )
    network[1].running_mean.normal_(0, 0.2)
    network[1].running_var.uniform_(0.5, 1.5)
    return network
