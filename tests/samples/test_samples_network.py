"""The bundled networks: shapes, an exact class activation map, what they were trained on."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from torch import nn

import fer_tui
from fer_tui.classifier.networks import NETWORKS
from fer_tui_samples import run_path, weights_path
from fer_tui_samples.expressions import CLASSES

SIZES = {"fer-res": 3_000_000, "fer-gap": 300_000}


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("classes", [2, 7, 1000])
def test_shapes(name: str, classes: int) -> None:
    network = NETWORKS[name](classes=classes).eval()
    assert network(torch.rand(3, *network.input_shape)).shape == (3, classes)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_made_of_plain_parts(name: str) -> None:
    network = NETWORKS[name]()
    assert not [each for each in network.modules() if isinstance(each, nn.Dropout | nn.Dropout2d)]
    assert all(not each.inplace for each in network.modules() if isinstance(each, nn.ReLU))


@pytest.mark.parametrize(("name", "side"), [("fer-res", 6), ("fer-gap", 12)])
def test_plain_cam_is_exact(name: str, side: int) -> None:
    """A class's score is the mean of its weighted sum of the last maps, plus its bias."""
    network = fer_tui.open_classifier(name, device="cpu").module
    images = torch.rand(4, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps = network.features(images)
        cam = torch.einsum("nchw,kc->nkhw", maps, network.fc.weight)
        assert cam.shape == (4, 7, side, side)
        torch.testing.assert_close(cam.mean((2, 3)) + network.fc.bias, network(images))


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_weights_say_what_they_are(name: str) -> None:
    path = weights_path(name)
    with safe_open(path, "pt") as stored:
        about = stored.metadata()
        kinds = {stored.get_tensor(key).dtype for key in stored.keys() if "batches" not in key}  # noqa: SIM118
    assert kinds == {torch.float16} and path.stat().st_size <= SIZES[name]
    assert about["network"] == name and tuple(json.loads(about["classes"])) == CLASSES
    assert json.loads(about["settings"])["input_shape"] == [1, 48, 48]


def test_the_training_is_small_and_whole() -> None:
    """Every snapshot that run.json names is there, opens, and gets better; three megabytes in all."""
    files = sorted(run_path().iterdir())
    assert sum(each.stat().st_size for each in files) <= 3_000_000
    record = json.loads((run_path() / "run.json").read_text())
    kept = [each for each in record["epochs"] if each["snapshot"]]
    assert [each["snapshot"] for each in kept] == [each.name for each in files if each.suffix == ".safetensors"]
    assert len(kept) >= 10 and kept[0]["epoch"] == 0 and kept[-1] == record["epochs"][-1]
    opened = fer_tui.open_classifier(None, [run_path() / each["snapshot"] for each in kept], device="cpu")
    assert len(set(opened.checkpoints)) == len(kept)
    assert kept[-1]["validation"]["accuracy"] > 0.55 > kept[0]["validation"]["accuracy"]
