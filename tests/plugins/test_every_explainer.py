"""Every explainer on every kind of network that users bring: the numbers of the plain twin, and nothing left behind."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import open_classifier
from fer_tui.contract import Explanation, Gallery, Heatmap, InputError, Matrix, Place, PluginError
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine
from fer_tui.engine.check import _changes, _state

SIZE = (24, 20)  # not square

METHODS: dict[str, tuple[str, dict[str, object]]] = {
    "saliency": ("saliency", {}),
    "input-x-gradient": ("saliency", {"variant": "input-x-gradient"}),
    "integrated": ("saliency", {"variant": "integrated", "steps": 8}),
    "smoothgrad": ("saliency", {"variant": "smoothgrad", "samples": 6}),
    "guided": ("saliency", {"variant": "guided"}),
    "occlusion": ("saliency", {"variant": "occlusion", "window": 8, "stride": 8}),
    "cam": ("cam", {"variant": "cam"}),
    "gap-fit": ("cam", {"variant": "gap-fit"}),
    **{name: ("cam", {"variant": name}) for name in ("grad", "grad++", "layer", "eigen", "score", "ablation")},
    "lime": ("lime", {"samples": 60}),
    "lime exact": ("lime", {"samples": 30, "exact": True}),
    "ascent": ("filter-ascent", {"steps": 3}),
    "outputs": ("filter-ascent", {"view": "outputs"}),
    "images": ("filter-ascent", {"view": "images", "top": 3}),
    "class": ("filter-ascent", {"view": "class", "steps": 3}),
    "confusion": ("confusion", {}),
}


@dataclass
class Kind:
    """A user's network and its plain twin, which computes the same."""

    make: Callable[[int, int], nn.Module]
    classes: int = 3
    channels: int = 1


class Passes:
    """How many passes through any network, a copy's too, are left until it breaks."""

    left = 10**9


PASSES = Passes()


class Plain(nn.Module):
    """Two convolutions, a pooling head. style: how activations and pooling are written."""

    def __init__(self, channels: int = 1, classes: int = 3, style: str = "modules") -> None:
        super().__init__()
        torch.manual_seed(11)
        self.style = style
        self.conv1, self.norm = nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.relu1 = nn.ReLU(inplace=style == "in place")
        self.relu2 = self.relu1 if style == "reused" else nn.ReLU(inplace=style == "in place")
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, classes)
        with torch.no_grad():
            self.norm.running_mean.normal_(0, 0.2)
            self.norm.running_var.uniform_(0.5, 1.5)
            self.fc.weight.mul_(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv1(x))
        x = F.relu(x) if self.style == "functional" else self.relu1(x)
        PASSES.left -= 1
        if PASSES.left < 0:
            raise RuntimeError("the network broke")
        x = self.conv2(x)
        x = torch.relu(x) if self.style == "functional" else self.relu2(x)
        x = x.mean((2, 3)) if self.style == "functional" else self.pool(x).flatten(1)
        return self.fc(x)


def frozen(channels: int, classes: int) -> nn.Module:
    return Plain(channels, classes).requires_grad_(False)


def parallel(channels: int, classes: int) -> nn.Module:
    return nn.DataParallel(Plain(channels, classes))


KINDS = {
    "in place": Kind(lambda c, n: Plain(c, n, "in place")),
    "reused": Kind(lambda c, n: Plain(c, n, "reused")),
    "functional": Kind(lambda c, n: Plain(c, n, "functional")),
    "frozen": Kind(frozen),
    "DataParallel": Kind(parallel),
    "two classes": Kind(Plain, classes=2),
    "a thousand classes, in colour": Kind(Plain, classes=1000, channels=3),
}


def opened(module: nn.Module, kind: Kind) -> Engine:
    rng = np.random.default_rng(3)
    shape = (18, *SIZE, 3) if kind.channels == 3 else (18, *SIZE)
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    images[:, 4:12, 5:13] //= 4
    classes = [f"class {n}" for n in range(kind.classes)]
    dataset = open_dataset((images, np.arange(18) % kind.classes), classes=classes, cache="none")
    return Engine(open_classifier(module.eval(), size=SIZE, classes=classes, device="cpu"), dataset)


def explained(engine: Engine, method: str, layer: str) -> Explanation:
    name, parameters = METHODS[method]
    axes_at = Place(image=4, target=1, layer=layer if name in ("filter-ascent", "cam") and method != "cam" else None)
    *_, last = engine.explain(name, axes_at, parameters)
    return last.explanation


def numbers(explanation: Explanation) -> np.ndarray:
    match explanation:
        case Heatmap():
            return explanation.values
        case Gallery():
            return explanation.images
        case Matrix():
            return explanation.counts
    raise AssertionError


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_numbers_as_the_plain_twin_and_the_network_as_before(kind: str, method: str) -> None:
    if (kind, method) == ("functional", "cam"):  # what is averaged there is no layer's output
        with pytest.raises(InputError, match="no layer's maps are averaged"):
            explained(opened(Plain(style="functional"), KINDS[kind]), method, "conv2")
        return
    how = KINDS[kind]
    module = how.make(how.channels, how.classes)
    engine, twin = opened(module, how), opened(Plain(how.channels, how.classes), how)
    before = _state(module)
    made = numbers(explained(engine, method, "conv2"))
    assert _changes(before, _state(module)) == []
    plain = numbers(explained(twin, method, "conv2"))
    assert np.isfinite(made).all() and np.ptp(made) > 0
    assert made == pytest.approx(plain, abs=2e-5 * float(np.abs(plain).max()))


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_breaks_in_the_middle_is_left_as_it_was(method: str) -> None:
    how = Kind(Plain)
    module = Plain()
    engine = opened(module, how)
    passes = 0
    for broken_after in (0, 1, 2, 5, 9):
        PASSES.left = 10**9
        before = _state(module)
        PASSES.left = broken_after
        try:
            explained(engine, method, "conv2")
        except (PluginError, RuntimeError) as error:
            assert "the network broke" in str(error)
            passes += 1
        PASSES.left = 10**9
        assert _changes(before, _state(module)) == []
    assert passes, "it broke at least once"
    made, plain = (numbers(explained(each, method, "conv2")) for each in (engine, opened(Plain(), how)))
    close = 1e-2 if method in ("ascent", "class") else 2e-5  # a climb is chaotic, and a copy may not have been made
    assert made == pytest.approx(plain, abs=close * float(np.abs(plain).max()))


@pytest.mark.parametrize("method", METHODS)
def test_no_memory_is_left_behind(method: str) -> None:
    engine = opened(Plain(), Kind(Plain))

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())

    explained(engine, method, "conv2")  # what is made once (a faster copy) stays
    before = tensors()
    for _ in range(3):
        explained(engine, method, "conv2")
    assert tensors() <= before
