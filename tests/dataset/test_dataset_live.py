"""Live datasets: what a torch user has in hand is read row by row, and what their code does is told with its line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from fer_tui.contract import InputError
from fer_tui.dataset import open_dataset

GRAY = np.random.default_rng(6).integers(0, 256, (9, 6, 8), np.uint8)
RGB = np.random.default_rng(8).integers(0, 256, (9, 6, 8, 3), np.uint8)
LABELS = [0, 2, 1, 1, 0, 2, 2, 0, 1]
NAMES = ("cat", "dog", "emu")
SCRIPT = """
import sys
import numpy as np

images = np.arange(4 * 6, dtype=np.uint8).reshape(4, 2, 3)
pair = (images, [1, 0, 1, 0])

class Bad:
    classes = ["a", "b"]
    def __len__(self):
        return 4
    def __getitem__(self, row):
        if row == 2:
            raise KeyError("no\\x1b[2J row")
        return images[row], 0

class Leaves(Bad):
    def __getitem__(self, row):
        sys.exit(3)

bad, leaves = Bad(), Leaves()
number = 5
"""
Fault = Callable[..., InputError]


class Rows:
    """A dataset of the user's own: it gives the rows that it was given, and notes which were asked for."""

    def __init__(self, rows: list[Any], **attributes: Any) -> None:
        self.rows, self.asked = rows, list[int]()
        self.__dict__.update(attributes)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> Any:
        self.asked.append(row)
        return self.rows[row]


def images(dataset: Any) -> np.ndarray:
    return np.stack([dataset[row].image for row in range(len(dataset))])


def is_gray(source: Any, labels: list[int] | None = None) -> Any:
    """Opens `source`, which holds GRAY with LABELS."""
    dataset = open_dataset(source)
    assert np.array_equal(images(dataset), GRAY)
    assert dataset.labels.tolist() == (LABELS if labels is None else labels)
    return dataset


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(SCRIPT)
    return tmp_path / "mine.py"


def test_arrays_with_labels() -> None:
    tensors = torch.from_numpy(GRAY), torch.tensor(LABELS)
    for pair in ((GRAY, LABELS), [GRAY, np.array(LABELS)], tensors, (GRAY.tolist(), LABELS), (list(GRAY), LABELS)):
        assert is_gray(pair).classes == ("0", "1", "2")
    for names in (("images", "labels"), ("x", "y"), ("pixel_values", "label"), ("image", "target")):
        is_gray(dict(zip(names, (GRAY, LABELS), strict=True)))
    is_gray({"img": tensors[0][:, None] / 255}, [-1] * 9)


def test_labels_may_be_columns_or_vectors_with_a_single_one() -> None:
    one_hot = np.eye(3)[LABELS]
    for labels in (np.array(LABELS)[:, None], one_hot, torch.tensor(LABELS, dtype=torch.float32)):
        is_gray((GRAY, labels))
    is_gray(Rows(list(zip(GRAY, one_hot, strict=True))))


def test_a_tensor_dataset() -> None:
    is_gray(TensorDataset(torch.from_numpy(GRAY)[:, None], torch.tensor(LABELS)))
    is_gray(TensorDataset(torch.from_numpy(GRAY)[:, None] / 255, torch.tensor(LABELS)))
    dataset = is_gray(TensorDataset(torch.from_numpy(GRAY)), [-1] * 9)
    assert "no labels" in dataset.notes[0]


def test_rows_of_pictures_pairs_dicts_or_images_alone() -> None:
    pairs = [(Image.fromarray(image), label) for image, label in zip(GRAY, LABELS, strict=True)]
    is_gray(Rows(pairs))
    is_gray(pairs)
    is_gray(Rows([{"image": image, "label": torch.tensor(label)} for image, label in pairs]))
    is_gray(Rows([image for image, _ in pairs]), [-1] * 9)
    is_gray(Rows([(image,) for image, _ in pairs]), [-1] * 9)
    is_gray(
        Rows([(image, None if row % 2 else label) for row, (image, label) in enumerate(pairs)]),
        [-1 if row % 2 else label for row, label in enumerate(LABELS)],
    )


def test_two_rows_are_rows_and_no_pair_of_arrays() -> None:
    for make in (np.asarray, Image.fromarray, torch.tensor):
        dataset = open_dataset([(make(image), label) for image, label in zip(GRAY[:2], LABELS, strict=False)])
        assert np.array_equal(images(dataset), GRAY[:2]) and dataset.labels.tolist() == LABELS[:2]


def test_colours_come_first_or_last() -> None:
    for row in (RGB, np.moveaxis(RGB, 3, 1), np.moveaxis(RGB, 3, 1) / 255):
        assert np.array_equal(images(open_dataset(Rows(list(row)))), RGB)
    clear = np.dstack([RGB[0], np.zeros((6, 8), np.uint8)])
    assert (open_dataset([Image.fromarray(clear)])[0].image == 255).all()


def test_rows_of_different_sizes() -> None:
    sizes = [(4, 5), (4, 5), (3, 3, 3), (1, 7), (4, 5)]
    rows = [np.full(size, row, np.uint8) for row, size in enumerate(sizes)]
    dataset = open_dataset(Rows(rows))
    assert dataset.uniform_shape is None
    for row, image in enumerate(rows):
        assert np.array_equal(dataset[row].image, image)


@pytest.mark.parametrize(
    "names",
    [
        {"classes": list(NAMES)},
        {"class_to_idx": {"emu": 2, "cat": 0, "dog": 1}},
        {"features": {"label": type("ClassLabel", (), {"names": list(NAMES)})()}},
    ],
)
def test_class_names_are_found_through_subsets(names: dict[str, Any]) -> None:
    rows = Rows(list(zip(GRAY, LABELS, strict=True)), **names)
    assert open_dataset(rows).classes == NAMES
    part = open_dataset(Subset(Subset(rows, [8, 1, 3, 5]), [1, 0]))
    assert part.classes == NAMES and part.labels.tolist() == [LABELS[1], LABELS[8]]
    assert np.array_equal(images(part), GRAY[[1, 8]])
    assert open_dataset(ConcatDataset([rows, rows])).classes == ("0", "1", "2")


def test_names_that_do_not_reach_the_labels_are_left_out() -> None:
    dataset = open_dataset(Rows(list(zip(GRAY, LABELS, strict=True)), classes=["a", "b"]))
    assert dataset.classes == ("0", "1", "2")
    assert "labels go up to 2, and there are 2 class names" in " ".join(dataset.notes)


def test_a_limit_ends_the_reading_early() -> None:
    rows = Rows(list(zip(GRAY, LABELS, strict=True)))
    dataset = open_dataset(rows, limit=4)
    assert set(rows.asked) == {0, 1, 2, 3} and len(dataset) == 4
    assert dataset.labels.tolist() == LABELS[:4] and np.array_equal(images(dataset), GRAY[:4])
    assert len(open_dataset(rows, limit=50)) == 9
    assert open_dataset((GRAY, LABELS), limit=4).digest == open_dataset((GRAY[:4], LABELS[:4])).digest


def test_a_file_names_its_data(script: Path) -> None:
    dataset = open_dataset(f"{script}:pair")
    assert dataset.name == f"{script}:pair" and dataset.labels.tolist() == [1, 0, 1, 0]
    assert images(dataset).ravel().tolist() == list(range(24))
    assert open_dataset(f"{script}:images").labels.tolist() == [-1] * 4


def test_what_the_data_raise_is_told_with_file_and_line(script: Path, refused: Fault) -> None:
    line = SCRIPT[: SCRIPT.index("raise KeyError")].count("\n") + 1
    error = refused(f"{script}:bad")
    assert error.where == f"{script}:{line}" and "KeyError: 'no\\x1b[2J row'" in error.fault
    error = refused(f"{script}:leaves")
    assert error.where == f"{script}:{SCRIPT[: SCRIPT.index('sys.exit')].count(chr(10)) + 1}"
    assert "SystemExit" in error.fault
    assert len(open_dataset(f"{script}:bad", limit=2)) == 2


def test_a_name_that_is_not_there_is_told_with_the_nearest(script: Path, refused: Fault) -> None:
    assert "did you mean Leaves" in str(refused(f"{script}:Leavs"))
    assert "did you mean mine.py" in str(refused(f"{script.with_name('mime.py')}:pair"))


def test_what_the_data_print_does_not_reach_stdout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "print('loud'); images = [[[0, 1]]]\nimport numpy; images = numpy.array(images, dtype='uint8')"
    (tmp_path / "loud.py").write_text(text)
    open_dataset(f"{tmp_path / 'loud.py'}:images")
    out, err = capfd.readouterr()
    assert "loud" in err and not out


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (5, "int cannot be indexed and counted"),
        (iter([GRAY]), "cannot be indexed and counted"),
        ([], "live dataset: has no rows"),
        ({"pictures": GRAY}, "has no images: its keys are pictures"),
        ((GRAY, LABELS[:4]), "9 images, and labels of shape .4,"),
        ((GRAY, [*LABELS[:8], -3]), "row 8: has the label -3"),
        (Rows([(GRAY[0], 0), "text"]), "row 1: is str, not an image and a label"),
        (Rows([(GRAY[0], 0), None]), "row 1: is NoneType"),
        (Rows([(GRAY[0], 0), ()]), "row 1: is tuple"),
        (Rows([(GRAY[0], 0), (GRAY, 0)]), "row 1: .*shape .9, 6, 8."),
        (Rows([(GRAY[0], 0), ("a.png", 0)]), "row 1: an image is str"),
        (Rows([(GRAY[0], 0), (GRAY[1], "cat")]), "row 1: .*not whole numbers"),
        (Rows([(GRAY[0], 0), (GRAY[1], 0.5)]), "row 1: .*not whole numbers"),
        (Rows([(GRAY[0], 0), (GRAY[1], [0, 1, 1])]), "row 1: .*more than one 1"),
        (Rows([(GRAY[0], 0), ((GRAY[1] / 255 - 0.5) / 0.5, 0)]), "row 1: .*before they are normalised.*--mean"),
        (Rows([(torch.tensor(GRAY[0] / 255) - 0.5, 0)]), "row 0: .*before they are normalised.*--mean"),
        (Rows([(Image.new("F", (2, 2)), 0)]), "fractions"),
    ],
)
def test_what_is_no_dataset_is_refused(source: Any, fault: str, refused: Fault) -> None:
    error = refused(source)
    assert re.search(fault, str(error))


def test_the_same_live_rows_are_kept_once(parsed: Callable[[], list[str]]) -> None:
    first = open_dataset((GRAY, LABELS))
    for source in ({"images": GRAY, "labels": LABELS}, (GRAY, LABELS)):
        assert open_dataset(source).folder == first.folder
    assert len(parsed()) == 1
    assert open_dataset((GRAY, LABELS[::-1])).key != first.key and len(parsed()) == 2
