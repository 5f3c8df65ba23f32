"""The parts of a training, each by itself."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import fer_tui
from fer_tui.classifier.networks import NETWORKS, FerGap, FerRes
from fer_tui.contract import InputError
from fer_tui.training import Recipe, gather
from fer_tui.training.augmentation import Augmentation, blended
from fer_tui.training.averaging import Average
from fer_tui.training.beginning import fresh_classifier
from fer_tui.training.runs import packed
from fer_tui.training.schedule import rate_at
from fer_tui.training.votes import label_given_votes, read_votes

CPU = torch.device("cpu")
STILL = {"flip": False, "shift": 0.0, "rotation": 0.0, "scale": 0.0, "erasing": 0.0, "light": 0.0, "mixing": 0.0}


def pictures(count: int = 6, side: int = 24) -> torch.Tensor:
    return torch.randint(0, 256, (count, 1, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_the_rate_rises_and_then_falls_as_a_cosine() -> None:
    assert rate_at(0.0, 2.0, 0.1) == 0
    assert rate_at(0.05, 2.0, 0.1) == pytest.approx(1.0)
    assert rate_at(0.1, 2.0, 0.1) == pytest.approx(2.0)
    assert rate_at(0.55, 2.0, 0.1) == pytest.approx(1.0)
    assert rate_at(1.0, 2.0, 0.1) == pytest.approx(0.0, abs=1e-12)
    assert rate_at(0.0, 2.0, 0.0) == 2.0


def test_the_average_is_the_exponential_mean() -> None:
    live = nn.BatchNorm1d(2)
    average = Average(live, 0.9)
    expected = live.weight.detach().clone()
    for step in range(200):
        live.weight.data.normal_()
        live.num_batches_tracked += 1
        average.prepare(step)
        average.update()
        kept = min(0.9, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * live.weight.detach()
    torch.testing.assert_close(average.module.weight, expected)
    assert average.module.num_batches_tracked == 200
    assert not average.module.training and not average.module.weight.requires_grad


@pytest.mark.parametrize(
    ("labels", "fault"),
    [([-1, -1, -1], "has no labels to train on"), ([1, 1, -1], "has pictures of one class alone, dog")],
)
def test_two_classes_are_needed(labels: list[int], fault: str) -> None:
    arrays = {"images": np.zeros((3, 8, 8), np.uint8), "labels": labels}
    with pytest.raises(InputError, match=fault) as caught:
        fresh_classifier(fer_tui.open_dataset(arrays, classes=("cat", "dog")))
    assert caught.value.mend


def test_nothing_to_change_changes_nothing() -> None:
    augmentation, images = Augmentation(Recipe(**STILL)), pictures()
    changed = augmentation.changed(images, augmentation.draw(6, CPU))
    torch.testing.assert_close(changed, images.float() / 255)
    assert (augmentation.shares(augmentation.draw(6, CPU)) == 1).all()


def test_half_of_the_pictures_are_mirrored_and_no_more() -> None:
    augmentation, images = Augmentation(Recipe(**STILL | {"flip": True})), pictures(400, 8)
    changed = augmentation.changed(images, augmentation.draw(400, CPU))
    plain = images.float() / 255
    same = (changed - plain).abs().amax((1, 2, 3)) < 1e-5
    mirrored = (changed - plain.flip(-1)).abs().amax((1, 2, 3)) < 1e-5
    assert (same ^ mirrored).all() and 140 < mirrored.sum() < 260


def test_a_turn_is_about_the_middle_also_where_pictures_are_not_square() -> None:
    """A disc in the middle stays a disc: a turn does not shear."""
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(40), indexing="ij")
    disc = (((rows - 11.5) ** 2 + (columns - 19.5) ** 2) < 64).byte().mul(255).expand(50, 1, 24, 40)
    augmentation = Augmentation(Recipe(**STILL | {"rotation": 90.0}))
    changed = augmentation.changed(disc, augmentation.draw(50, CPU))
    assert (changed - disc.float() / 255).abs().mean() < 0.02


@pytest.mark.parametrize("what", ["shift", "rotation", "scale", "erasing", "light"])
def test_each_change_changes_and_stays_in_range(what: str) -> None:
    strength = 30.0 if what == "rotation" else 0.3 if what != "erasing" else 1.0
    augmentation, images = Augmentation(Recipe(**STILL | {what: strength})), pictures()
    changed = augmentation.changed(images, augmentation.draw(6, CPU))
    assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 1
    assert ((changed - images.float() / 255).abs().amax((1, 2, 3)) > 0.01).all()


def test_blending_keeps_at_least_half_of_the_picture_and_of_its_label() -> None:
    augmentation = Augmentation(Recipe(mixing=1.0))
    shares = augmentation.shares(augmentation.draw(100, CPU))
    assert 0.5 <= shares.min() < 0.6 and 0.9 < shares.max() <= 1
    targets = torch.eye(7)[torch.arange(101) % 7]
    mixed = blended(targets, shares)
    assert (mixed.argmax(1) == targets[1:].argmax(1)).all()
    torch.testing.assert_close(mixed.sum(1), torch.ones(100))


def test_what_votes_say_of_the_label_is_learned() -> None:
    """Answers in another order than the classes, with noise: out comes the label, and how sure it is."""
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 3, 4000)
    sure = chance.random(4000) < 0.8
    answers = np.where(sure, (labels + 1) % 3, chance.integers(0, 3, 4000))
    votes = np.eye(4, dtype=np.float32)[answers] * 10
    told = label_given_votes(torch.from_numpy(votes), torch.from_numpy(labels), 3)
    for answer in range(3):
        asked = answers == answer
        np.testing.assert_allclose(told[asked][0], np.bincount(labels[asked], minlength=3) / asked.sum(), atol=0.02)


def test_votes_from_a_table_with_text_beside_them(tmp_path: Path) -> None:
    table = tmp_path / "fer2013new.csv"
    table.write_text("Usage,Image name,neutral,happiness\nTraining,fer1.png,4,6\nTraining,,10,0\n")
    np.testing.assert_array_equal(read_votes(table), [[4, 6], [10, 0]])
    table.write_text("Usage,neutral,happiness\nTraining,4,6\nTraining,x,0\n")
    with pytest.raises(InputError, match="line 3: its votes are not all numbers"):
        read_votes(table)


def data(path: Path, count: int = 60) -> Path:
    """Pictures of three classes; the last ten of the training split are copies of the first ten of the other one."""
    chance = np.random.default_rng(1)
    images = chance.integers(0, 256, (2 * count, 48, 48), np.uint8)
    images[count - 10 : count] = images[count : count + 10]
    images[1] = images[0]
    split = np.array(["Training", "PublicTest"])[(np.arange(2 * count) >= count).astype(int)]
    np.savez(path, images=images, labels=np.arange(2 * count) % 3, split=split, class_names=["a", "b", "c"])
    return path


def test_no_copy_of_a_measured_picture_is_trained_on(tmp_path: Path) -> None:
    dataset = fer_tui.open_dataset(data(tmp_path / "d.npz"), split="Training", cache="none")
    classifier, name, arguments = fresh_classifier(dataset, device="cpu")
    assert name == "fer-res" and arguments == {"classes": 3, "channels": 1, "size": [48, 48]}
    material = gather(dataset, classifier, validation_split="PublicTest")
    assert material.validation is not None and len(material.validation) == 60
    assert len(material.training) == 50 and material.about["dropped"] == 10
    assert not set(material.training.digests) & set(material.validation.digests)
    apart = gather(dataset, classifier, hold_out=0.2)
    measured = set(material.validation.digests)
    assert not set(apart.training.digests) & measured  # left out even where that split is not measured with


def test_what_is_held_out_is_of_each_class_alike_and_the_same_each_time(tmp_path: Path) -> None:
    dataset = fer_tui.open_dataset(data(tmp_path / "d.npz"), split="Training", cache="none")
    classifier = fresh_classifier(dataset, "fer-gap", device="cpu")[0]
    first, again = (gather(dataset, classifier, hold_out=0.25, seed=3) for _ in range(2))
    other = gather(dataset, classifier, hold_out=0.25, seed=4)
    assert first.validation is not None and again.validation is not None and other.validation is not None
    assert first.validation.digests == again.validation.digests != other.validation.digests
    assert all(4 <= count <= 6 for count in np.bincount(first.validation.labels, minlength=3))
    assert not set(first.training.digests) & set(first.validation.digests)


def test_votes_of_the_whole_source_follow_the_split(tmp_path: Path) -> None:
    dataset = fer_tui.open_dataset(data(tmp_path / "d.npz"), split="PublicTest", cache="none")
    classifier = fresh_classifier(dataset, "fer-gap", device="cpu")[0]
    votes = np.arange(240, dtype=np.int64).reshape(120, 2)
    np.save(tmp_path / "votes.npy", votes)
    material = gather(dataset, classifier, hold_out=0, votes=tmp_path / "votes.npy")
    assert material.training.votes is not None
    np.testing.assert_array_equal(material.training.votes, votes[dataset.source_rows][10:])  # ten are copies
    np.save(tmp_path / "votes.npy", votes[:7])
    with pytest.raises(InputError, match=r"has votes on 7 pictures, and d.npz has 60 rows of 120"):
        gather(dataset, classifier, votes=tmp_path / "votes.npy")


@pytest.mark.parametrize(("network", "most", "side"), [(FerRes, 1_500_000, 6), (FerGap, 120_000, 12)])
def test_networks_are_small_and_end_in_a_mean_and_one_layer(network: type[nn.Module], most: int, side: int) -> None:
    made = network().eval()
    assert sum(each.numel() for each in made.parameters()) <= most
    images = torch.rand(3, 1, 48, 48)
    with torch.inference_mode():
        maps = made.features(images)
        assert maps.shape[2:] == (side, side)
        cam = torch.einsum("nchw,kc->nkhw", maps, made.fc.weight)
        torch.testing.assert_close(cam.mean((2, 3)) + made.fc.bias, made(images))


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_snapshot_tells_how_its_network_was_made(name: str, tmp_path: Path) -> None:
    arguments = {"classes": 5, "channels": 3, "size": [40, 56]} | ({"width": 0.5} if name == "fer-res" else {})
    path = tmp_path / "w.safetensors"
    module, facts = NETWORKS[name](**arguments), {"arguments": arguments, "classes": list("abcde")}
    path.write_bytes(packed(module, name, facts))
    assert packed(module, name, facts) == path.read_bytes()  # the same weights are the same file
    classifier = fer_tui.open_classifier(None, path, device="cpu")
    assert classifier.input_shape == (3, 40, 56) and classifier.classes == tuple("abcde")


def test_a_recipe_says_what_is_out_of_range() -> None:
    with pytest.raises(InputError, match=r"hold-out: 2 is not within 0 to 0\.9"):
        Recipe(hold_out=2.0)
    with pytest.raises(InputError, match="rate: nan"):
        Recipe(rate=math.nan)
