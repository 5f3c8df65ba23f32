"""Splits, limits and single rows: whatever is open, a row is the same alone, among others and in the source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import InputError
from fer_tui.dataset import MappedDataset, map_dataset, open_dataset

COUNT = 11
GRAY = np.random.default_rng(12).integers(0, 256, (COUNT, 5, 4), np.uint8)
RAGGED = [np.full((2 + row % 3, 3, 3) if row % 4 else (4, 2), row, np.uint8) for row in range(COUNT)]
MIXED = ["b", "a", "a", "b", "a", "c", "c", "a", "b", "b", "b"]


def uniform(folder: Path) -> MappedDataset:
    np.savez(folder / "a.npz", images=GRAY, labels=np.arange(COUNT))
    return open_dataset(folder / "a.npz")


def split_in_pieces(folder: Path) -> MappedDataset:
    np.savez(folder / "a.npz", images=GRAY, labels=np.arange(COUNT), split=np.array(MIXED))
    return open_dataset(folder / "a.npz", split="b")


def split_in_one_piece(folder: Path) -> MappedDataset:
    np.savez(folder / "a.npz", images=GRAY, labels=np.arange(COUNT), split=np.array(sorted(MIXED)))
    return open_dataset(folder / "a.npz", split="b")


def ragged(folder: Path) -> MappedDataset:
    return open_dataset([(image, row) for row, image in enumerate(RAGGED)])


def decoded(folder: Path) -> MappedDataset:
    for row, image in enumerate(GRAY):
        Image.fromarray(image).save(folder / f"{row:02d}.png")
    return open_dataset(folder)


def decoded_of_all_sizes(folder: Path) -> MappedDataset:
    for row, image in enumerate(RAGGED):
        Image.fromarray(image).save(folder / f"{row:02d}.png")
    return open_dataset(folder)


KINDS = [uniform, split_in_pieces, split_in_one_piece, ragged, decoded, decoded_of_all_sizes]


@pytest.mark.parametrize("make", KINDS)
def test_rows_are_the_same_alone_and_together(make: Callable[[Path], MappedDataset], tmp_path: Path) -> None:
    dataset = make(tmp_path)
    count = len(dataset)
    assert count > 3
    for start in range(count + 1):
        for stop in (start, start + 1, count - 1, count, count + 5):
            together = dataset.images(start, stop)
            alone = [dataset[row].image for row in range(start, min(stop, count))]
            assert len(together) == len(alone)
            assert all(np.array_equal(one, other) for one, other in zip(together, alone, strict=True))


@pytest.mark.parametrize("make", KINDS)
def test_a_limit_is_the_beginning(make: Callable[[Path], MappedDataset], tmp_path: Path) -> None:
    dataset = make(tmp_path)
    for limit in (1, 3, len(dataset), 100):
        part = dataset.narrowed(dataset.split, limit)
        assert len(part) == min(limit, len(dataset))
        assert part.labels.tolist() == dataset.labels[:limit].tolist()
        for row in range(len(part)):
            assert part[row].id == dataset[row].id and np.array_equal(part[row].image, dataset[row].image)
        assert len(part.images(0, 100)) == len(part)


@pytest.mark.parametrize("make", KINDS)
def test_rows_that_are_not_there_are_refused(
    make: Callable[[Path], MappedDataset], tmp_path: Path, asked: Callable[[MappedDataset, int], str]
) -> None:
    dataset = make(tmp_path)
    for row in (-1, len(dataset), 10**9):
        message = asked(dataset, row)
        assert f"image {row}" in message and f"rows 0 to {len(dataset) - 1}" in message


@pytest.mark.parametrize("make", KINDS)
def test_a_loop_over_a_dataset_ends(make: Callable[[Path], MappedDataset], tmp_path: Path) -> None:
    dataset = make(tmp_path)
    assert [sample.label for sample in dataset] == dataset.labels.tolist()


@pytest.mark.parametrize("make", KINDS)
def test_images_cannot_be_written_to(make: Callable[[Path], MappedDataset], tmp_path: Path) -> None:
    image = make(tmp_path)[1].image
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0] = 1


@pytest.mark.parametrize("make", KINDS)
def test_another_process_maps_the_same_rows(make: Callable[[Path], MappedDataset], tmp_path: Path) -> None:
    dataset = make(tmp_path)
    mapped = map_dataset(dataset.folder, split=dataset.split)
    assert mapped.key == dataset.key and mapped.classes == dataset.classes and mapped.notes == dataset.notes
    assert (mapped.name, mapped.format, mapped.splits) == (dataset.name, dataset.format, dataset.splits)
    for row in range(len(dataset)):
        assert np.array_equal(mapped[row].image, dataset[row].image) and mapped[row].id == dataset[row].id


def test_a_split_is_its_rows_wherever_they_lie(tmp_path: Path) -> None:
    dataset = split_in_pieces(tmp_path)
    rows = [row for row, name in enumerate(MIXED) if name == "b"]
    assert dataset.labels.tolist() == rows and dataset.splits == ("b", "a", "c")
    assert np.array_equal(dataset.images(0, 99), GRAY[rows])
    assert [dataset.name_of(row) for row in range(len(dataset))] == list(map(str, rows))
    assert dataset.image_digest(1) == dataset.narrowed(None, None).image_digest(3)


@pytest.mark.parametrize(
    ("stored", "asked_for"),
    [
        ("Training", "train"), ("Training", "TRAINING"), ("train", "Training"), ("PublicTest", "publictest"),
        ("val", "validation"), ("Validation", "valid"), ("test", "Testing"),
    ],
)  # fmt: skip
def test_splits_are_known_by_their_other_names(stored: str, asked_for: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"pixels,Usage\n1,other\n2,{stored}\n")
    dataset = open_dataset(tmp_path / "a.csv", split=asked_for)
    assert dataset.split == stored and dataset[0].image.tolist() == [[2]] and len(dataset) == 1


def test_the_exact_split_goes_before_its_likes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("pixels,Usage\n1,Train\n2,train\n3,Training\n")
    dataset = open_dataset(tmp_path / "a.csv")
    assert [int(dataset.narrowed(name, None)[0].image[0, 0]) for name in ("Train", "train", "Training")] == [1, 2, 3]


def test_a_split_that_is_not_there_is_told_with_the_nearest(
    fer_files: dict[str, Path], refused: Callable[..., InputError]
) -> None:
    open_dataset(fer_files["npz"])
    error = refused(fer_files["npz"], split="PublikTest")
    assert error.where == "split PublikTest" and "did you mean PublicTest?" in error.fault
    assert error.mend == "it has Training, PublicTest"
    assert "\x1b" not in str(refused(fer_files["npz"], split="\x1b[2J"))
    open_dataset(fer_files["ntu"])
    assert "train.csv has no splits" in str(refused(fer_files["ntu"], split="train"))


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_of_nothing_is_refused(
    limit: int, fer_files: dict[str, Path], refused: Callable[..., InputError]
) -> None:
    for source in (fer_files["npz"], {"images": GRAY}, open_dataset(fer_files["npz"])):
        assert f"limit {limit}: there is nothing left to open" in str(refused(source, limit=limit))


def test_split_and_limit_go_together(fer_files: dict[str, Path], fer_rows: dict[str, np.ndarray[Any, Any]]) -> None:
    dataset = open_dataset(fer_files["fer2013"], split="training", limit=230)
    rows = np.flatnonzero(fer_rows["usage"] == 0)[:230]
    assert np.array_equal(dataset.images(0, 230), fer_rows["images"][rows])
    assert [dataset.name_of(row) for row in (0, 199, 200, 229)] == ["0", "199", "260", "289"]
