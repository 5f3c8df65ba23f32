"""CSV files of pixels: every number is read as Python reads it, whatever its spelling, and all formats are one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_tui.contract import FER_CLASSES
from fer_tui.dataset import open_dataset
from fer_tui.dataset.pixel_csv import decode

VALUES = st.integers(0, 255)
WORDS = st.tuples(VALUES, st.integers(1, 3)).map(lambda pair: f"{pair[0]:0{pair[1]}d}")
ODD_WORDS = st.tuples(VALUES, st.integers(1, 15)).map(lambda pair: f"{pair[0]:0{pair[1]}d}")
GAPS = st.integers(1, 3).map(lambda count: " " * count)
ODD_GAPS = st.sampled_from([" ", "  ", "\t", " \t "])


@st.composite
def fields(draw: st.DrawFn, words: st.SearchStrategy[str], gaps: st.SearchStrategy[str]) -> list[str]:
    """The pixel fields of a few images of one size."""
    side, rows = draw(st.integers(1, 4)), draw(st.integers(1, 4))

    def field() -> str:
        return "".join(draw(words) + draw(gaps) for _ in range(side * side)).strip()

    return [field() for _ in range(rows)]


def numbers(texts: list[str]) -> list[list[int]]:
    return [[int(word) for word in text.split()] for text in texts]


def opened(text: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        path.write_bytes(text)
        return open_dataset(path, cache="none")


def pixels(dataset: Any) -> list[list[int]]:
    return [dataset[row].image.ravel().tolist() for row in range(len(dataset))]


@given(fields(WORDS, GAPS))
def test_plain_numbers_are_decoded_all_at_once(texts: list[str]) -> None:
    images = decode([text.encode() for text in texts], len(texts[0].split()))
    assert images is not None and images.dtype == np.uint8
    assert images.tolist() == numbers(texts)


@given(st.lists(st.text("0123456789 .-+_\tax", max_size=12).map(str.encode), min_size=1, max_size=4), st.integers(1, 4))
def test_what_is_decoded_at_once_is_what_int_reads_and_all_else_is_left(texts: list[bytes], count: int) -> None:
    images = decode(texts, count)
    words = [text.decode().split() for text in texts]
    plain = all(set(text) <= set(b"0123456789 ") for text in texts) and all(
        len(row) == count and all(len(word) <= 3 and int(word) <= 255 for word in row) for row in words
    )
    assert (images is not None) == plain
    if images is not None:
        assert images.tolist() == [[int(word) for word in row] for row in words]


@given(
    fields(WORDS, GAPS) | fields(ODD_WORDS, ODD_GAPS),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["", '"']),
    st.sampled_from(["", " "]),
    st.integers(0, 3),
    st.integers(0, 6),
)
@settings(deadline=None)
def test_a_whole_file_is_read_whatever_its_spelling(
    texts: list[str], end: str, mark: str, quote: str, pad: str, blank: int, label: int
) -> None:
    rows = [f"{label},{quote}{pad}{text}{pad}{quote},Training" for text in texts]
    text = mark + end.join(["emotion,pixels,Usage", *rows]) + end + end * blank
    dataset = opened(text.encode())
    assert pixels(dataset) == numbers(texts)
    assert dataset.labels.tolist() == [label] * len(texts)
    assert dataset.splits == ("Training",)


@given(fields(WORDS, GAPS))
@settings(deadline=None)
def test_a_file_read_number_by_number_is_the_one_read_at_once(texts: list[str]) -> None:
    odd = [f"0000{text}" for text in texts]
    assert decode([text.encode() for text in odd], len(texts[0].split())) is None
    fast, slow = (opened("\n".join(["pixels,emotion", *(f"{t},0" for t in each)]).encode()) for each in (texts, odd))
    assert pixels(fast) == pixels(slow) and fast.digest == slow.digest


def test_rows_beyond_the_first_block_are_read(tmp_path: Path) -> None:
    images = np.random.default_rng(2).integers(0, 256, (700, 30, 30), np.uint8)
    path = tmp_path / "many.csv"
    path.write_text("pixels\n" + "\n".join(" ".join(map(str, image.ravel())) for image in images))
    assert path.stat().st_size > 2 << 20
    dataset = open_dataset(path)
    assert len(dataset) == 700 and np.array_equal(dataset.images(0, 700), images)


def test_a_file_of_pixels_alone_has_no_labels() -> None:
    dataset = opened(b"pixels\n1 2 3 4\n5 6 7 8\n")
    assert dataset.labels.tolist() == [-1, -1] and pixels(dataset) == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert "no labels" in " ".join(dataset.notes) and dataset.classes == FER_CLASSES


def test_labels_may_be_emotions_under_any_of_their_names_or_absent() -> None:
    dataset = opened(b'emotion,pixels\nHappy,0\n"sadness",0\n 3 ,0\n,0\nFEAR,0\n"0",0\n')
    assert dataset.labels.tolist() == [3, 4, 3, -1, 2, 0]


@pytest.mark.parametrize("header", ['"emotion","pixels","Usage"', " Emotion , PIXELS,usage ", "label,feature,split"])
def test_headers_are_known_by_all_their_spellings(header: str) -> None:
    dataset = opened(f"{header}\n2,9,PublicTest\n".encode())
    assert (dataset.labels.tolist(), pixels(dataset), dataset.splits) == ([2], [[9]], ("PublicTest",))


def test_columns_that_are_not_known_are_passed_over() -> None:
    dataset = opened(b"row,pixels,comment,emotion\n17,5,hello,6\n")
    assert dataset.labels.tolist() == [6] and pixels(dataset) == [[5]]


@pytest.mark.parametrize("form", ["fer2013", "icml", "npz"])
def test_the_published_formats_tell_the_same_rows(
    form: str, fer_files: dict[str, Path], fer_rows: dict[str, np.ndarray[Any, Any]]
) -> None:
    dataset = open_dataset(fer_files[form])
    assert np.array_equal(dataset.images(0, len(dataset)), fer_rows["images"])
    assert dataset.labels.tolist() == fer_rows["labels"].tolist()
    assert dataset.splits == ("Training", "PublicTest") and dataset.classes == FER_CLASSES
    for split, code in (("Training", 0), ("PublicTest", 1)):
        chosen = fer_rows["usage"] == code
        part = open_dataset(fer_files[form], split=split)
        assert np.array_equal(part.images(0, len(part)), fer_rows["images"][chosen])
        assert part.labels.tolist() == fer_rows["labels"][chosen].tolist()


def test_the_same_rows_have_the_same_digest_in_every_format(fer_files: dict[str, Path]) -> None:
    assert len({open_dataset(fer_files[form]).digest for form in ("fer2013", "icml", "npz")}) == 1
    assert len({open_dataset(fer_files[form]).key for form in ("fer2013", "icml", "npz")}) == 1


def test_the_course_format_holds_the_training_rows(
    fer_files: dict[str, Path], fer_rows: dict[str, np.ndarray[Any, Any]]
) -> None:
    dataset, training = open_dataset(fer_files["ntu"]), fer_rows["usage"] == 0
    assert np.array_equal(dataset.images(0, len(dataset)), fer_rows["images"][training])
    assert dataset.labels.tolist() == fer_rows["labels"][training].tolist()
    assert dataset.splits == () and dataset.name_of(3) == "3"
    assert dataset.digest != open_dataset(fer_files["npz"]).digest


def test_a_course_test_file_has_ids_for_names_and_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("id,feature\n0,1 2 3 4\nx7,5 6 7 8\n")
    dataset = open_dataset(path)
    assert dataset.labels.tolist() == [-1, -1]
    assert [dataset[row].id for row in range(2)] == ["0", "x7"]
    assert dataset[1].label == -1 and dataset[1].image.tolist() == [[5, 6], [7, 8]]


def test_the_real_archive_has_its_rows_and_classes(shared: Path) -> None:
    dataset = open_dataset(shared / "data" / "fer2013_trainval.npz")
    training, public = dataset.narrowed("Training", None), dataset.narrowed("PublicTest", None)
    assert (len(dataset), len(training), len(public)) == (32298, 28709, 3589)
    assert dataset.classes == FER_CLASSES and dataset.uniform_shape == (48, 48)
    assert training.counts.tolist() == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert public.counts.tolist() == [467, 56, 496, 895, 653, 415, 607]
    stored = np.load(shared / "data" / "fer2013_trainval.npz")
    assert np.array_equal(dataset.images(0, 32298), stored["images"])


def test_real_rows_in_the_published_formats_are_those_of_the_archive(shared: Path, tmp_path: Path) -> None:
    stored = np.load(shared / "data" / "fer2013_trainval.npz")
    chosen = np.r_[0:150, 28650:28800]
    np.savez(tmp_path / "some.npz", **{key: stored[key][chosen] for key in ("images", "labels", "usage")})
    rows = zip(*(stored[key][chosen] for key in ("labels", "images", "usage")), strict=True)
    lines = [f"{y},{' '.join(map(str, x.ravel()))},{('Training', 'PublicTest')[use]}" for y, x, use in rows]
    (tmp_path / "some.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))
    archive, table = open_dataset(tmp_path / "some.npz"), open_dataset(tmp_path / "some.csv")
    assert np.array_equal(archive.images(0, 300), table.images(0, 300))
    assert archive.labels.tolist() == table.labels.tolist() and archive.splits == table.splits


def test_the_real_course_file_opens(shared: Path) -> None:
    path = shared / "data" / "ntu_format_7rows.csv"
    dataset = open_dataset(path)
    assert len(dataset) == 7 and dataset.uniform_shape == (48, 48)
    words = [line.split(",") for line in path.read_text().splitlines()[1:]]
    assert pixels(dataset) == numbers([pixel for _, pixel in words])
    assert dataset.labels.tolist() == [int(label) for label, _ in words]
