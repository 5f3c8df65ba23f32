"""Networks that captum's backward rules read wrongly: handled, or refused in one line that names the step."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum import attr
from torch import Tensor, nn
from torch.nn import functional as F

from fer_tui.classifier import open_classifier
from fer_tui.contract import Heatmap, InputError, Place
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine
from fer_tui_captum.pairwise import PairwiseMax

SIDE = 16
CLASSES = ("left", "right", "neither")


class Block(nn.Module):
    """A block of a residual network: one ReLU for both its activations, and a sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.relu = nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True)
        with torch.no_grad():
            self.norm.running_mean.normal_(0, 0.2)
            self.norm.running_var.uniform_(0.5, 1.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv2(self.relu(self.norm(self.conv1(x)))) + x)


class Residual(nn.Module):
    """Everything at once: own scaling of the input, functional activations and pooling, blocks that reuse a ReLU."""

    def __init__(self, middle: nn.Module | None = None, act: Callable[[Tensor], Tensor] = F.relu) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.stem, self.block, self.act = nn.Conv2d(1, 6, 3, padding=1), Block(6), act
        self.middle = middle or nn.Identity()
        self.drop, self.fc = nn.Dropout2d(0.5), nn.Linear(6, len(CLASSES))
        with torch.no_grad():
            self.fc.weight.mul_(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.stem((x - 0.5) / 0.25))
        x = F.max_pool2d(self.middle(self.block(x)), 2)
        return self.fc(self.drop(x).mean((2, 3)))


class Attending(nn.Module):
    """Multiplies maps with what it makes of them."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x.mean((2, 3), keepdim=True))


class Choosing(nn.Module):
    """Chooses its steps by what it sees."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1 if x.sum() > 0 else x


def engine_of(module: nn.Module) -> Engine:
    images = np.random.default_rng(2).integers(0, 256, (12, SIDE, SIDE), dtype=np.uint8)
    dataset = open_dataset((images, np.arange(12) % 3), classes=CLASSES, cache="none")
    classifier = open_classifier(module.eval(), size=(SIDE, SIDE), classes=CLASSES, device="cpu")
    return Engine(classifier, dataset)


def made(module: nn.Module, method: str, layer: str | None = None, **parameters: object) -> Heatmap:
    *_, last = engine_of(module).explain(method, Place(4, 1, layer), parameters)
    assert isinstance(last.explanation, Heatmap)
    return last.explanation


@pytest.mark.parametrize("act", [F.relu, F.leaky_relu, F.gelu, torch.tanh, F.silu])
@pytest.mark.parametrize("layer", [None, "stem", "block"])
def test_deeplift_adds_up_whatever_the_activation(act: Callable[[Tensor], Tensor], layer: str | None) -> None:
    method = "deeplift" if layer is None else "layer-deeplift"
    found = made(Residual(act=act), method, layer, pooling="pairwise", baseline="black")
    assert found.meta["sum"] == pytest.approx(found.meta["difference"], rel=1e-3, abs=1e-4) and not found.notes


def test_lrp_of_sums_and_reused_relus_is_gradient_x_input_but_for_biases() -> None:
    """Without biases and without the input's own scaling the epsilon rule of a ReLU network is just that."""

    class Unbiased(Residual):
        def forward(self, x: Tensor) -> Tensor:
            x = F.max_pool2d(self.block(F.relu(self.stem(x))), 2)
            return self.fc(x.mean((2, 3)))

    module = Unbiased()
    for each in module.modules():
        if isinstance(each, nn.Conv2d | nn.Linear | nn.BatchNorm2d) and each.bias is not None:
            nn.init.zeros_(each.bias)
    nn.init.zeros_(module.block.norm.running_mean)
    theirs = made(module, "captum-input-x-gradient").values
    found = made(module, "lrp", epsilon=1e-9)
    assert found.values == pytest.approx(theirs, abs=1e-3 * float(np.abs(theirs).max()))
    assert found.meta["sum"] == pytest.approx(found.meta["score"], rel=1e-3)


def test_guided_backpropagation_sees_functional_and_reused_relus() -> None:
    class Modules(Residual):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.third = nn.ReLU(), nn.ReLU(), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(self.stem((x - 0.5) / 0.25))
            y = self.block.conv2(self.second(self.block.norm(self.block.conv1(x))))
            return self.fc(F.max_pool2d(self.third(y + x), 2).mean((2, 3)))

    plain = Modules().eval()
    image = engine_of(plain).dataset[4].image  # type: ignore[index]
    x = engine_of(plain).classifier.inputs([image]).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = attr.GuidedBackprop(plain).attribute(x, 1)[0, 0].detach().numpy()
    assert made(Residual(), "captum-guided-backprop").values == pytest.approx(theirs, abs=1e-5)


REFUSED = [
    ("deeplift", Attending(), "layer middle: DeepLIFT has no rule for the function mul"),
    ("layer-deeplift", nn.GroupNorm(2, 6), "layer middle: DeepLIFT has no rule for a GroupNorm"),
    (
        "deeplift",
        nn.BatchNorm2d(6, track_running_stats=False),
        "layer middle: DeepLIFT compares two inputs in one pass",
    ),
    ("lrp", Attending(), "layer middle: LRP has no rule for the function mul"),
    ("layer-lrp", nn.GroupNorm(2, 6), "layer middle: LRP has no rule for a GroupNorm"),
    ("deeplift", Choosing(), "network: DeepLIFT cannot take it: its steps cannot be followed"),
    ("captum-guided-backprop", Choosing(), "network: guided-backprop cannot take it: its steps cannot be followed"),
]


@pytest.mark.parametrize(("method", "middle", "told"), REFUSED)
def test_what_has_no_rule_is_refused_in_one_line(method: str, middle: nn.Module, told: str) -> None:
    with pytest.raises(InputError) as caught:
        made(Residual(middle), method)
    assert str(caught.value).startswith(told) and "\n" not in str(caught.value)
    assert "captum-gradient and captum-perturbation take any network" in str(caught.value)
    for other in ("captum-integrated-gradients", "captum-occlusion"):
        assert np.isfinite(made(Residual(middle), other).values).all()


def test_guided_backpropagation_without_a_relu_is_refused() -> None:
    module = Residual(act=torch.tanh)
    module.block.relu = nn.Tanh()
    with pytest.raises(InputError, match="the network has none"):
        made(module, "captum-guided-backprop")


def test_places_that_are_not_there() -> None:
    for method, layer, parameters, told in (
        ("captum-layer", "fc", {}, r"layer fc: its output \(3,\) has no height and width"),
        ("captum-neuron", "stem", {"unit": "place", "row": 16}, "row 16, column 0 is outside the map of 16 x 16"),
        ("neuron-conductance", "stem", {"unit": "mean"}, "parameter unit: mean"),
        ("layer-deeplift", "block.relu", {}, "layer block.relu: it runs 2 times"),
        ("captum-occlusion", None, {"window": 40}, "parameter window: 40 pixels do not fit"),
        ("captum-occlusion", None, {"window": 4, "stride": 9}, "parameter stride: 9 pixels leave gaps"),
    ):
        with pytest.raises(InputError, match=told):
            made(Residual(), method, layer, **parameters)


def test_a_unit_of_a_linear_layer_is_a_score() -> None:
    module = Residual()
    found = made(module, "captum-neuron", "fc")
    number = found.meta["filter"]
    x = engine_of(module).classifier.inputs([found.image]).requires_grad_()
    (gradient,) = torch.autograd.grad(module(x)[0, number], x)
    assert number == int(module(x)[0].argmax()) and found.values == pytest.approx(gradient[0, 0].numpy(), abs=1e-6)


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d((3, 2), (1, 3), (1, 0))])
def test_pairwise_pooling_is_max_pooling(pool: nn.MaxPool2d) -> None:
    x = torch.randn(2, 3, 11, 14, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(PairwiseMax(pool)(x), pool(x), rtol=0, atol=2e-6)


def test_lrp_says_when_its_numbers_mean_little() -> None:
    assert not made(Residual(), "lrp").notes
    assert "took all but" in made(Residual(), "lrp", epsilon=100.0).notes[0]
    even = Residual()
    image = engine_of(even).dataset[4].image  # type: ignore[index]
    with torch.no_grad():
        even.fc.bias.sub_(even(engine_of(even).classifier.inputs([image]))[0] - 1e-5)  # a score of next to nothing
    assert "blow it up" in made(even, "lrp", epsilon=0.0).notes[0]
