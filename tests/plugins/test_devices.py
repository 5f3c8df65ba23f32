"""On another device than the CPU: its numbers; on a CUDA device also a bound on memory that is kept to.

Where there is none, a device apart stands in: it computes on the CPU and keeps an accelerator's rules.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.contract import Place
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine
from fer_tui.engine.agreement import numbers
from fer_tui.testing.apart import APART, device_apart

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")

SALIENCY = (
    "gradient",
    "input-x-gradient",
    "integrated",
    "smoothgrad",
    "vargrad",
    "guided",
    "deconvolution",
    "occlusion",
)
CAM = ("cam", "gap-fit", "grad", "grad++", "xgrad", "hires", "layer", "eigen", "score", "ablation", "guided-grad-cam")
METHODS: list[tuple[str, dict[str, object]]] = [
    *(("saliency", {"variant": variant}) for variant in SALIENCY),
    *(("cam", {"variant": variant}) for variant in CAM),
    ("lime", {"samples": 200}),
    ("lime", {"samples": 100, "exact": True}),
    *(("filter-ascent", {"view": view, "steps": 2, "top": 3}) for view in ("ascent", "outputs", "images", "class")),
    ("confusion", {}),
]


@pytest.fixture(params=["apart", pytest.param("cuda", marks=needs_cuda)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "cuda":
        yield "cuda"
    else:
        with device_apart():
            yield "apart"


@pytest.fixture(autouse=True)
def exact_multiplication() -> Iterator[None]:
    """Not in TF32, as convolutions are by default: that has three digits."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def network(classes: int = 3, channels: int = 1) -> nn.Module:
    torch.manual_seed(5)
    layers = [nn.Conv2d(channels, 8, 5, 2, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, classes)).eval()


def engine(device: str) -> Engine:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (300, 40, 32), dtype=np.uint8)
    images[:, 8:20, 6:18] //= 4
    dataset = open_dataset((images, np.arange(300) % 3), classes=["a", "b", "c"], cache="none")
    apart = device == "apart"
    module = network().to(APART) if apart else network()
    opened = open_classifier(module, size=(40, 32), classes=["a", "b", "c"], device="auto" if apart else device)
    assert opened.device.type == (APART.type if apart else device)
    return Engine(opened, dataset)


@pytest.mark.parametrize(("method", "parameters"), METHODS, ids=lambda each: str(each)[:60])
def test_one_explanation_is_that_of_the_cpu(method: str, parameters: dict[str, object], device: str) -> None:
    made = []
    for where in ("cpu", device):
        *_, last = engine(where).explain(method, Place(image=4, target=1), parameters)
        made.append(numbers(last.explanation))
    gaps = np.abs(made[1] - made[0]) / np.abs(made[0]).max()
    if (
        method == "filter-ascent"
    ):  # Adam's first step is the gradient's sign, which rounding turns where it is all but 0
        assert np.quantile(gaps, 0.99) < 2e-2
    else:
        assert gaps.max() < (1e-3 if parameters.get("variant") == "gap-fit" else 1e-4)


@pytest.mark.parametrize(("method", "parameters"), [*METHODS[:4], *METHODS[8:16]], ids=lambda each: str(each)[:60])
def test_many_explanations_are_those_of_the_cpu(method: str, parameters: dict[str, object], device: str) -> None:
    places = [Place(image=row, target=row % 3) for row in range(280 if device == "cuda" else 70)]
    made = [
        np.stack([numbers(each.explanation) for each in engine(where).explain_many(method, places, parameters)])
        for where in ("cpu", device)
    ]
    most = np.abs(made[0]).max((1, 2))
    gaps = np.abs(made[1] - made[0]).max((1, 2)) / most
    assert np.quantile(gaps, 0.95) < (
        1e-3 if parameters.get("variant") == "gap-fit" else 1e-4
    )  # a kink may flip pixels


@needs_cuda
def test_memory_that_is_capped_halves_the_batch() -> None:
    images = np.random.default_rng(0).integers(0, 256, (256, 224, 224, 3), dtype=np.uint8)
    torch.manual_seed(0)
    wide = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 3)
    )
    classifier = open_classifier(wide.eval(), size=(224, 224), classes=["a", "b", "c"], device="cuda")
    expected = np.concatenate([classifier.predict(images[row : row + 8]) for row in range(0, 256, 8)])
    gc.collect()
    torch.cuda.empty_cache()
    card = classifier.device  # the freest one, which need not be the first
    total = torch.cuda.get_device_properties(card).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(card) + (400 << 20)) / total, card)
        found = classifier.predict(images)  # 32 images at first: 411 MB for one layer's output
        torch.cuda.reset_peak_memory_stats(card)
        assert classifier.predict(images) == pytest.approx(found, abs=1e-4)
        assert torch.cuda.max_memory_reserved(card) <= 450 << 20
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, card)
    assert found == pytest.approx(expected, abs=1e-4)
