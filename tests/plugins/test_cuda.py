"""On a CUDA device: the CPU's numbers, and a bound on memory that is kept to."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Place
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")

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
    return Engine(open_classifier(network(), size=(40, 32), classes=["a", "b", "c"], device=device), dataset)


def numbers(explanation: Explanation) -> np.ndarray:
    match explanation:
        case Heatmap():
            return explanation.values
        case Gallery():
            return explanation.images
        case Matrix():
            return explanation.counts
    raise AssertionError


@pytest.mark.parametrize(("method", "parameters"), METHODS, ids=lambda each: str(each)[:60])
def test_one_explanation_is_that_of_the_cpu(method: str, parameters: dict[str, object]) -> None:
    made = []
    for device in ("cpu", "cuda"):
        *_, last = engine(device).explain(method, Place(image=4, target=1), parameters)
        made.append(numbers(last.explanation))
    close = 2e-2 if method == "filter-ascent" else 1e-4  # a climb is chaotic
    assert made[1] == pytest.approx(made[0], abs=close * float(np.abs(made[0]).max()))


@pytest.mark.parametrize(("method", "parameters"), [*METHODS[:4], *METHODS[8:16]], ids=lambda each: str(each)[:60])
def test_many_explanations_are_those_of_the_cpu(method: str, parameters: dict[str, object]) -> None:
    places = [Place(image=row, target=row % 3) for row in range(280)]
    made = [
        np.stack([numbers(each.explanation) for each in engine(device).explain_many(method, places, parameters)])
        for device in ("cpu", "cuda")
    ]
    most = np.abs(made[0]).max((1, 2))
    gaps = np.abs(made[1] - made[0]).max((1, 2)) / most
    assert np.quantile(gaps, 0.95) < 1e-4  # a kink may flip single pixels


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
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (400 << 20)) / total)
        found = classifier.predict(images)  # 32 images at first: 411 MB for one layer's output
        torch.cuda.reset_peak_memory_stats()
        assert classifier.predict(images) == pytest.approx(found, abs=1e-4)
        assert torch.cuda.max_memory_reserved() <= 450 << 20
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert found == pytest.approx(expected, abs=1e-4)
