"""`TorchClassifier.still`: weights are looked at once inside, and again afterwards; copies look for themselves."""

from __future__ import annotations

import torch
from torch import nn

from fer_tui.classifier import open_classifier


def test_weights_are_looked_at_once_inside() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    classifier = open_classifier(module, classes=["a", "b", "c"], size=(4, 4), device="cpu")
    before = classifier.digest
    with classifier.still():
        with torch.no_grad():
            module[1].weight += 1.0
        assert classifier.digest == before
        renamed = classifier.named(["d", "e", "f"])
    after = classifier.digest
    assert after != before
    changed = renamed.digest
    with torch.no_grad():
        module[1].weight += 1.0
    assert classifier.digest not in (before, after) and renamed.digest != changed
