"""Opens the small networks of the explainers' tests."""

from __future__ import annotations

from typing import Any

from torch import nn

from fer_tui.classifier import TorchClassifier, open_classifier


def opened(module: nn.Module, size: tuple[int, int], classes: int = 3, **given: Any) -> TorchClassifier:
    names = [f"class{n}" for n in range(classes)]
    return open_classifier(module.eval(), size=size, classes=names, device="cpu", **given)
