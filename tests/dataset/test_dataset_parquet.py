"""Parquet files with pictures: as Hugging Face writes them, and otherwise; read by row group, told by file and row."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from written_shards import GRAY, RGB, encoded, write_parquet

from fer_tui.contract import InputError
from fer_tui.dataset import image_digest, open_dataset

pytest.importorskip("pyarrow", reason="pyarrow is not installed: the extra `parquet`")
Fault = Callable[..., InputError]
NAMES = ["angry", "fear", "sad"]
FEATURES = {"image": {"_type": "Image"}, "label": {"names": NAMES, "_type": "ClassLabel"}}
LABELS = [n % 3 for n in range(10)]


PAGES = {"use_dictionary": False, "write_batch_size": 50}  # else a page has up to 1024 pictures, and is read as a whole


def pictures(images: np.ndarray, *, paths: bool = True) -> list[dict[str, Any]]:
    """A column as Hugging Face writes it."""
    return [{"bytes": encoded(image), "path": f"{n}.png" if paths else None} for n, image in enumerate(images)]


@pytest.mark.parametrize("group", [1, 3, 100])
@pytest.mark.parametrize("form", ["struct", "bytes", "large"])
def test_what_is_opened_is_what_was_written(group: int, form: str, tmp_path: Path) -> None:
    import pyarrow as pa

    column = pictures(RGB) if form == "struct" else [encoded(image) for image in RGB]
    kind = pa.large_binary() if form == "large" else None
    columns = {"more": list(range(10)), "image": pa.array(column, kind), "label": LABELS}
    path = write_parquet(tmp_path / "a.parquet", columns, FEATURES, row_group_size=group)
    dataset = open_dataset(path)
    assert dataset.format == "Parquet" and dataset.classes == tuple(NAMES) and dataset.uniform_shape == (6, 8, 3)
    assert np.array_equal(dataset.images(0, 10), RGB) and dataset.labels.tolist() == LABELS
    for row in (9, 0, 5, 4, 4, 8):
        assert np.array_equal(dataset[row].image, RGB[row]) and dataset[row].id == str(row)
    assert open_dataset(path).image_digests([7, 2]) == [image_digest(RGB[7]), image_digest(RGB[2])]
    assert dataset.folder == open_dataset(path).folder


@pytest.mark.parametrize("layout", ["hub", "converted", "pattern"])
def test_many_files_are_one_dataset_with_splits(layout: str, tmp_path: Path) -> None:
    names = {
        "hub": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000.parquet"],
        "converted": ["default/train/0000.parquet", "default/train/0001.parquet", "default/test/0000.parquet"],
        "pattern": ["x-train-9.parquet", "x-train-10.parquet", "x-test-1.parquet"],
    }[layout]
    parts = [slice(0, 5), slice(5, 6), slice(6, 10)]
    for name, part in zip(names, parts, strict=True):
        columns = {"image": pictures(GRAY[part]), "label": LABELS[part]}
        write_parquet(tmp_path / name, columns, FEATURES, row_group_size=2)
    (tmp_path / "README.md").write_text("a card")
    dataset = open_dataset(str(tmp_path / "x-*-*.parquet") if layout == "pattern" else tmp_path)
    assert sorted(dataset.splits) == ["test", "train"] and len(dataset) == 10
    train, test = dataset.narrowed("train", None), dataset.narrowed("test", None)
    assert np.array_equal(train.images(0, 99), GRAY[:6]) and np.array_equal(test.images(0, 99), GRAY[6:])
    assert train.labels.tolist() == LABELS[:6] and test[3].label == LABELS[9]


def test_labels_are_numbers_names_or_missing(tmp_path: Path) -> None:
    import pyarrow as pa

    column = [encoded(image) for image in GRAY]
    words = [NAMES[n % 3] if n else None for n in range(10)]
    for labels in (words, pa.array(words).dictionary_encode()):
        dataset = open_dataset(write_parquet(tmp_path / "words.parquet", {"img": column, "emotion": labels}))
        assert dataset.classes == tuple(NAMES) and dataset.labels.tolist() == [-1, *LABELS[1:]]
        assert dataset.notes == ("1 pictures have no label",)
    for kind in (pa.uint8(), pa.float32()):
        numbers = pa.array([*LABELS[:9], None], kind)
        dataset = open_dataset(write_parquet(tmp_path / f"{kind}.parquet", {"image": column, "label": numbers}))
        assert dataset.classes == ("0", "1", "2") and dataset.labels.tolist() == [*LABELS[:9], -1]
    dataset = open_dataset(write_parquet(tmp_path / "none.parquet", {"png": column, "image_id": list("abcdefghij")}))
    assert dataset.notes == ("the pictures have no labels",) and dataset[3].id == "d" and dataset.classes == ()


@pytest.mark.parametrize("group", [100, 2000])
def test_a_large_file_is_never_in_memory_as_a_whole(group: int, tmp_path: Path) -> None:
    import pyarrow as pa

    draw = np.random.default_rng(5)
    images = draw.integers(0, 256, (50, 200, 200), np.uint8)
    data = [encoded(image) for image in images]
    path = write_parquet(tmp_path / "a.parquet", {"image": data * 40}, row_group_size=group, **PAGES)
    pool = pa.default_memory_pool()
    held = pool.bytes_allocated()
    tracemalloc.start()
    dataset, most = open_dataset(path), 0
    for row in range(0, 2000, 9):
        assert np.array_equal(dataset[row].image, images[row % 50])
        most = max(most, pool.bytes_allocated() - held)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 75e6 and peak < 40e6 and most < 12e6


# ---- what is spoiled -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"text": ["a"], "label": [1]}, "a.parquet: has no pictures: its columns are text, label .*name the pictures"),
        ({"image": [[1, 2]], "label": [1]}, "has no pictures: column image is list"),
        ({"image": ["a.png"], "label": [1]}, "has no pictures: column image is string"),
        ({"image": [b"x"], "label": [-2]}, "column label row 0: has the label -2"),
        ({"image": [b"x"], "label": [0.5]}, "column label: labels are float64, not whole"),
        ({"image": [b"x"], "label": [[1]]}, "column label is list.*no labels"),
        ({"image": [b"x"], "label": [3]}, r"a.parquet row 0: has the label 3, and there are 3 class names"),
        ({"image": [], "label": []}, "has no"),
    ],
)
def test_columns_that_are_not_understood_are_refused(
    columns: dict[str, list[Any]], fault: str, tmp_path: Path, refused: Fault
) -> None:
    error = refused(write_parquet(tmp_path / "a.parquet", columns, FEATURES))
    assert re.search(fault, str(error)) and error.mend


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path, refused: Fault) -> None:
    write_parquet(tmp_path / "a-0.parquet", {"image": [encoded(GRAY[0])], "label": [1]})
    write_parquet(tmp_path / "a-1.parquet", {"image": [encoded(GRAY[0])]})
    assert "a-1.parquet: has no column 'label', which a-0.parquet has" in str(refused(tmp_path))
    write_parquet(tmp_path / "a-1.parquet", {"image": pictures(GRAY[:1]), "label": [1]})
    assert "a-1.parquet: has its pictures elsewhere than a-0.parquet" in str(refused(tmp_path))
    write_parquet(tmp_path / "a-1.parquet", {"image": [encoded(GRAY[0])], "label": ["sad"]})
    assert "numbers in one file and texts in another" in str(refused(tmp_path))


def test_spoiled_files_are_told_in_one_line(tmp_path: Path, refused: Fault) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": pictures(GRAY), "label": LABELS})
    data = path.read_bytes()
    for spoiled in (data[:-1], data[: len(data) // 2], b"PAR1", b"text" * 100, data[:-6] + b"\xff\xff" + data[-4:]):
        path.write_bytes(spoiled)
        assert "a.parquet: is no Parquet file, or is cut off or spoiled" in str(refused(path))
    path.write_bytes(data[:60] + bytes(200) + data[260:])
    with pytest.raises(InputError, match=r"a\.parquet(: is no Parquet file, or| row \d+: (is|has) no picture)"):
        open_dataset(path).images(0, 10)


def test_a_row_without_a_picture_is_told_when_it_is_met(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encoded(GRAY[1]))  # a path in a file leads nowhere
    column = [{"bytes": encoded(GRAY[0]), "path": "0.png"}, {"bytes": None, "path": str(tmp_path / "1.png")}, None]
    column.append({"bytes": b"no picture", "path": None})
    write_parquet(tmp_path / "a.parquet", {"image": column[:2]})
    write_parquet(tmp_path / "b.parquet", {"image": column[2:]})
    dataset = open_dataset(str(tmp_path / "{a,b}.parquet"))
    assert np.array_equal(dataset[0].image, GRAY[0])
    for row, fault in ((1, r"a\.parquet row 1: has no picture"), (2, r"b\.parquet row 0: has no picture")):
        with pytest.raises(InputError, match=fault):
            dataset[row]
    with pytest.raises(InputError, match=r"b\.parquet row 1: is no picture that can be read"):
        dataset[3]


def test_a_file_that_changes_under_an_open_dataset_is_told(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": pictures(GRAY), "label": LABELS}, row_group_size=1)
    dataset = open_dataset(path)
    assert np.array_equal(dataset[0].image, GRAY[0])
    write_parquet(path, {"image": pictures(255 - GRAY[:4]), "label": LABELS[:4]})
    with pytest.raises(InputError, match=r"a\.parquet"):
        dataset[3]
    assert np.array_equal(open_dataset(path)[3].image, 255 - GRAY[3])
