"""The bundled networks: shapes, an exact class activation map, and that training trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from fer_tui.classifier.networks import NETWORKS, FerGap
from fer_tui_samples import train, weights_path


@pytest.fixture(autouse=True)
def one_thread_and_the_old_random_state() -> Iterator[None]:
    """Small networks gain nothing from threads, and a busy machine loses much."""
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.random.set_rng_state(state)


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("classes", [2, 7, 1000])
def test_shapes(name: str, classes: int) -> None:
    network = NETWORKS[name](classes=classes).eval()
    assert network(torch.rand(3, *network.input_shape)).shape == (3, classes)


def test_small_and_made_of_plain_parts() -> None:
    network = FerGap()
    assert sum(p.numel() for p in network.parameters()) <= 120_000
    assert not [m for m in network.modules() if isinstance(m, nn.Dropout | nn.Dropout2d)]
    assert all(not m.inplace for m in network.modules() if isinstance(m, nn.ReLU))


def test_plain_cam_is_exact() -> None:
    """A class's score is the mean of its weighted sum of the last maps, plus its bias."""
    network = FerGap().eval()
    network.load_state_dict(load_file(weights_path()))
    images = torch.rand(4, 1, 48, 48)
    with torch.inference_mode():
        maps = network.features(images)
        cam = torch.einsum("nchw,kc->nkhw", maps, network.fc.weight)
        assert cam.shape == (4, 7, 12, 12)
        torch.testing.assert_close(cam.mean((2, 3)) + network.fc.bias, network(images))


def test_drawn_training_data_is_none_of_the_shipped() -> None:
    from fer_tui_samples.build import FACES

    assert train.FIRST_SEED > FACES
    images, labels = train.draw(7)
    assert images.shape == (7, 1, 48, 48) and images.min() >= 0 and images.max() <= 1
    assert labels.tolist() == list(range(7))


def test_augmentation_keeps_shape_and_range() -> None:
    torch.manual_seed(0)
    images = torch.rand(8, 1, 48, 48)
    changed = train.augmented(images)
    assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 1
    assert not torch.equal(changed, images)


def test_training_is_seeded_and_lowers_the_loss() -> None:
    images, labels = train.draw(64)
    first, again = (train.train(images, labels, 3, seed=5) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    torch.manual_seed(5)
    untrained = NETWORKS[train.NETWORK](classes=7).train()
    trained = first.train()
    with torch.no_grad():
        assert nn.functional.cross_entropy(trained(images), labels) < nn.functional.cross_entropy(
            untrained(images), labels
        )


def test_export_and_read_back(tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    network = FerGap().eval()
    train.export(network, out, {"faces": 0})
    other = FerGap().eval()
    other.load_state_dict(load_file(out))
    images = torch.rand(2, 1, 48, 48)
    torch.testing.assert_close(network(images), other(images), atol=2e-3, rtol=2e-2)
