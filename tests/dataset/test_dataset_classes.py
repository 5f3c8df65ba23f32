"""Labels find the network's outputs by name, and what is computed is stored by what the labels stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fer_tui.contract import FER_CLASSES, InputError
from fer_tui.dataset import MappedDataset, image_digest, open_dataset
from fer_tui.dataset.classes import align

IMAGES = np.random.default_rng(11).integers(0, 256, (7, 4, 4), np.uint8)
PETS = ("cat", "dog", "emu")


def named(labels: list[int], names: tuple[str, ...] | None = None) -> MappedDataset:
    arrays: dict[str, Any] = {"images": IMAGES[: len(labels)], "labels": labels}
    return open_dataset(Rows(arrays["images"], labels, names) if names else arrays)


class Rows:
    """Rows with class names."""

    def __init__(self, images: np.ndarray, labels: list[int], classes: tuple[str, ...]) -> None:
        self.pairs, self.classes = list(zip(images, labels, strict=True)), classes

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
        return self.pairs[row]


def emotions(folder: Path, words: list[str]) -> Path:
    for number, word in enumerate(words):
        (folder / word).mkdir()
        Image.fromarray(IMAGES[number]).save(folder / word / "a.png")
    return folder


def test_alphabetical_folders_land_on_the_order_of_fer2013(tmp_path: Path) -> None:
    dataset = open_dataset(emotions(tmp_path, sorted(FER_CLASSES)))
    assert dataset.classes == tuple(sorted(FER_CLASSES)) and dataset.labels.tolist() == list(range(7))
    aligned = dataset.aligned(FER_CLASSES)
    assert aligned.classes == FER_CLASSES
    assert [FER_CLASSES[label] for label in aligned.labels] == sorted(FER_CLASSES)
    assert aligned[4].label == 6 and np.array_equal(aligned[4].image, dataset[4].image)
    assert aligned.counts.tolist() == [1] * 7


@pytest.mark.parametrize(
    "words",
    [
        ["Anger", "DISGUST", "fearful", "happiness", "sadness", "surprised", "Neutral"],
        ["angry", "disgusted", "afraid", "Joy", "Sad", "surprise", "neutrality"],
        ["_angry_", "Disgust!", "Fear ", "HAPPY", "sad.", "-surprise", "neutral"],
    ],
)
def test_emotions_are_known_under_all_their_names(words: list[str]) -> None:
    assert align(words, FER_CLASSES) == (0, 1, 2, 3, 4, 5, 6)
    assert align(FER_CLASSES, words) == (0, 1, 2, 3, 4, 5, 6)


def test_some_of_the_classes_are_enough(tmp_path: Path) -> None:
    dataset = open_dataset(emotions(tmp_path, ["sadness", "happy"])).aligned(FER_CLASSES)
    assert dataset.labels.tolist() == [3, 4] and dataset.counts.tolist() == [0, 0, 0, 1, 1, 0, 0]


def test_the_exact_name_goes_before_its_likes() -> None:
    assert align(["joy", "happy"], ["happy", "joy"]) == (1, 0)
    assert align(["A", "a"], ["a", "A"]) == (1, 0)


@given(st.permutations(FER_CLASSES), st.permutations(FER_CLASSES))
def test_names_find_each_other_in_any_order(mine: list[str], theirs: list[str]) -> None:
    assert [theirs[index] for index in align(mine, theirs)] == mine


def test_a_class_that_the_network_lacks_is_named() -> None:
    dataset = named([0, 1, 2], ("happy", "contempt", "sad"))
    with pytest.raises(InputError) as caught:
        dataset.aligned(FER_CLASSES)
    assert "row 1: is of class contempt, which the network does not have" in str(caught.value)
    assert "angry, disgust" in caught.value.mend and "--classes" in caught.value.mend
    with pytest.raises(InputError, match="did you mean surprise"):
        named([0], ("suprise",)).aligned(FER_CLASSES)


def test_a_class_without_rows_may_be_unknown() -> None:
    dataset = named([0, 2, 0], ("happy", "contempt", "sad"))
    assert dataset.aligned(FER_CLASSES).labels.tolist() == [3, 4, 3]


def test_numbers_count_as_the_network_does() -> None:
    dataset = named([2, 0, 1])
    assert dataset.classes == ("0", "1", "2")
    assert dataset.aligned(PETS).labels.tolist() == [2, 0, 1] and dataset.aligned(PETS).classes == PETS
    with pytest.raises(InputError, match="row 0: is of class 2, which"):
        dataset.aligned(("cat", "dog"))


def test_numbers_find_a_network_that_is_named_by_numbers() -> None:
    dataset = named([2, 1, 2])
    assert dataset.aligned(("1", "2")).labels.tolist() == [1, 0, 1]


def test_rows_without_labels_stay_without(tmp_path: Path) -> None:
    dataset = named([1, -1, 0], ("sad", "happy")).aligned(FER_CLASSES)
    assert dataset.labels.tolist() == [3, -1, 4] and dataset.counts.sum() == 2
    Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
    alone = open_dataset(tmp_path / "a.png").aligned(FER_CLASSES)
    assert alone.labels.tolist() == [-1] and alone.classes == FER_CLASSES


def test_names_that_are_given_name_the_numbers() -> None:
    arrays = {"images": IMAGES[:3], "labels": [2, 0, 1]}
    dataset = open_dataset(arrays, classes=PETS)
    assert dataset.classes == PETS and dataset.labels.tolist() == [2, 0, 1]
    assert dataset.aligned(("emu", "dog", "cat")).labels.tolist() == [0, 2, 1]
    assert dataset.narrowed(None, 2).aligned(PETS[::-1]).labels.tolist() == [0, 2]
    assert open_dataset(dataset).aligned(PETS[::-1]).labels.tolist() == [0, 2, 1]
    assert open_dataset(arrays, classes=(*PETS, "fox")).aligned(PETS[::-1]).labels.tolist() == [0, 2, 1]
    with pytest.raises(InputError, match="is of class cat"):
        dataset.aligned(("dog", "emu"))


def test_names_that_are_given_set_the_order_of_names() -> None:
    dataset = open_dataset(Rows(IMAGES[:2], [0, 1], ("sad", "happy")), classes=FER_CLASSES)
    assert dataset.classes == FER_CLASSES and dataset.labels.tolist() == [4, 3]
    assert open_dataset(dataset, limit=1).classes == FER_CLASSES and open_dataset(dataset, limit=1).labels == [4]


def test_too_few_names_are_refused(refused: Callable[..., InputError]) -> None:
    arrays = {"images": IMAGES[:3], "labels": [2, 0, 1]}
    open_dataset(arrays)
    assert "the labels of live dataset go up to 2, and 2 classes are named" in str(refused(arrays, classes=PETS[:2]))


def test_aligning_twice_is_aligning_once() -> None:
    dataset = named([0, 1, 2], PETS)
    assert dataset.aligned(PETS) is dataset
    there = dataset.aligned(("dog", "emu", "cat", "fox"))
    assert there.aligned(("dog", "emu", "cat", "fox")) is there
    assert there.aligned(PETS).labels.tolist() == [0, 1, 2] and there.aligned(PETS).key == dataset.key


def test_the_key_changes_with_all_that_a_result_hangs_on() -> None:
    arrays = {"images": IMAGES, "labels": [0, 1, 2, 0, 1, 2, 0]}
    first = open_dataset(arrays)
    spoiled = IMAGES.copy()
    spoiled[6, 3, 3] ^= 1
    others = [
        first.narrowed(None, 3),
        first.narrowed(None, 4),
        open_dataset(Rows(IMAGES, arrays["labels"], PETS)),
        open_dataset(Rows(IMAGES, arrays["labels"], PETS)).aligned(PETS[::-1]),
        open_dataset({**arrays, "labels": [0, 1, 2, 0, 1, 2, 1]}),
        open_dataset({**arrays, "images": spoiled}),
        open_dataset({**arrays, "images": IMAGES.reshape(7, 2, 8)}),
    ]
    keys = [each.key for each in (first, *others)]
    assert len(set(keys)) == len(keys) and all(len(key) == 32 for key in keys)
    assert open_dataset(arrays).key == first.key


def test_the_key_changes_with_the_split(fer_files: dict[str, Path]) -> None:
    dataset = open_dataset(fer_files["npz"])
    keys = {dataset.narrowed(split, limit).key for split in (None, "Training", "PublicTest") for limit in (None, 7)}
    assert len(keys) == 6 and dataset.narrowed("train", 7).key in keys


def test_an_image_is_known_by_its_values_in_every_format(tmp_path: Path) -> None:
    Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
    (tmp_path / "a.csv").write_text("pixels\n" + " ".join(map(str, IMAGES[0].ravel())))
    np.savez(tmp_path / "a.npz", images=IMAGES[:1] / 255)
    sources = [tmp_path / "a.png", tmp_path / "a.csv", tmp_path / "a.npz", [Image.fromarray(IMAGES[0])]]
    digests = {open_dataset(source).image_digest(0) for source in sources}
    assert digests == {image_digest(IMAGES[0])} and len(digests.pop()) == 32
    assert image_digest(IMAGES[0]) != image_digest(IMAGES[1])
    assert image_digest(IMAGES[0]) != image_digest(IMAGES[0].reshape(2, 8))
    assert image_digest(IMAGES[0].T) == image_digest(IMAGES[0].T.copy())
