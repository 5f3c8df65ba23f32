"""What an ascent stands on: the truncated network, the canvas, one filter of a convolution alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.classifier.memory import keep_freed_memory
from fer_tui.contract import Gallery, InputError, Place, Subject
from fer_tui_plugins.ascent_canvas import BOUNDS, SPACES, Canvas, _blurred
from fer_tui_plugins.ascent_climb import likeness, total_variation
from fer_tui_plugins.ascent_sources import filter_source
from fer_tui_plugins.filter_ascent import FilterAscent, FilterAscentParameters
from fer_tui_plugins.truncated import batch_size, faster, layer_of, layer_outputs, truncated


def opened(module: nn.Module, size: tuple[int, int], classes: int = 3, **given: object) -> TorchClassifier:
    names = [f"class{n}" for n in range(classes)]
    return open_classifier(module, size=size, classes=names, device="cpu", **given)


def outputs(classifier: TorchClassifier, layer: str, x: torch.Tensor) -> torch.Tensor:
    """The output of a layer in a run of the whole network, by an ordinary hook."""
    seen: list[torch.Tensor] = []
    hook = classifier.module.get_submodule(layer).register_forward_hook(lambda m, i, out: seen.append(out.clone()))
    with torch.no_grad():
        classifier.scores(x)
    hook.remove()
    return seen[0]


class Functional(nn.Module):
    """Functional ops, a shortcut, a module that is used twice, in-place ReLUs, a non-square input."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.twice, self.act = nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True)
        self.odd = nn.Conv2d(8, 4, 3, padding=1, padding_mode="reflect", dilation=1)
        self.deep = nn.Conv2d(4, 12, 3, stride=2, groups=2)
        self.head = nn.Linear(12, 3)
        self.behind = 0  # how often what comes after `deep` was run

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.mul_(2.0)  # in place, on what it was given
        x = self.act(self.norm(self.first(x)))
        try:
            x = self.act(self.twice(x) + x)
        except Exception:  # a network may swallow what it likes
            x = x * 0
        x = F.relu(self.twice(x), inplace=True)
        x = F.leaky_relu(self.odd(input=x), 0.1)
        x = self.deep(input=x).relu_()
        self.behind += 1
        return self.head(x.mean((2, 3)))


LAYERS = ("first", "norm", "act", "twice", "odd", "deep")


@pytest.fixture
def functional() -> TorchClassifier:
    module = Functional()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return opened(module, (10, 13), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


@pytest.mark.parametrize("layer", LAYERS)
def test_truncation_gives_the_layers_output_and_runs_nothing_behind_it(functional: TorchClassifier, layer: str) -> None:
    x = torch.rand(5, 3, 10, 13, generator=torch.Generator().manual_seed(1))
    expected = outputs(functional, layer, x.clone())
    assert isinstance(functional.module, Functional)
    functional.module.behind = 0
    with torch.no_grad(), truncated(functional, layer) as run:
        assert torch.equal(run(x.clone()), expected)
        assert torch.equal(run(x[:2].clone()), expected[:2])  # again and again
    assert functional.module.behind == 0
    functional.scores(x)
    assert functional.module.behind == 1  # and whole again


@pytest.mark.parametrize("layer", LAYERS)
def test_the_faster_copy_gives_the_layers_output_too(functional: TorchClassifier, layer: str) -> None:
    x = torch.rand(4, 3, 10, 13, generator=torch.Generator().manual_seed(1))
    expected = outputs(functional, layer, x.clone())
    fast, _, _ = faster(functional, "float32", layer)
    with torch.no_grad(), layer_outputs(functional, fast, layer) as run:
        np.testing.assert_allclose(run(x.clone()), expected, atol=1e-5)


@pytest.mark.parametrize("features", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_each_picture_gets_the_map_of_its_own_filter(functional: TorchClassifier, layer: str, features: bool) -> None:
    x = torch.rand(4, 3, 10, 13, generator=torch.Generator().manual_seed(1))
    filters = torch.tensor([3, 0, 2, 3])
    expected = outputs(functional, layer, x.clone())
    fast, _, _ = faster(functional, "float32", layer)
    with torch.no_grad(), filter_source(functional, fast, layer, features=features) as source:
        seen = source(x.clone(), filters)
    np.testing.assert_allclose(seen.maps, expected[torch.arange(4), filters], atol=1e-5)
    if features:
        assert seen.features is not None and seen.features.shape == expected.shape


CONVOLUTIONS = [
    nn.Conv2d(6, 8, 3),
    nn.Conv2d(6, 8, 3, stride=2, padding=1, dilation=2, bias=False),
    nn.Conv2d(6, 8, (1, 5), padding="same"),
    nn.Conv2d(6, 12, 3, groups=3),
    nn.Conv2d(6, 12, 3, groups=6, padding=(0, 2)),
    nn.Conv2d(6, 8, 1),
]


@pytest.mark.parametrize("conv", CONVOLUTIONS)
def test_one_filter_of_a_convolution_alone(conv: nn.Conv2d) -> None:
    network = nn.Sequential(nn.Conv2d(1, 6, 1), conv, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier = opened(network, (9, 11), conv.out_channels)
    x, filters = torch.rand(5, 1, 9, 11), torch.tensor([0, 7, 3, 7, 5])
    with torch.no_grad(), filter_source(classifier, classifier, "1", features=False) as source:
        maps = source(x, filters).maps
    np.testing.assert_allclose(maps, network[:2](x).detach()[torch.arange(5), filters], atol=1e-5)


def hooks(module: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules())


@pytest.mark.parametrize("layer", LAYERS)
def test_no_hook_stays_also_after_an_error(functional: TorchClassifier, layer: str) -> None:
    with pytest.raises(ZeroDivisionError), truncated(functional, layer) as run:
        run(torch.rand(1, 3, 10, 13))
        raise ZeroDivisionError
    with pytest.raises(RuntimeError), truncated(functional, layer) as run:
        run(torch.rand(1, 5, 10, 13))  # the network itself raises
    assert hooks(functional.module) == 0


@pytest.mark.parametrize("layer", LAYERS)
def test_the_ascent_leaves_the_network_alone(functional: TorchClassifier, layer: str) -> None:
    module = functional.module.train()
    module.get_submodule("first").weight.requires_grad_(True).grad = torch.ones(8, 3, 3, 3)
    before = {name: (p.detach().clone(), p.requires_grad, p.grad) for name, p in module.named_parameters()}
    state = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()
    results = list(FilterAscent().explain(Subject(functional, Place(layer=layer)), FilterAscentParameters(steps=3)))
    gallery = results[-1].explanation
    assert isinstance(gallery, Gallery) and gallery.images.shape[1:] == (10, 13, 3)
    assert hooks(module) == 0 and module.training and module.get_submodule("norm").training
    for name, parameter in module.named_parameters():
        value, required, gradient = before[name]
        assert torch.equal(parameter, value) and parameter.requires_grad == required and parameter.grad is gradient
    assert torch.equal(torch.get_rng_state(), state[0])
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], state[1])


def test_a_layer_that_yields_no_tensor_or_does_not_run_is_named() -> None:
    class Pair(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
            return x, 1

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pair, self.idle, self.head = Pair(), nn.Conv2d(1, 2, 1), nn.Linear(64, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.pair(x)[0].flatten(1))

    classifier = opened(Net(), (8, 8))
    for layer, fault in (("pair", "yields a tuple"), ("idle", "did not run it")):
        with pytest.raises(InputError, match=fault), truncated(classifier, layer) as run:
            run(torch.rand(1, 1, 8, 8))


def test_where_there_is_no_convolution_the_last_layer_with_filters_stands_in() -> None:
    class Patch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.pixel_unshuffle(x, 2)

    classifier = opened(nn.Sequential(Patch(), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)), (8, 8))
    assert layer_of(classifier, None).name == "1"


@pytest.mark.parametrize(("size", "most"), [((48, 48), 16), ((224, 224), 4), ((1200, 1600), 1)])
def test_large_pictures_go_in_small_batches(size: tuple[int, int], most: int) -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 3, stride=16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    assert batch_size(opened(network, size)) == most


# ---- the canvas ------------------------------------------------------------------------------------------------------


def small(channels: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def swapped(picture: Image.Image) -> np.ndarray:
    """BGR, minus a mean of each, as the Caffe networks took it."""
    return np.asarray(picture, np.float32).transpose(2, 0, 1)[::-1] - np.array([104.0, 117, 123])[:, None, None]


PREPARED: list[tuple[int, dict[str, object]]] = [
    (1, {}),
    (1, {"mean": 0.5, "std": 0.25}),
    (3, {}),
    (3, {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}),
    (3, {"transform": swapped}),
    (1, {"equalise": True}),
]


@pytest.mark.parametrize(("channels", "given"), PREPARED)
def test_the_canvas_feeds_what_the_preprocessing_would(channels: int, given: dict[str, object]) -> None:
    classifier = opened(small(channels), (6, 9), **given)
    canvas = Canvas(classifier, "pixels", "clip")
    assert canvas.affine
    size = (6, 9) if channels == 1 else (6, 9, 3)
    pictures = [np.random.default_rng(n).integers(0, 256, size, dtype=np.uint8) for n in range(3)]
    shown = np.stack([classifier.shown(picture) for picture in pictures]).astype(np.float32) / 255
    tensor = torch.from_numpy(shown)[:, None] if channels == 1 else torch.from_numpy(shown).permute(0, 3, 1, 2)
    expected = classifier.inputs(pictures)
    np.testing.assert_allclose(canvas.inputs(tensor), expected, atol=2e-5 * expected.abs().max())
    assert np.array_equal(canvas.shown(tensor), shown)


def standardised(picture: Image.Image) -> np.ndarray:
    values = np.asarray(picture, np.float32)
    return ((values - values.mean()) / (values.std() + 1e-3))[None]


def test_a_preprocessing_that_is_no_map_of_colours_is_told() -> None:
    classifier = opened(small(1), (6, 9), transform=standardised)
    canvas = Canvas(classifier, "pixels", "clip")
    assert not canvas.affine
    x = canvas.inputs(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 6, 9))
    assert x[0].unique().item() == pytest.approx(-1.7, abs=0.2) and x[1].unique().item() == pytest.approx(1.7, abs=0.2)
    *_, last = FilterAscent().explain(Subject(classifier, Place(layer="0")), FilterAscentParameters(steps=2))
    assert any("no linear map of colours" in note for note in last.explanation.notes)


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (6, 11), (1, 5)])
@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("space", SPACES)
def test_variables_stand_for_their_pictures(space: str, bounds: str, size: tuple[int, int]) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    canvas = Canvas(opened(network, size), space, bounds)
    pictures = canvas.noise(3, [(0, 0), (1, 0), (1, 1)], 0.4)
    assert pictures.shape == (3, 1, *size) and len({p.numpy().tobytes() for p in pictures}) == 3
    np.testing.assert_allclose(canvas.decode(canvas.encode(pictures)), pictures, atol=1e-5)
    np.testing.assert_allclose(canvas.decode(canvas.settled(canvas.encode(pictures), 0)), pictures, atol=1e-5)
    assert torch.equal(canvas.noise(3, [(1, 1)], 0.4)[0], pictures[2])  # whatever else is drawn


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("space", SPACES)
def test_the_gradient_of_the_canvas_is_that_of_finite_differences(space: str, bounds: str) -> None:
    canvas = Canvas(opened(small(1), (4, 5)), space, bounds)
    variables = canvas.encode(canvas.noise(0, [(0, 0)], 0.4)).double().requires_grad_()
    assert torch.autograd.gradcheck(canvas.decode, (variables,), atol=1e-6)


@pytest.mark.parametrize("space", SPACES)
def test_clipped_pictures_stay_between_black_and_white(space: str) -> None:
    canvas = Canvas(opened(small(1), (6, 6)), space, "clip")
    wild = 0.5 + 2 * (canvas.noise(0, [(0, 0)], 0.5) - 0.5)
    settled = canvas.decode(canvas.settled(canvas.encode(wild), 0))
    np.testing.assert_allclose(settled, wild.clamp(0, 1), atol=1e-5)


def test_blur_equals_scipys() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    pictures = torch.rand(2, 3, 9, 14, generator=torch.Generator().manual_seed(0))
    for sigma in (0.5, 1.3):
        radius = max(1, round(3 * sigma))
        expected = ndimage.gaussian_filter(
            pictures.numpy(), (0, 0, sigma, sigma), mode="nearest", radius=(0, 0, radius, radius)
        )
        np.testing.assert_allclose(_blurred(pictures, sigma), expected, atol=1e-5)


def test_total_variation_by_hand() -> None:
    pictures = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]], [[[2.0, 2.0], [2.0, 2.0]]]])
    assert total_variation(pictures).tolist() == [0.5 + 0.5, 0.0]  # down: .5, .5; across: 1, 0
    assert total_variation(torch.rand(2, 1, 1, 1)).tolist() == [0.0, 0.0]


def test_likeness_by_hand() -> None:
    features = torch.rand(6, 4, 3, 2, generator=torch.Generator().manual_seed(0))
    made = likeness(features, 3)
    for unit in range(2):
        grams = [(a.flatten(1) @ a.flatten(1).T).flatten() for a in features[3 * unit : 3 * unit + 3]]
        cosines = [F.cosine_similarity(grams[a], grams[b], dim=0) for a, b in ((0, 1), (0, 2), (1, 2))]
        assert made[unit].item() == pytest.approx(torch.stack(cosines).mean().item(), abs=1e-6)
    assert likeness(features[:1].repeat(2, 1, 1, 1), 2).item() == pytest.approx(1, abs=1e-6)


def test_a_network_that_cannot_be_copied_is_climbed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn(nn.Sequential):
        def __deepcopy__(self, memo: object) -> None:
            raise TypeError("cannot be copied")

    torch.manual_seed(3)
    classifier = opened(Stubborn(*small(1)), (8, 8))
    make: Callable[..., object] = FilterAscent().explain
    *_, last = make(Subject(classifier, Place(layer="0")), FilterAscentParameters(steps=3, precision="bfloat16"))  # type: ignore[misc]
    assert (last.explanation.extras["gain"] > 0).all() and last.explanation.meta["network"] == ""
    assert any("does not run in bfloat16" in note for note in last.explanation.notes)
    assert hooks(classifier.module) == 0


def test_freed_memory_is_kept_for_the_next_pass() -> None:
    resource = pytest.importorskip("resource")
    if not keep_freed_memory():
        pytest.skip("this C library cannot be asked to")

    def work() -> None:
        held = [torch.full((1 << 21,), 1.0) for _ in range(6)]  # 8 MB each
        del held

    work()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        work()
    pages = 10 * 6 * (8 << 20) // resource.getpagesize()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < pages / 10
