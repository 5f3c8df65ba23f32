"""Networks of every shape: what one trial run finds out."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.contract import InputError


class Block(nn.Module):
    def __init__(self, given: int, made: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(given, made, 3, stride, 1, bias=False), nn.BatchNorm2d(made)
        self.conv2, self.bn2 = nn.Conv2d(made, made, 3, 1, 1, bias=False), nn.BatchNorm2d(made)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Conv2d(given, made, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + self.down(x))


class ResNet(nn.Module):
    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 8, 7, 4, 3)
        self.layer1, self.layer2 = Block(8, 8, 1), Block(8, 16, 2)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(16, classes)

    def forward(self, x):
        return self.fc(self.pool(self.layer2(self.layer1(self.stem(x)))).flatten(1))


class Head(nn.Module):
    """A network that returns its scores in some wrapping."""

    input_shape = (1, 12, 12)

    def __init__(self, wrap) -> None:
        super().__init__()
        self.conv, self.fc, self.wrap = nn.Conv2d(1, 4, 3), nn.Linear(4, 5), wrap

    def forward(self, x):
        return self.wrap(self.fc(self.conv(x).mean((2, 3))))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("classes", [2, 1000])
def test_colour_at_224(classes: int):
    classifier = open_classifier(ResNet(classes))
    assert classifier.input_shape == (3, 224, 224)
    assert len(classifier.classes) == classes and classifier.classes[1] == "class 1" and classifier.classes_assumed
    scores = classifier.predict([noise(224, 224, 3), noise(50, 70)])
    assert scores.shape == (2, classes)
    assert classifier.layer("layer2.conv1").shape == (16, 28, 28)
    names = [layer.name for layer in classifier.layers]
    assert names[0] == "stem" and names[-1] == "fc" and names.count("layer1.relu") == 1


def test_a_class_instead_of_a_module():
    assert len(open_classifier(ResNet, model_args={"classes": 4}, size=(32, 32)).classes) == 4


def test_the_size_hint_is_taken_where_the_network_runs():
    classifier = open_classifier(ResNet(2, 1), size_hint=(40, 56))
    assert classifier.input_shape == (1, 40, 56)
    assert any("1×40×56, the size of the pictures" in note for note in classifier.notes)


@pytest.mark.parametrize("size", [28, 44, 64, 112])
def test_a_fixed_size_is_found(size: int):
    side = (size - 2) // 2
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * side * side, 4))
    classifier = open_classifier(module, size_hint=(48, 48))
    channels, height, width = classifier.input_shape
    assert channels == 3 and (height - 2) // 2 == (width - 2) // 2 == side
    assert any("does not run at 3×48×48" in note or "trying sizes" in note for note in classifier.notes)


def test_a_network_without_convolutions():
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(26 * 26, 9), nn.ReLU(), nn.Linear(9, 3))
    assert open_classifier(perceptron).input_shape == (1, 26, 26)
    colour = nn.Sequential(nn.Flatten(), nn.Linear(3 * 20 * 20, 3))
    assert open_classifier(colour).input_shape == (3, 20, 20)


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("input_shape", (1, 20, 24), (1, 20, 24)),
        ("input_size", (20, 24), (1, 20, 24)),
        ("input_size", 22, (1, 22, 22)),
        ("input_shape", (20, 24, 1), (1, 20, 24)),
        ("default_cfg", {"input_size": (1, 30, 30)}, (1, 30, 30)),
        ("config", SimpleNamespace(image_size=18), (1, 18, 18)),
        ("config", SimpleNamespace(image_size={"height": 18, "width": 19}), (1, 18, 19)),
    ],
)
def test_the_models_own_word_on_its_size(attribute: str, value, expected: tuple[int, int, int]):
    module = ResNet(3, 1)
    setattr(module, attribute, value)
    assert open_classifier(module, size_hint=(48, 48)).input_shape == expected
    assert open_classifier(module, size=(33, 44)).input_shape == (1, 33, 44)


Pair = namedtuple("Pair", ["scores", "features"])
WRAPS = {
    "tensor": lambda y: y,
    "logits": lambda y: SimpleNamespace(logits=y),
    "dict": lambda y: {"features": y.sum(1), "logits": y},
    "dict of one": lambda y: {"whatever": y},
    "tuple": lambda y: (y, y.sum(1)),
    "namedtuple": lambda y: Pair(y, None),
    "nested": lambda y: [SimpleNamespace(logits=y), 3],
    "map of one": lambda y: y[:, :, None, None],
    "squeezed": lambda y: y.squeeze(),
    "double": lambda y: y.double(),
}


@pytest.mark.parametrize("wrap", WRAPS)
def test_wrapped_outputs(wrap: str):
    plain, wrapped = Head(WRAPS["tensor"]), Head(WRAPS[wrap])
    wrapped.load_state_dict(plain.state_dict())
    pictures = noise(3, 12, 12)
    expected = open_classifier(plain).predict(pictures)
    classifier = open_classifier(wrapped)
    assert np.allclose(classifier.predict(pictures), expected, atol=1e-6)
    assert np.allclose(classifier.predict(pictures[:1]), expected[:1], atol=1e-6)
    x = classifier.inputs(pictures).requires_grad_()
    assert torch.autograd.grad(classifier.scores(x)[:, 0].sum(), x)[0].abs().sum() > 0


def test_output_makes_scores_of_any_head(net_file):
    classifier = open_classifier(Head(lambda y: (y.sum(1), {"deep": y})), output=lambda returned: returned[1]["deep"])
    assert len(classifier.classes) == 5
    three = open_classifier(f"{net_file}:Tiny", output=f"{net_file}:first_three")
    assert three.predict(noise(2, 48, 48)).shape == (2, 3)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (nn.Softmax(1), "softmax"),
        (nn.LogSoftmax(1), "log-softmax"),
        (lambda y: y.softmax(1), "softmax"),
        (nn.ReLU(), ""),
    ],
)
def test_a_softmax_head_is_told(end, told: str):
    notes = open_classifier(Head(end)).notes
    assert any(f"ends in a {told}:" in note for note in notes) if told else not any("ends in" in note for note in notes)


def test_scores_keep_the_users_precision():
    classifier = open_classifier(Head(lambda y: y).double())
    x = classifier.inputs(noise(2, 12, 12))
    assert x.dtype is torch.float32 and classifier.scores(x).dtype is torch.float32
    assert classifier.scores(x.double()).dtype is torch.float64


def test_digests_tell_what_matters(net_file):
    spec = f"{net_file}:Tiny"
    torch.manual_seed(0)
    base = open_classifier(spec)
    state = base.module.state_dict()
    torch.save(state, net_file.parent / "w.pt")

    def digest(**options) -> str:
        return open_classifier(options.pop("spec", spec), options.pop("w", net_file.parent / "w.pt"), **options).digest

    first = digest()
    assert first == digest() == base.digest and len(first) == 32
    assert first == digest(classes=list("abcdefg"))
    half = {name: tensor + 0.1 if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    torch.save(half, net_file.parent / "v.pt")
    changed = [
        digest(w=net_file.parent / "v.pt"),
        digest(mean=0.5),
        digest(std=0.5),
        digest(equalise=True),
        digest(fit="pad"),
        digest(size=(49, 50)),
        digest(transform=f"{net_file}:halves"),
        digest(output=f"{net_file}:first_three"),
        digest(output=lambda scores: scores[:, :3]),
        digest(output=lambda scores: scores[:, 1:4]),
    ]
    net_file.write_text(net_file.read_text().replace("nn.ReLU()", "nn.ELU()"))
    changed.append(digest())
    assert len({first, *changed}) == len(changed) + 1


def test_a_setting_of_a_live_module_is_in_its_digest():
    one, other = Head(WRAPS["tensor"]), Head(WRAPS["tensor"])
    other.load_state_dict(one.state_dict())
    one.temperature, other.temperature = 1.0, 2.0
    assert open_classifier(one).digest != open_classifier(other).digest


def test_names_can_be_given_later():
    classifier = open_classifier(Head(WRAPS["tensor"]))
    named = classifier.named(list("abcde"))
    assert named.classes == tuple("abcde") and not named.classes_assumed and classifier.classes_assumed
    assert named.digest == classifier.digest


class Patches(nn.Module):
    """A network without convolutions, as vision transformers may be, of colour pictures of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(3 * 8 * 8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cut = x.unfold(2, 8, 8).unfold(3, 8, 8).permute(0, 2, 3, 1, 4, 5)
        return self.embed(cut.reshape(len(x), -1, 3 * 8 * 8)).mean(1)


def test_channels_are_tried_where_no_convolution_says():
    assert open_classifier(Patches(), size=(40, 32)).input_shape == (3, 40, 32)
    assert open_classifier(Patches(), mean=(0.4, 0.5, 0.6)).input_shape[0] == 3
    with pytest.raises(InputError, match=r"does not run on an input of 1×7×7, 3×7×7: .*\(check size, channels"):
        open_classifier(Patches(), size=(7, 7))
