"""Arrays that are bytes already are read where they lie; others in pieces; and digests are made once."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import InputError
from fer_tui.dataset import MappedDataset, image_digest, open_dataset

DRAW = np.random.default_rng(31)
GRAY = DRAW.integers(0, 256, (9, 6, 8), np.uint8)
RGB = DRAW.integers(0, 256, (9, 6, 8, 3), np.uint8)


def written(dataset: MappedDataset) -> int:
    """Bytes of images that were written to the cache."""
    path = dataset.folder / "images.bin"
    return path.stat().st_size if path.exists() else 0


def save(path: Path, images: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, images)
    elif "packed" in path.name:
        np.savez_compressed(path, images=images, labels=np.arange(len(images)))
    else:
        np.savez(path, images=images, labels=np.arange(len(images)))
    return path


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [(GRAY, GRAY), (RGB, RGB), (GRAY[..., None], GRAY), (GRAY[:, None], GRAY), (GRAY.reshape(12, 36), None)],
)
def test_bytes_are_read_where_they_lie(
    name: str, given: np.ndarray, expected: np.ndarray | None, tmp_path: Path
) -> None:
    dataset = open_dataset(save(tmp_path / name, given))
    expected = given.reshape(12, 6, 6) if expected is None else expected
    assert written(dataset) == 0 and np.array_equal(dataset.images(0, 99), expected)
    assert all(np.array_equal(dataset[row].image, image) for row, image in enumerate(expected))


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("packed.npz", GRAY, GRAY),
        ("a.npz", np.moveaxis(RGB, 3, 1), RGB),
        ("a.npy", np.asfortranarray(GRAY), GRAY),
        ("packed.npz", np.asfortranarray(GRAY), GRAY),
        ("a.npy", GRAY.astype(np.int32), GRAY),
    ],
)
def test_all_else_is_written_as_bytes(name: str, given: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    dataset = open_dataset(save(tmp_path / name, given))
    assert written(dataset) == expected.nbytes and np.array_equal(dataset.images(0, 99), expected)


def test_it_is_the_same_data_wherever_they_lie(tmp_path: Path) -> None:
    """Marks and stored scores are found again when an archive is packed."""
    one, other = (open_dataset(save(tmp_path / name, GRAY)) for name in ("a.npz", "packed.npz"))
    assert one.key == other.key and one.digest == other.digest


def test_parts_lie_where_they_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=GRAY, x_test=RGB, y_train=np.arange(9), y_test=np.arange(9))
    dataset = open_dataset(tmp_path / "a.npz")
    assert written(dataset) == 0 and dataset.uniform_shape is None
    for row, image in enumerate([*GRAY, *RGB]):
        assert np.array_equal(dataset[row].image, image)
    across = dataset.images(7, 11)
    assert [each.shape for each in across] == [(6, 8)] * 2 + [(6, 8, 3)] * 2
    assert np.array_equal(dataset.narrowed("test", None).images(0, 9), RGB)


@pytest.mark.parametrize("name", ["a.npz", "packed.npz", "a.npy"])
@pytest.mark.parametrize("kind", ["u1", "f4"])
def test_a_large_array_is_never_in_memory_as_a_whole(name: str, kind: str, tmp_path: Path) -> None:
    images = np.zeros((24_000, 48, 48), kind)  # 55 MB, or 221
    images[::7, 3, 3] = 1
    path = save(tmp_path / name, images)
    size = images.nbytes
    del images
    tracemalloc.start()
    dataset = open_dataset(path)
    for start in range(0, len(dataset), 512):
        assert dataset.images(start, start + 512)[0].shape == (48, 48)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 50e6 and peak < 40e6
    assert int(dataset[23_996].image[3, 3]) == (255 if kind == "f4" else 1)


def test_a_file_that_changes_under_an_open_dataset_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", GRAY)
    dataset = open_dataset(path)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    for ask in (lambda: dataset[3], lambda: dataset.images(0, 4)):
        with pytest.raises(InputError, match=r"a\.npz: has changed since it was parsed \(open the data again"):
            ask()
    os.truncate(path, 300)
    with pytest.raises(InputError, match="has become shorter"):
        dataset[8]
    assert np.array_equal(open_dataset(save(path, 255 - GRAY))[8].image, 255 - GRAY[8])


def test_a_file_that_is_replaced_stays_what_it_was_for_who_has_it_open(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", GRAY)
    dataset = open_dataset(path)
    save(tmp_path / "b.npz", 255 - GRAY).replace(path)
    assert np.array_equal(dataset[8].image, GRAY[8]) and np.array_equal(open_dataset(path)[8].image, 255 - GRAY[8])


# ---- digests ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for row, image in enumerate(GRAY):
        Image.fromarray(image).save(folder / f"{row}.png")
    return folder


def test_digests_are_made_once(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    from fer_tui.dataset import listing as decoder

    plain: Callable[[Path], np.ndarray] = decoder.read_picture
    monkeypatch.setattr(decoder, "read_picture", lambda path: read.append(path) or plain(path))
    expected = [image_digest(image) for image in GRAY]
    assert open_dataset(pictures).image_digests([5, 3, 5]) == [expected[n] for n in (5, 3, 5)] and len(read) == 2
    again = open_dataset(pictures)
    assert again.image_digests(range(9)) == expected and len(read) == 9
    assert again.narrowed(None, 4).image_digests([3, 0]) == [expected[3], expected[0]]
    assert open_dataset(pictures).image_digest(8) == expected[8] and len(read) == 9


def test_digests_of_a_changed_picture_are_made_anew(pictures: Path) -> None:
    before = open_dataset(pictures).image_digest(0)
    Image.fromarray(255 - GRAY[0]).save(pictures / "0.png")
    assert open_dataset(pictures).image_digest(0) == image_digest(255 - GRAY[0]) != before


def test_digests_that_cannot_be_kept_are_made_all_the_same(pictures: Path) -> None:
    dataset = open_dataset(pictures)
    shutil.rmtree(dataset.folder)  # who has it mapped keeps it
    assert dataset.image_digests([1, 1]) == [image_digest(GRAY[1])] * 2
    assert dataset.image_digest(1) == image_digest(GRAY[1])
