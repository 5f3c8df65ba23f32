"""The faster copy of a network against the network itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier


def opened(module: nn.Module, channels: int = 1) -> TorchClassifier:
    for norm in (each for each in module.modules() if isinstance(each, nn.BatchNorm2d)):
        torch.manual_seed(1)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        nn.init.normal_(norm.weight)
    return open_classifier(module.eval(), size=(12, 10), classes=["a", "b", "c"], device="cpu")


def inputs(classifier: TorchClassifier, count: int = 5) -> torch.Tensor:
    return torch.rand(count, *classifier.input_shape, generator=torch.Generator().manual_seed(2))


def output(classifier: TorchClassifier, layer: str, x: torch.Tensor) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    handle = classifier.module.get_submodule(layer).register_forward_hook(lambda m, i, o: seen.append(o.clone()))
    classifier.scores(x)
    handle.remove()
    return seen[0]


class Net(nn.Module):
    """Two pairs of convolution and batch norm; how the first convolution's output is used depends on `kind`."""

    def __init__(self, kind: str = "plain") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kind = kind
        self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.second, self.after = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.conv(x)
        x = self.norm(first)
        if self.kind == "shortcut around the norm":
            x = x + first
        x = F.relu(x, inplace=True)
        x = self.after(self.second(x))
        if self.kind == "norm used twice":
            x = self.after(x)
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize(
    ("kind", "done"), [("plain", "2 batch norms folded, channels last"), ("norm used twice", "1 batch norms folded")]
)
def test_scores_are_the_same(kind: str, done: str) -> None:
    classifier = opened(Net(kind))
    fast, how = classifier.folded()
    x = inputs(classifier)
    assert how.startswith(done)
    assert torch.allclose(fast.scores(x), classifier.scores(x), atol=1e-5)
    assert sum(isinstance(each, nn.BatchNorm2d) for each in fast.module.modules()) < 2
    assert sum(isinstance(each, nn.BatchNorm2d) for each in classifier.module.modules()) == 2


def test_a_fold_that_would_change_the_scores_is_not_done() -> None:
    classifier = opened(Net("shortcut around the norm"))
    fast, how = classifier.folded()
    assert fast is classifier and how == ""


def test_a_network_that_cannot_run_channels_last_is_folded_all_the_same() -> None:
    class Viewed(Net):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(480, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.norm(self.conv(x)).view(len(x), -1))

    classifier = opened(Viewed())
    fast, how = classifier.folded()
    x = inputs(classifier, 40)
    assert how == "1 batch norms folded"
    assert torch.allclose(fast.scores(x), classifier.scores(x), atol=1e-5)
    pictures = np.random.default_rng(0).integers(0, 256, (40, 12, 10), dtype=np.uint8)
    with torch.no_grad():
        plain = classifier.scores(classifier.inputs(pictures)).numpy()
    assert classifier.predict(pictures) == pytest.approx(plain, abs=1e-4)


def test_hooked_layers_are_as_in_the_network() -> None:
    classifier = opened(Net())
    x = inputs(classifier)
    for name in ("conv", "norm", "second", "after"):
        fast, _ = classifier.folded(hooked=[name])
        assert torch.allclose(output(classifier, name, x), output(fast, name, x), atol=1e-5)


def test_the_copy_is_made_once_and_again_when_the_weights_change() -> None:
    classifier = opened(Net())
    first = classifier.folded()[0]
    assert classifier.folded()[0] is first and classifier.folded(hooked=["conv"])[0] is not first
    with torch.no_grad():
        classifier.module.fc.weight.add_(1)
    second = classifier.folded()[0]
    x = inputs(classifier)
    assert second is not first and torch.allclose(second.scores(x), classifier.scores(x), atol=1e-5)


def test_other_class_names_have_a_copy_of_their_own() -> None:
    classifier = opened(Net())
    classifier.folded()
    named = classifier.named(["x", "y", "z"])
    assert named.folded()[0].classes == ("x", "y", "z") and classifier.folded()[0].classes == ("a", "b", "c")


def test_gradients_pass_through_the_copy() -> None:
    classifier = opened(Net())
    fast, _ = classifier.folded()
    gradients = []
    for each in (classifier, fast):
        x = inputs(classifier).requires_grad_()
        gradients.append(torch.autograd.grad(each.scores(x)[:, 1].sum(), x)[0])
    assert torch.allclose(*gradients, atol=1e-6)


def test_bfloat16_is_near_and_half_precision_is_left_alone() -> None:
    classifier = opened(Net())
    fast, how = classifier.folded("bfloat16")
    x = inputs(classifier)
    scores = classifier.scores(x)
    assert "bfloat16" in how and fast.scores(x).dtype == torch.float32
    assert 0 < (fast.scores(x) - scores).abs().max() < 0.05 * scores.abs().max()
    double = opened(Net().double())
    assert double.folded() == (double, "")


def test_what_cannot_be_copied_runs_as_it_is() -> None:
    class Bound(Net):
        def __deepcopy__(self, memo: object) -> Bound:
            raise RuntimeError("one of a kind")

    classifier = opened(Bound())
    assert classifier.folded() == (classifier, "")


@pytest.mark.parametrize(
    ("name", "model"),
    [("hhccode_mobilenetv1", "MobileGap3"), ("linkingmon_mobilenet", "MobileGap6"), ("jimpei_CNN2", "PlainCNN")],
)
def test_predictions_of_real_networks_are_the_same(name: str, model: str, shared: Path, nets: Path) -> None:
    with np.load(shared / "data" / "fer2013_trainval.npz") as file:
        images = file["images"][file["usage"] == 1][:600]
    classifier = open_classifier(f"{nets}:{model}", shared / "models" / f"{name}.pt", device="cpu", size=(48, 48))
    with torch.no_grad():
        plain = np.concatenate([classifier.scores(classifier.inputs(part)).numpy() for part in np.split(images, 30)])
    fast = classifier.predict(images)
    assert fast == pytest.approx(plain, abs=1e-4)
    assert np.array_equal(fast.argmax(1), plain.argmax(1))
    assert not np.array_equal(fast, plain)  # the copy was at work
