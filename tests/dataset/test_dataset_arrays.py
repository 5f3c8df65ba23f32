"""Archives and arrays: all layouts and number types become the same bytes, or are refused by row."""

from __future__ import annotations

import pickle
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fer_tui.contract import InputError
from fer_tui.dataset import open_dataset

GRAY = np.random.default_rng(6).integers(0, 256, (9, 6, 8), np.uint8)
SQUARE = np.random.default_rng(7).integers(0, 256, (9, 6, 6), np.uint8)
RGB = np.random.default_rng(8).integers(0, 256, (9, 6, 8, 3), np.uint8)
LABELS = np.array([0, 2, 1, 1, 0, 2, 2, 0, 1])
NAMES = ("cat", "dog", "emu")
Fault = Callable[..., InputError]


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Saves arrays under their keys, each time in a folder of its own."""

    def save(**arrays: Any) -> Path:
        path = Path(tempfile.mkdtemp(dir=tmp_path), "a.npz")
        np.savez(path, **arrays)
        return path

    return save


def images(dataset: Any) -> np.ndarray:
    return np.stack([dataset[row].image for row in range(len(dataset))])


@pytest.mark.parametrize(
    ("image_key", "label_key"),
    [("images", "labels"), ("x", "y"), ("X", "Y"), ("data", "targets"), ("pixels", "emotion")],
)
def test_archives_are_known_by_their_usual_keys(image_key: str, label_key: str, archive: Callable[..., Path]) -> None:
    dataset = open_dataset(archive(**{image_key: GRAY, label_key: LABELS, "more": np.arange(3)}))
    assert np.array_equal(images(dataset), GRAY) and dataset.labels.tolist() == LABELS.tolist()
    assert dataset.classes == ("0", "1", "2") and dataset.splits == () and dataset.uniform_shape == (6, 8)


@pytest.mark.parametrize(
    "keys", [("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels")]
)
def test_archives_in_parts_have_splits(keys: tuple[str, ...], archive: Callable[..., Path]) -> None:
    arrays = dict(zip(keys, (GRAY[:6], LABELS[:6, None], GRAY[6:], LABELS[6:]), strict=True))
    dataset = open_dataset(archive(**arrays))
    assert dataset.splits == ("train", "test") and np.array_equal(images(dataset), GRAY)
    assert dataset.labels.tolist() == LABELS.tolist()
    test = dataset.narrowed("test", None)
    assert np.array_equal(images(test), GRAY[6:]) and test.labels.tolist() == LABELS[6:].tolist()


def test_parts_may_lack_labels_and_differ_in_size(archive: Callable[..., Path]) -> None:
    dataset = open_dataset(archive(train_images=GRAY, train_labels=LABELS, test_images=RGB[:, :5]))
    assert dataset.labels.tolist() == [*LABELS, *[-1] * 9] and dataset.uniform_shape is None
    assert np.array_equal(dataset[8].image, GRAY[8]) and np.array_equal(dataset[10].image, RGB[1, :5])


def test_splits_are_numbers_or_names(archive: Callable[..., Path]) -> None:
    usage = np.array([2, 0, 0, 1, 2, 0, 1, 0, 0])
    dataset = open_dataset(archive(images=GRAY, labels=LABELS, usage=usage))
    assert dataset.splits == ("PrivateTest", "Training", "PublicTest")
    assert np.array_equal(images(dataset.narrowed("PublicTest", None)), GRAY[usage == 1])
    for words in (np.array(["b", "a"])[usage % 2], np.array([b"b", b"a"])[usage % 2]):
        dataset = open_dataset(archive(images=GRAY, split=words))
        assert dataset.splits == ("b", "a") and np.array_equal(
            images(dataset.narrowed("a", None)), GRAY[usage % 2 == 1]
        )
    assert open_dataset(archive(images=GRAY, split=usage + 5)).splits == ("7", "5", "6")


@pytest.mark.parametrize("kind", ["U", "S"])
def test_class_names_are_text_or_bytes(kind: str, archive: Callable[..., Path]) -> None:
    dataset = open_dataset(archive(images=GRAY, labels=LABELS, class_names=np.array(NAMES).astype(kind)))
    assert dataset.classes == NAMES and dataset.counts.tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GRAY[:, None], GRAY),
        (GRAY[..., None], GRAY),
        (RGB, RGB),
        (np.moveaxis(RGB, 3, 1), RGB),
        (np.asfortranarray(GRAY), GRAY),
        (GRAY.astype(">i8"), GRAY),
        (GRAY.astype(np.uint16), GRAY),
        (GRAY.astype(np.float64), GRAY),
        (GRAY.astype(np.float32) / 255, GRAY),
        (GRAY.astype(np.float64) / 255, GRAY),
        ((GRAY / 255).astype(np.float16), GRAY),
        ((GRAY + 0.4).clip(1, 255), np.maximum(GRAY, 1)),
        ((GRAY - 0.4).clip(1, 255), np.maximum(GRAY, 1)),
        (GRAY > 99, (GRAY > 99) * np.uint8(255)),
        (np.moveaxis(RGB, 3, 1).astype(np.float32) / 255, RGB),
    ],
)
def test_all_layouts_and_number_types_become_bytes(
    given: np.ndarray, expected: np.ndarray, archive: Callable[..., Path], tmp_path: Path
) -> None:
    np.save(tmp_path / "alone.npy", given)
    for source in (archive(images=given), tmp_path / "alone.npy", given, torch.tensor(given.astype(given.dtype.type))):
        dataset = open_dataset(source)
        assert np.array_equal(images(dataset), expected) and images(dataset).dtype == np.uint8
        assert dataset.labels.tolist() == [-1] * 9 and "no labels" in dataset.notes[0]


def test_rows_of_numbers_are_square_pictures(archive: Callable[..., Path], tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", SQUARE.reshape(9, 36))
    for source in (archive(x=SQUARE.reshape(9, 36), y=LABELS), tmp_path / "flat.npy"):
        assert np.array_equal(images(open_dataset(source)), SQUARE)


def test_a_dark_beginning_is_scaled_as_the_rest(archive: Callable[..., Path]) -> None:
    values = np.zeros((5000, 2, 2), np.float32)
    values[:4500, 0, 0], values[4500:] = 1, 200
    bytes_ = open_dataset(archive(images=values))
    assert bytes_[0].image.tolist() == [[1, 0], [0, 0]] and int(bytes_[4999].image[0, 0]) == 200
    fractions = open_dataset(archive(images=values / 200))
    assert fractions[0].image.tolist() == [[1, 0], [0, 0]] and int(fractions[4999].image[0, 0]) == 255


def test_rows_of_every_block_of_a_large_array_are_there(tmp_path: Path) -> None:
    values = np.random.default_rng(9).integers(0, 256, (9001, 4, 5), np.uint8)
    np.save(tmp_path / "a.npy", values.astype(np.float32))
    dataset = open_dataset(tmp_path / "a.npy")
    assert np.array_equal(dataset.images(0, 9001), values)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda a: a - 1, "row [0-9]: .*values from -1 to"),
        (lambda a: np.where(np.arange(9)[:, None, None] == 7, 300, a), "row 7: .*to 300"),
        (lambda a: np.where(np.arange(9)[:, None, None] == 5, np.nan, a), "row 5: .*not finite"),
        (lambda a: np.full_like(a, np.nan), "row 0: .*not finite"),
        (lambda a: (a / 255 - 0.5) / 0.5, "row [0-9]: .*before they are normalised.*--mean"),
        (lambda a: a.astype(complex), "complex128"),
        (lambda a: a.reshape(-1), "shape"),
        (lambda a: a[:0], "there are no images in it"),
        (lambda a: a[:, :0], "shape"),
        (lambda a: np.stack([a, a], 3), "shape"),
        (lambda a: np.array(3.0), "shape"),
    ],
)
def test_values_that_are_no_pixels_are_refused(
    spoil: Callable[[np.ndarray], np.ndarray], fault: str, archive: Callable[..., Path], refused: Fault
) -> None:
    spoiled = spoil(GRAY.astype(np.float64))
    for source in (archive(images=spoiled), archive(train_images=spoiled), spoiled, {"images": spoiled}):
        error = refused(source)
        assert re.search(fault, str(error)) and error.mend


def test_the_row_at_fault_is_counted_from_the_start_of_the_file(tmp_path: Path, refused: Fault) -> None:
    values = np.zeros((5000, 2, 2), np.int16)
    values[4321, 1, 1] = -7
    np.save(tmp_path / "a.npy", values)
    assert "a.npy row 4321: has values from -7 to 0" in str(refused(tmp_path / "a.npy"))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "sprung")


def test_pickled_objects_are_refused_and_not_run(tmp_path: Path, archive: Callable[..., Path], refused: Fault) -> None:
    trap = np.array([Trap(tmp_path / "sprung")], object)
    sources = [archive(images=GRAY, labels=trap)]
    for name, save in (
        ("b.npz", lambda path: np.savez(path, images=trap)),
        ("c.npy", lambda path: np.save(path, trap)),
    ):
        save(tmp_path / name)
        sources.append(tmp_path / name)
    (tmp_path / "d.npz").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    for source in (*sources, tmp_path / "d.npz"):
        assert "pickled objects, which could run code" in str(refused(source))
    assert not (tmp_path / "sprung").exists()
    pickle.loads((tmp_path / "d.npz").read_bytes())
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_spoiled_archives_are_told_in_one_line(save: Callable[..., None], tmp_path: Path, refused: Fault) -> None:
    path = tmp_path / "a.npz"
    save(path, images=GRAY, labels=LABELS)
    data = path.read_bytes()
    for size in (1, 100, len(data) // 2, len(data) - 30):
        path.write_bytes(data[:size])
        assert "a.npz: is no NumPy archive, or is cut off" in str(refused(path))
    middle = data.index(b"images.npy") + 200
    path.write_bytes(data[:middle] + bytes(60) + data[middle + 60 :])
    assert "a.npz: is no NumPy archive, or is cut off" in str(refused(path))


def test_any_byte_of_an_archive_may_be_wrong(tmp_path: Path) -> None:
    draw, path = np.random.default_rng(10), tmp_path / "a.npz"
    outcomes = []
    for save in (np.savez, np.savez_compressed):
        save(path, images=GRAY, labels=LABELS)
        data = path.read_bytes()
        for place in draw.integers(0, len(data), 150).tolist():
            path.write_bytes(data[:place] + bytes([data[place] ^ int(draw.integers(1, 256))]) + data[place + 1 :])
            try:
                open_dataset(path, cache="none")
                outcomes.append("opened")
            except InputError as error:
                assert str(error).isprintable() and error.mend
                outcomes.append("refused")
    assert outcomes.count("refused") > 50


def test_an_array_that_claims_more_than_there_is_is_refused(tmp_path: Path, refused: Fault) -> None:
    path = tmp_path / "a.npy"
    np.save(path, GRAY)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"(9, 6, 8), }" + b" " * 10, b"(9, 6, 8" + b"0" * 10 + b"), }"))
    assert path.read_bytes() != data
    assert "a.npy" in str(refused(path))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("images.npy", path.read_bytes())
    assert re.search("does not fit into memory|is cut off", str(refused(tmp_path / "a.npz")))
    path.write_bytes(data[:-5])
    assert "cut off" in str(refused(path))


def test_a_member_that_is_no_array_is_refused(tmp_path: Path, refused: Fault) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("images", "text")
    assert "a.npz key images: is no array" in str(refused(tmp_path / "a.npz"))


def test_text_that_is_called_an_archive_is_no_archive(tmp_path: Path, refused: Fault) -> None:
    for name in ("a.npz", "a.npy"):
        (tmp_path / name).write_text("<!DOCTYPE html>\n" * 20)
        assert f"{name}: is no NumPy archive" in str(refused(tmp_path / name))


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        ({"pictures": GRAY, "n": LABELS}, "a.npz: has no images: its keys are pictures, n"),
        ({"imagess": GRAY}, "did you mean images"),
        ({}, "its keys are none"),
        ({"images": GRAY, "labels": LABELS[:5]}, "9 images, and labels of shape .5,"),
        ({"images": GRAY, "usage": LABELS[:5]}, "9 images, and splits of shape .5,"),
        ({"images": GRAY, "labels": LABELS + 0.5}, "float64, not whole numbers"),
        (
            {"images": GRAY, "labels": np.array(["sat"] * 9), "class_names": np.array(["sad", "glad"])},
            "labels: there is a label 'sat', and no such class name; did you mean sad",
        ),
        ({"images": GRAY[:0], "labels": LABELS[:0]}, "a.npz key images: there are no images in it"),
        ({"images": GRAY, "labels": LABELS - 2}, "row 0: has the label -2"),
        (
            {"images": GRAY, "labels": LABELS, "class_names": np.array(["a", "b"])},
            "row 1: has the label 2, .*2 class names",
        ),
        ({"images": GRAY, "labels": LABELS, "class_names": np.arange(3)}, "class names are no list of texts"),
        ({"train_images": GRAY, "train_labels": LABELS[:4]}, "key train_labels: there are 9 images"),
        ({"x_train": np.array(4), "y_train": LABELS}, "key x_train.*shape"),
        ({"x_train": GRAY[:0], "y_train": LABELS[:0]}, "a.npz"),
        ({"\x1b[2Jkey": GRAY}, r"\\x1b\[2Jkey"),
    ],
)
def test_archives_that_do_not_fit_together_are_refused(
    arrays: dict[str, np.ndarray], fault: str, archive: Callable[..., Path], refused: Fault
) -> None:
    error = refused(archive(**arrays))
    assert re.search(fault, str(error)) and error.mend


def test_labels_may_be_names(archive: Callable[..., Path]) -> None:
    words = np.array(["glad", "", "sad"] * 3)
    found = open_dataset(archive(images=GRAY, labels=words), cache="none")
    assert found.classes == ("glad", "sad") and found.labels.tolist() == [0, -1, 1] * 3
    found = open_dataset(
        archive(images=GRAY, labels=words.astype("S"), class_names=np.array(["sad", "glad"])), cache="none"
    )
    assert found.classes == ("sad", "glad") and found.labels.tolist() == [1, -1, 0] * 3
    parts = {"x_train": GRAY, "y_train": np.array(["b"] * 9), "x_test": GRAY[:2], "y_test": np.array(["a", "b"])}
    found = open_dataset(archive(**parts), split="test", cache="none")
    assert found.classes == ("a", "b") and found.labels.tolist() == [0, 1]
