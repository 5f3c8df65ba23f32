"""What a GPU would be asked for where many images are explained: counted on a device apart, for a GPU feels just that.

A batch's maps are fetched by one copy, nothing waits for a number, and a larger batch asks for nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from fer_tui.classifier import open_classifier
from fer_tui.contract import Place
from fer_tui.dataset import open_dataset
from fer_tui.engine import Engine
from fer_tui.testing.apart import APART, Counts, device_apart

METHODS = [
    *(("cam", variant) for variant in ("cam", "grad", "grad++", "xgrad", "hires", "layer", "eigen")),
    *(("saliency", variant) for variant in ("gradient", "input-x-gradient", "guided", "deconvolution")),
    *(("saliency", variant) for variant in ("integrated", "smoothgrad", "smoothgrad-squared", "vargrad", "occlusion")),
]
FEW = {"steps": 2, "samples": 2, "window": 16, "stride": 16}  # passes an image, so that a batch has many images
ROWS, TOGETHER = 768, 320


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[Engine, Counts]]:
    torch.manual_seed(5)
    layers = [nn.Conv2d(1, 8, 5, 2, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3)).eval()
    images = np.random.default_rng(0).integers(0, 256, (ROWS, 20, 16), dtype=np.uint8)
    with torch.no_grad():  # so that every class is predicted
        network[-1].bias -= network(torch.from_numpy(images)[:, None] / 255).median(0).values
    dataset = open_dataset((images, np.arange(ROWS) % 3), classes=["a", "b", "c"], cache="none")
    with device_apart() as counts:
        yield Engine(open_classifier(network.to(APART), size=(20, 16), classes=["a", "b", "c"]), dataset), counts


def counted(
    asked: tuple[Engine, Counts], method: str, variant: str, rows: int, **parameters: object
) -> tuple[int, int, int]:
    """Launches, copies to the host and waits for the maps of so many images, once the network's copy is made."""
    engine, counts = asked
    given = FEW if method == "saliency" else {}
    places = [Place(image=row, target=row % 3, checkpoint=0) for row in range(rows)]
    counts.clear()
    made = list(engine.explain_many(method, places, {"variant": variant, **given, **parameters}))
    assert len(made) == rows
    return counts.launches.total(), counts.to_host, counts.waits.total()


@pytest.mark.parametrize(("method", "variant"), METHODS)
def test_a_batch_costs_what_an_image_does(asked: tuple[Engine, Counts], method: str, variant: str) -> None:
    counted(asked, method, variant, ROWS)  # makes the copy of the network
    some, many = (counted(asked, method, variant, rows) for rows in (TOGETHER // 2, TOGETHER))
    assert many == some, "launches, copies or waits grow with the images of one batch"
    launches, copies, waits = many
    assert copies == 1 and waits == 0
    assert launches < 80


@pytest.mark.parametrize(("variant", "copies"), [("score", 1), ("ablation", 1), ("guided-grad-cam", 2)])
def test_maps_of_many_images_share_a_batch(asked: tuple[Engine, Counts], variant: str, copies: int) -> None:
    """Twelve maps an image, and one pass without any; guided Grad-CAM has two gradients, each of a batch."""
    counted(asked, "cam", variant, 2)
    some, many = (counted(asked, "cam", variant, rows) for rows in (30, 75))
    assert many == some and many[1:] == (copies, 0)
    assert many[0] < 100


@pytest.mark.parametrize(
    ("variant", "given", "passes"),
    [
        ("integrated", {"steps": 8, "score": "log-probability"}, 8),
        ("smoothgrad", {"samples": 8}, 8),
        ("occlusion", {"regions": "grid", "window": 5}, 17),  # one of them hides nothing
    ],
)
def test_passes_of_all_images_fill_the_batches(
    asked: tuple[Engine, Counts], variant: str, given: dict[str, object], passes: int
) -> None:
    counted(asked, "saliency", variant, ROWS, **given)  # makes the copy of the network
    _, copies, waits = counted(asked, "saliency", variant, ROWS, **given)
    batches = math.ceil(ROWS * passes / asked[0].classifier.first_pass)
    assert copies == batches > 1 and waits == 0


def test_two_batches_are_fetched_by_two_copies(asked: tuple[Engine, Counts]) -> None:
    engine, counts = asked
    places = [Place(image=row % ROWS, target=row // ROWS, checkpoint=0) for row in range(3 * ROWS)]
    list(engine.explain_many("cam", places[:200], {"variant": "grad"}))
    counts.clear()
    list(engine.explain_many("cam", places, {"variant": "grad"}))  # more than the 2048 that are made at once
    assert counts.to_host == 2


def test_a_fast_device_predicts_many_rows_at_once(asked: tuple[Engine, Counts]) -> None:
    engine, counts = asked
    list(engine.explain("confusion"))
    counts.clear()
    engine._chunks.clear()
    list(engine.explain("confusion"))
    assert counts.to_host == counts.to_device == 1 and counts.waits.total() == 0


@pytest.mark.parametrize(
    ("method", "variant"),
    [("cam", "grad"), ("cam", "ablation"), ("saliency", "input-x-gradient"), ("saliency", "vargrad")],
)
def test_a_map_that_is_kept_keeps_no_batch(asked: tuple[Engine, Counts], method: str, variant: str) -> None:
    engine, _ = asked
    places = [Place(image=row, target=0, checkpoint=0) for row in range(100)]
    for result in engine.explain_many(method, places, {"variant": variant}):
        for array in (result.explanation.values, *result.explanation.extras.values()):
            while isinstance(array.base, np.ndarray):
                array = array.base
            assert array.nbytes <= 20 * 16 * 4


def test_the_predicted_classes_are_found_together(asked: tuple[Engine, Counts]) -> None:
    engine, counts = asked
    places = [Place(image=row) for row in range(100)]
    expected = [next(engine.explain("cam", place, {"variant": "grad"})).place.target for place in places]
    counts.clear()
    made = list(engine.explain_many("cam", places, {"variant": "grad"}))
    assert [each.place.target for each in made] == expected and len(set(expected)) > 1
    assert counts.to_host == 2
