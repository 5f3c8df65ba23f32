"""Networks, images and a runner that the tests of cam share."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Heatmap, Place, Subject
from fer_tui_plugins.cam import Cam, CamParameters

GRADIENTS = ("grad", "grad++", "xgrad", "hires", "layer")
ALL = ("cam", *GRADIENTS, "eigen", "score", "ablation", "guided-grad-cam")


def explain(subject: Subject, **parameters: object) -> Heatmap:
    *_, last = Cam().explain(subject, CamParameters(**parameters))
    assert last.final and last.place == subject.place
    assert isinstance(last.explanation, Heatmap)
    return last.explanation


def at(classifier: TorchClassifier, image: NDArray[np.uint8], target: int, layer: str | None = None) -> Subject:
    return Subject(classifier, Place(image=0, target=target, layer=layer, checkpoint=0), image)


def noise(height: int = 16, width: int = 12, channels: int = 0, seed: int = 0) -> NDArray[np.uint8]:
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class Pooled(nn.Module):
    """Convolutions, ReLU in place, global average pooling as `pooling` says, a linear layer."""

    def __init__(self, channels: int = 1, classes: int = 4, pooling: str = "function", bias: bool = True) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.body = nn.Sequential(
            nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
            nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.pooling = pooling
        self.pool, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.5)
        self.point, self.fc = nn.Conv2d(8, classes, 1), nn.Linear(8, classes, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.body(x)
        match self.pooling:
            case "function":
                return self.fc(self.dropout(maps.mean((2, 3))))
            case "module":
                return self.fc(torch.flatten(self.pool(maps), 1))
            case "pointwise":
                return self.point(self.pool(maps)).flatten(1)
            case "none":
                return F.adaptive_avg_pool2d(self.point(maps), 1).flatten(1)
        return self.fc(F.adaptive_max_pool2d(maps, 1).flatten(1))


def opened(module: nn.Module, shape: tuple[int, int] = (16, 12), classes: int = 4) -> TorchClassifier:
    return open_classifier(module.eval(), size=shape, classes=[f"c{n}" for n in range(classes)], device="cpu")
