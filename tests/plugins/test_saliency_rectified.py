"""Guided backpropagation and deconvolution: every kind of ReLU is seen, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import Heatmap, InputError, Place, Subject
from fer_tui_plugins.saliency import Saliency, SaliencyParameters

BOTH = pytest.mark.parametrize("variant", ["guided", "deconvolution"])


def opened(module: nn.Module, classes: int = 3) -> TorchClassifier:
    return open_classifier(module.eval(), size=(8, 8), classes=[f"c{n}" for n in range(classes)], device="cpu")


def explain(classifier: TorchClassifier, variant: str, target: int = 1) -> Heatmap:
    image = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    subject = Subject(classifier, Place(image=0, target=target), image)
    (result,) = Saliency().explain(subject, SaliencyParameters(variant=variant))
    return result.explanation


class Layers(nn.Module):
    """Two convolutions and a linear layer; between them what the test gives."""

    def __init__(self, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(256, 3)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.activation(self.second(self.activation(self.first(x)))).flatten(1))


def ignored(x: Tensor) -> Tensor:
    """In place, and what it returns is not used."""
    F.relu(x, inplace=True)
    return x


def on_a_view(x: Tensor) -> Tensor:
    """In place on two views of one tensor."""
    x = x.clone()
    x[:, :2].relu_()
    torch.relu_(x[:, 2:])
    return x


RELUS: dict[str, Callable[[Tensor], Tensor]] = {
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "F.relu_": F.relu_,
    "what it returns is ignored": ignored,
    "torch.relu": torch.relu,
    "Tensor.relu": lambda x: x.relu(),
    "Tensor.relu_": lambda x: x.relu_(),
    "views": on_a_view,
    "clamp": lambda x: x.clamp(min=0),
    "clamp, by position": lambda x: torch.clamp(x, 0),
    "clamp_": lambda x: x.clamp_(min=0.0),
    "clamp_min": lambda x: torch.clamp_min(x, 0),
    "Tensor.clamp_min_": lambda x: x.clamp_min_(0),
    "clip": lambda x: x.clip(0),
    "threshold": nn.Threshold(0, 0),
    "F.threshold_": lambda x: F.threshold_(x, 0.0, 0.0),
}


def by_hand(network: Layers, x: Tensor, variant: str, target: int) -> np.ndarray:
    """The map in float64, layer by layer, from the papers' formulas."""
    weights = [each.weight.detach().double() for each in (network.first, network.second, network.head)]
    first = F.conv2d(x.double(), weights[0], network.first.bias.detach().double(), padding=1)
    second = F.conv2d(first.clamp(min=0), weights[1], network.second.bias.detach().double(), padding=1)

    def through(g: Tensor, z: Tensor) -> Tensor:
        g = torch.where(g > 0, g, torch.zeros_like(g))
        return g * (z > 0) if variant == "guided" else g

    g = through(weights[2][target].view(1, 4, 8, 8), second)
    g = through(F.conv_transpose2d(g, weights[1], padding=1), first)
    return F.conv_transpose2d(g, weights[0], padding=1)[0, 0].numpy()


@BOTH
@pytest.mark.parametrize("kind", RELUS)
def test_every_relu_is_seen(variant: str, kind: str) -> None:
    network = Layers(RELUS[kind])
    classifier = opened(network)
    made = explain(classifier, variant)
    image = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    expected = by_hand(network, classifier.inputs([image]), variant, 1)
    np.testing.assert_allclose(made.values, expected, atol=1e-6 * np.abs(expected).max())
    assert made.meta["rectifiers"] == (4 if kind == "views" else 2)
    assert made.signed


@BOTH
@pytest.mark.parametrize("kind", [k for k in RELUS if k != "module"])
def test_a_network_scores_the_same_while_it_is_looked_at(variant: str, kind: str) -> None:
    network = Layers(RELUS[kind])
    seen: list[Tensor] = []
    network.register_forward_hook(lambda module, given, output: seen.append(output.detach()))
    classifier = opened(network)
    explain(classifier, variant)
    plain = Layers(RELUS["module"]).eval()
    image = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    assert torch.equal(seen[-1], plain(classifier.inputs([image])))


@BOTH
@pytest.mark.parametrize(
    "capped", [nn.ReLU6(), nn.ReLU6(inplace=True), F.relu6, nn.Hardtanh(0, 6), lambda x: x.clamp(0, 6)]
)
def test_a_capped_relu_is_one_that_also_stops_above_its_cap(variant: str, capped: Callable[[Tensor], Tensor]) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3, bias=False), Calls(capped), nn.Linear(3, 3, bias=False))
    with torch.no_grad():
        network[1].weight.zero_()
        network[1].weight[0, 10], network[1].weight[1, 20], network[1].weight[2, 30] = 1.0, 1000.0, -1.0
        network[3].weight.copy_(torch.tensor([[1.0, 1, 1], [-1, -1, -1], [0, 0, 0]]))
    made = explain(opened(network), variant, 0).values.ravel()
    # z is some brightness > 0 (passes), far above 6 (guided stops it), below 0 (guided stops it)
    assert made[[10, 20, 30]].tolist() == ([1.0, 0.0, 0.0] if variant == "guided" else [1.0, 1000.0, -1.0])
    assert not explain(opened(network), variant, 1).values.any()  # nothing but negative gradients


class Calls(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@BOTH
@pytest.mark.parametrize(
    ("activation", "named"),
    [
        (nn.GELU(), "gelu"),
        (nn.SiLU(), "silu"),
        (F.leaky_relu, "leaky_relu"),
        (nn.PReLU(), "prelu"),
        (torch.tanh, "tanh"),
        (lambda x: x.clamp(-1, 1), "none was called"),
        (lambda x: x.clamp(0, 1), "none was called"),
        (lambda x: x, "none was called"),
    ],
)
def test_refuses_a_network_without_relu_and_says_why(
    variant: str, activation: Callable[[Tensor], Tensor], named: str
) -> None:
    with pytest.raises(InputError, match=f"{variant} changes the gradient at every ReLU.*{named}.*integrated"):
        explain(opened(Layers(activation)), variant)


@BOTH
def test_says_which_other_activations_pass(variant: str) -> None:
    notes = explain(opened(nn.Sequential(nn.LeakyReLU(0.2), Layers(F.relu))), variant).notes
    assert any("only ReLU is changed: leaky_relu" in note for note in notes)
    assert not any("only ReLU" in note for note in explain(opened(Layers(F.relu)), variant).notes)


@BOTH
def test_the_batch_is_the_same(variant: str) -> None:
    classifier = opened(Layers(F.relu))
    images = np.random.default_rng(1).integers(0, 256, (70, 8, 8), dtype=np.uint8)
    subjects = [Subject(classifier, Place(image=n, target=n % 3), image) for n, image in enumerate(images)]
    parameters = SaliencyParameters(variant=variant)
    for each, result in zip(subjects, Saliency().explain_many(subjects, parameters), strict=True):
        (single,) = Saliency().explain(each, parameters)
        most = np.abs(single.explanation.values).max()
        assert np.abs(result.explanation.values - single.explanation.values).max() <= 1e-5 * most
        assert "network" not in result.explanation.meta


@BOTH
def test_nothing_is_left_on_after_an_error(variant: str) -> None:
    def breaks(x: Tensor) -> Tensor:
        F.relu(x)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        explain(opened_unprobed(breaks), variant)
    z = torch.tensor([1.0, -1.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(-F.relu(z).sum(), z)
    assert gradient.tolist() == [-1.0, 0.0]
    assert torch.overrides._get_current_function_mode() is None


def opened_unprobed(activation: Callable[[Tensor], Tensor]) -> TorchClassifier:
    """A classifier whose network breaks only now: opening one runs it."""
    network = Layers(F.relu)
    classifier = opened(network)
    network.activation = activation
    return classifier


def test_the_real_relu6_network_is_guided_where_captum_gives_the_plain_gradient(
    public: tuple, hhccode: TorchClassifier
) -> None:
    subject = Subject(hhccode, Place(image=0, target=3), public[0][0])
    (made,) = Saliency().explain(subject, SaliencyParameters(variant="guided"))
    (plain,) = Saliency().explain(subject, SaliencyParameters(signed="true"))
    assert made.explanation.meta["rectifiers"] == 14
    assert np.corrcoef(made.explanation.values.ravel(), plain.explanation.values.ravel())[0, 1] < 0.9
