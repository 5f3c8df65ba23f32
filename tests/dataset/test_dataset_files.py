"""Picture files of all kinds, folders of them and CSV files that name them, against what Pillow and NumPy compute."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_tui.dataset import MappedDataset, open_dataset

GRAY = np.random.default_rng(3).integers(0, 256, (6, 8), np.uint8)
RGB = np.random.default_rng(4).integers(0, 256, (6, 8, 3), np.uint8)
SHADES = {"angry": 10, "happy": 30, "sad": 50}


def save(path: Path, shade: int = 0, size: tuple[int, int] = (8, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, shade).save(path)
    return path


def alone(path: Path) -> np.ndarray:
    """The one picture at `path`; it has the shape that was foretold from its header."""
    dataset = open_dataset(path)
    assert len(dataset) == 1 and dataset.format == "picture" and dataset.labels.tolist() == [-1]
    image = dataset[0].image
    assert image.dtype == np.uint8 and dataset.uniform_shape in (image.shape, None)
    assert dataset.uniform_shape is not None or path.suffix == ".tif"
    assert dataset[0].id == path.name and not image.flags.writeable
    return image


def rows(dataset: MappedDataset) -> list[tuple[str, str, int]]:
    """Path, class and first value of each row."""
    return [
        (sample.id, dataset.classes[sample.label] if sample.label >= 0 else "", int(sample.image.flat[0]))
        for sample in (dataset[row] for row in range(len(dataset)))
    ]


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "pgm", "PNG"])
def test_gray_pictures_keep_their_values(suffix: str, tmp_path: Path) -> None:
    Image.fromarray(GRAY).save(tmp_path / f"gray.{suffix}")
    assert np.array_equal(alone(tmp_path / f"gray.{suffix}"), GRAY)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm"])
def test_rgb_pictures_keep_their_values(suffix: str, tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / f"rgb.{suffix}")
    assert np.array_equal(alone(tmp_path / f"rgb.{suffix}"), RGB)


def test_a_palette_of_grays_is_rgb(tmp_path: Path) -> None:
    Image.fromarray(GRAY).save(tmp_path / "gray.gif")
    assert np.array_equal(alone(tmp_path / "gray.gif"), np.dstack([GRAY] * 3))


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.webp"])
@pytest.mark.parametrize("values", [GRAY, RGB])
def test_lossy_pictures_are_what_pillow_makes_of_them(name: str, values: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(values).save(tmp_path / name)
    with Image.open(tmp_path / name) as picture:
        expected = np.asarray(picture)
    assert np.array_equal(alone(tmp_path / name), expected)


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    alpha = np.array([[0, 255, 128, 64, 1, 254, 0, 255]] * 6, np.uint8)
    Image.fromarray(np.dstack([RGB, alpha])).save(tmp_path / "rgba.png")
    share = alpha[..., None] / 255
    assert np.abs(alone(tmp_path / "rgba.png") - (RGB * share + 255 * (1 - share))).max() <= 1
    Image.merge("LA", [Image.fromarray(GRAY), Image.fromarray(alpha)]).save(tmp_path / "la.png")
    share = alpha / 255
    assert np.abs(alone(tmp_path / "la.png") - (GRAY * share + 255 * (1 - share))).max() <= 1


def test_palettes_are_looked_up_and_their_clear_colour_is_white(tmp_path: Path) -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata([0, 1, 2])
    picture.save(tmp_path / "opaque.png")
    picture.save(tmp_path / "clear.png", transparency=1)
    assert alone(tmp_path / "opaque.png").tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert alone(tmp_path / "clear.png").tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]


def test_a_clear_gray_or_colour_is_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[7, 8]], np.uint8)).save(tmp_path / "gray.png", transparency=7)
    assert alone(tmp_path / "gray.png").tolist() == [[255, 8]]
    Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)).save(tmp_path / "rgb.png", transparency=(1, 2, 3))
    assert alone(tmp_path / "rgb.png").tolist() == [[[255, 255, 255], [4, 5, 6]]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_become_eight(suffix: str, tmp_path: Path) -> None:
    values = np.array([[0, 257, 128, 129, 32768, 65535, 65000, 40000]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    assert alone(tmp_path / f"deep.{suffix}").tolist() == [[round(value / 257) for value in values[0].tolist()]]


def test_sixteen_bits_in_the_other_byte_order(tmp_path: Path) -> None:
    values = [0, 257, 32768, 65535]
    header = struct.pack(">2sHI", b"MM", 42, 8)
    tags = [(256, 4), (257, 1), (258, 16), (259, 1), (262, 1), (273, 8 + 2 + 12 * 8 + 4), (277, 1), (278, 1)]
    folder = struct.pack(">H", len(tags)) + b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    (tmp_path / "big.tif").write_bytes(header + folder + bytes(4) + struct.pack(">4H", *values))
    assert alone(tmp_path / "big.tif").tolist() == [[round(value / 257) for value in values]]


def test_one_bit_is_black_or_white(tmp_path: Path) -> None:
    bits = GRAY > 127
    for suffix in ("png", "pbm", "tif"):
        Image.fromarray(bits).save(tmp_path / f"bits.{suffix}")
        assert np.array_equal(alone(tmp_path / f"bits.{suffix}"), bits * np.uint8(255))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "ink.jpg", quality=95)
    with Image.open(tmp_path / "ink.jpg") as picture:
        assert picture.mode == "CMYK"
        expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(alone(tmp_path / "ink.jpg"), expected)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: a.T),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).T),
        (8, np.rot90),
    ],
)
def test_pictures_stand_upright(
    orientation: int, turn: Callable[[np.ndarray], np.ndarray], suffix: str, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(GRAY).save(tmp_path / f"turned.{suffix}", exif=exif)
    assert np.array_equal(alone(tmp_path / f"turned.{suffix}"), turn(GRAY))


def test_the_first_frame_of_a_film_is_the_picture(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), shade) for shade in (40, 90)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    assert int(alone(tmp_path / "film.gif").flat[0]) == 40


def test_a_picture_of_fractions_or_of_many_bits_is_refused(tmp_path: Path, refused: Callable[..., Exception]) -> None:
    Image.fromarray(np.array([[0.5, 1e6]], np.float32)).save(tmp_path / "f.tif")
    Image.fromarray(np.array([[-5, 70000]], np.int32)).save(tmp_path / "i.tif")
    for name in ("f.tif", "i.tif"):
        assert name in str(refused(tmp_path / name))


def test_folders_are_classes(tmp_path: Path) -> None:
    for name, shade in SHADES.items():
        save(tmp_path / name / "b.png", shade)
        save(tmp_path / name / "a.png", shade + 1)
        save(tmp_path / name / "deep" / "c.png", shade + 2)
    save(tmp_path / ".hidden" / "x.png")
    (tmp_path / "notes.txt").write_text("nothing")
    dataset = open_dataset(tmp_path)
    assert dataset.format == "class folders" and dataset.classes == tuple(SHADES) and dataset.splits == ()
    assert rows(dataset) == [
        (f"{name}/{file}", name, shade + more)
        for name, shade in SHADES.items()
        for file, more in (("a.png", 1), ("b.png", 0), ("deep/c.png", 2))
    ]
    assert dataset.uniform_shape == (6, 8) and not dataset.notes


def test_pictures_beside_class_folders_have_no_label(tmp_path: Path) -> None:
    save(tmp_path / "loose.png", 5)
    save(tmp_path / "sad" / "a.png", 50)
    dataset = open_dataset(tmp_path)
    assert rows(dataset) == [("loose.png", "", 5), ("sad/a.png", "sad", 50)]
    assert "1 picture" in " ".join(dataset.notes)


def test_folders_named_as_splits_are_splits(tmp_path: Path) -> None:
    for split, more in (("train", 0), ("test", 100)):
        for name, shade in SHADES.items():
            save(tmp_path / split / name / "a.png", shade + more)
    dataset = open_dataset(tmp_path)
    assert dataset.splits == ("test", "train") and dataset.classes == tuple(SHADES)
    for split, more in (("Training", 0), ("test", 100)):
        part = open_dataset(tmp_path, split=split)
        assert [value for _, _, value in rows(part)] == [shade + more for shade in SHADES.values()]
        assert [word for _, word, _ in rows(part)] == list(SHADES)


def test_an_empty_split_folder_makes_no_class_of_the_other(tmp_path: Path) -> None:
    save(tmp_path / "train" / "sad" / "a.png", 50)
    (tmp_path / "test").mkdir()
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("sad",) and dataset.splits == ("train",)


def test_a_folder_of_loose_pictures_has_no_labels(tmp_path: Path) -> None:
    save(tmp_path / "b.png", 2)
    save(tmp_path / "a.JPG", 1)
    dataset = open_dataset(tmp_path)
    assert [sample[:2] for sample in rows(dataset)] == [("a.JPG", ""), ("b.png", "")]
    assert dataset.format == "folder of pictures" and "no labels" in " ".join(dataset.notes)


def test_pictures_of_different_sizes_keep_them(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 1, (8, 6))
    save(tmp_path / "b.png", 2, (5, 9))
    dataset = open_dataset(tmp_path)
    assert dataset.uniform_shape is None
    assert [each.shape for each in dataset.images(0, 2)] == [(6, 8), (9, 5)]


def test_a_folder_is_found_again_by_what_is_in_it(tmp_path: Path) -> None:
    save(tmp_path / "sad" / "a.png", 50)
    first = open_dataset(tmp_path)
    assert open_dataset(tmp_path).folder == first.folder and open_dataset(tmp_path).key == first.key
    save(tmp_path / "sad" / "b.png", 60)
    second = open_dataset(tmp_path)
    assert second.key != first.key and len(second) == 2
    save(tmp_path / "sad" / "b.png", 61, (30, 30))
    third = open_dataset(tmp_path)
    assert third.key != second.key and int(third[1].image[0, 0]) == 61


def test_a_csv_names_pictures_and_their_classes(tmp_path: Path) -> None:
    for name, shade in SHADES.items():
        save(tmp_path / "faces" / f"{name}, 1.png", shade)
    lines = [
        f'"faces/{name}, 1.png", "{name}",{split}' for name, split in zip(SHADES, ("train", "val", ""), strict=True)
    ]
    table = tmp_path / "list.csv"
    table.write_text("\ufeffpath,label,split\r\n" + "\r\n".join(lines) + "\r\n\r\n  \r\n", newline="")
    dataset = open_dataset(table)
    assert dataset.format == "CSV of pictures" and dataset.splits == ("train", "val", "none")
    assert rows(dataset) == [(f"faces/{name}, 1.png", name, shade) for name, shade in SHADES.items()]
    assert rows(open_dataset(table, split="valid")) == [("faces/happy, 1.png", "happy", 30)]


def test_a_csv_names_classes_by_number_and_may_leave_them_out(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 1)
    (tmp_path / "list.csv").write_text("filename,emotion\na.png,2\na.png,\na.png, 0 \n")
    dataset = open_dataset(tmp_path / "list.csv")
    assert dataset.labels.tolist() == [2, -1, 0] and dataset.classes == ("0", "1", "2")
    (tmp_path / "bare.csv").write_text("image\na.png\n")
    dataset = open_dataset(tmp_path / "bare.csv")
    assert dataset.labels.tolist() == [-1] and dataset.classes == () and "no labels" in dataset.notes[0]


def test_paths_start_at_the_csv_and_may_be_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = save(tmp_path / "data" / "in.png", 1), save(tmp_path / "out.png", 2)
    (tmp_path / "data" / "list.csv").write_text(f"path,label\n../out.png,x\n{outside},x\n{inside.name},y\n")
    monkeypatch.chdir(tmp_path / "data")
    dataset = open_dataset("list.csv")
    monkeypatch.chdir("/")
    assert [value for _, _, value in rows(dataset)] == [2, 2, 1]


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"f\xff")  # noqa: PTH118
    os.mkdir(folder)  # noqa: PTH102
    Image.new("L", (2, 2), 9).save(tmp_path / "x.png")
    os.rename(tmp_path / "x.png", os.path.join(folder, b"\xfe.png"))  # noqa: PTH104, PTH118
    (tmp_path / "list.csv").write_bytes(b"path,label\nf\xff/\xfe.png,\xfd\n")
    for source in (tmp_path, tmp_path / "list.csv"):
        dataset = open_dataset(source)
        assert os.fsencode(dataset[0].id) == b"f\xff/\xfe.png" and int(dataset[0].image[0, 0]) == 9


def test_a_picture_that_is_bad_or_gone_is_told_when_it_is_asked_for(
    tmp_path: Path, asked: Callable[[MappedDataset, int], str]
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "sad" / name, 5)
    (tmp_path / "sad" / "b.png").write_bytes((tmp_path / "sad" / "b.png").read_bytes()[:50])
    dataset = open_dataset(tmp_path)
    (tmp_path / "sad" / "c.png").unlink()
    assert int(dataset[0].image[0, 0]) == 5
    assert "b.png" in asked(dataset, 1) and "c.png: there is no such picture" in asked(dataset, 2)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_cut_and_spoiled_pictures_are_read_or_refused_and_nothing_else(
    suffix: str, tmp_path: Path, read_or_refused: Callable[[Path], bool]
) -> None:
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"bad.{suffix}"
    Image.fromarray(np.kron(RGB, np.ones((4, 4, 1), np.uint8))).save(whole)
    data, draw = whole.read_bytes(), np.random.default_rng(5)
    outcomes = []
    for size in np.linspace(1, len(data) - 1, 40).astype(int).tolist():
        path.write_bytes(data[:size])
        outcomes.append(read_or_refused(path))
    for _ in range(60):
        spoiled = bytearray(data)
        for place in draw.integers(0, min(len(data), 400), 3).tolist():
            spoiled[place] = int(draw.integers(0, 256))
        path.write_bytes(bytes(spoiled))
        outcomes.append(read_or_refused(path))
    assert not all(outcomes)


def test_the_size_of_a_picture_is_checked_before_it_is_decoded(
    tmp_path: Path, refused: Callable[..., Exception]
) -> None:
    for side in (9000, 12000, 20000):
        chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 0) + b"IDAT" + bytes(4))
        assert "64 million" in str(refused(tmp_path / "huge.png"))
