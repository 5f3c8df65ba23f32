"""WebDataset tars: what is opened is what was written, what is spoiled is told by its key, and nothing is unpacked."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from written_shards import GRAY, RGB, encoded, write_tar

from fer_tui.contract import InputError
from fer_tui.dataset import image_digest, map_dataset, open_dataset

Fault = Callable[..., InputError]
NAMES = ("angry", "fear", "sad")


def samples(count: int = 10, first: int = 0) -> list[tuple[str, dict[str, bytes | str]]]:
    return [(f"{n:04d}", {"png": encoded(GRAY[n % 10]), "cls": str(n % 3)}) for n in range(first, first + count)]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_is_opened_is_what_was_written(form: int, tmp_path: Path) -> None:
    kinds = ["png", "npy", "webp", "bmp"]
    key = "a folder/" + "ü" * 40 + "/" + "long" * (20 if form == tarfile.USTAR_FORMAT else 60)
    written = [
        (f"{key}{n}", {kind: encoded(RGB[n], kind), "json": f'{{"label": "{NAMES[n % 3]}", "more": [1]}}'})
        for n, kind in enumerate(kinds * 2)
    ]
    dataset = open_dataset(write_tar(tmp_path / "a.tar", written, form))
    assert dataset.format == "WebDataset" and dataset.classes == NAMES and dataset.uniform_shape == (6, 8, 3)
    assert np.array_equal(dataset.images(0, 8), RGB[:8]) and dataset.labels.tolist() == [n % 3 for n in range(8)]
    assert [sample.id for sample in dataset] == [key for key, _ in written]
    assert dataset.image_digests(range(8)) == [image_digest(image) for image in RGB[:8]]


@pytest.mark.parametrize("pattern", ["s-{0..10}.tar", "s-*.tar", "{s}-{0..10}.tar", ""])
def test_many_shards_are_one_dataset(pattern: str, tmp_path: Path) -> None:
    for number in range(11):
        write_tar(tmp_path / f"s-{number}.tar", samples(2, 2 * number))
    if "{s}" in pattern:
        pattern = pattern.replace("{s}", "{s,s}")
    dataset = open_dataset(str(tmp_path / pattern) if pattern else tmp_path)
    times = 2 if "{s,s}" in pattern else 1
    assert len(dataset) == 22 * times and dataset.splits == ()
    assert [sample.id for sample in dataset] == [f"{n:04d}" for n in range(22)] * times
    assert np.array_equal(dataset[21].image, GRAY[1]) and dataset.labels.tolist()[:22] == [n % 3 for n in range(22)]


def test_splits_are_in_the_names_of_shards_or_their_folders(tmp_path: Path) -> None:
    write_tar(tmp_path / "one" / "fer-train-000.tar", samples(3))
    write_tar(tmp_path / "one" / "fer-train-001.tar", samples(2, 3))
    write_tar(tmp_path / "one" / "fer-val-000.tar", samples(4, 5))
    write_tar(tmp_path / "two" / "train" / "0.tar", samples(5))
    write_tar(tmp_path / "two" / "test" / "0.tar", samples(4, 5))
    one, two = open_dataset(tmp_path / "one"), open_dataset(tmp_path / "two", split="train")
    assert one.splits == ("train", "val") and len(one) == 9 and two.splits == ("test", "train") and len(two) == 5
    assert one.narrowed("validation", None).labels.tolist() == [n % 3 for n in range(5, 9)]


def test_a_shard_that_changes_is_looked_through_again(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", samples())
    heard: list[str] = []
    before = open_dataset(path)
    assert len(open_dataset(path, progress=lambda text, share: heard.append(text))) == 10 and not heard
    write_tar(path, samples(4))
    assert len(open_dataset(path)) == 4
    with pytest.raises(InputError, match=r"a\.tar: has (changed since|become shorter)"):
        before[2]
    folder = open_dataset(path).folder
    path.unlink()
    with pytest.raises(InputError, match=r"a\.tar: is gone"):
        map_dataset(folder)[0]


def test_labels_may_be_missing_and_captions_are_none(tmp_path: Path) -> None:
    some = [("a", {"png": encoded(GRAY[0]), "cls": "1"}), ("b", {"png": encoded(GRAY[1])}), ("c", {"cls": "1"})]
    some += [("d", {"jpg": encoded(GRAY[2], "jpeg"), "seg.png": encoded(GRAY[3]), "cls": "-1"}), ("README", {"md": ""})]
    dataset = open_dataset(write_tar(tmp_path / "a.tar", some))
    assert dataset.labels.tolist() == [1, -1, -1] and dataset[2].id == "d"
    assert dataset.notes == ("2 samples have no picture: they are left out", "2 pictures have no label")
    assert abs(int(dataset[2].image.mean()) - int(GRAY[2].mean())) < 5
    picture = encoded(GRAY[0])
    captions = [(str(n), {"png": picture, "txt": f"a face, the {n}th"}) for n in range(10_001)]
    dataset = open_dataset(write_tar(tmp_path / "b.tar", captions))
    assert dataset.classes == () and "taken for captions" in dataset.notes[0] and (dataset.labels == -1).all()
    words = [(str(n), {"png": picture, "txt": NAMES[n % 3] + "\n"}) for n in range(6)]
    assert open_dataset(write_tar(tmp_path / "c.tar", words)).classes == NAMES


def test_the_index_of_a_large_shard_takes_little_memory(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (4, 500, 1000), np.uint8)
    data = [encoded(image, "npy") for image in images]
    path = write_tar(tmp_path / "a.tar", [(str(n), {"npy": data[n % 4], "cls": "0"}) for n in range(100)])  # 50 MB
    del data
    tracemalloc.start()
    dataset = open_dataset(path)
    for start in range(0, 100, 10):
        assert np.array_equal(dataset.images(start, start + 1)[0], images[start % 4])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 50e6 and peak < 10e6


def test_names_that_lead_elsewhere_and_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(encoded(GRAY[5]))
    path = tmp_path / "in" / "a.tar"
    write_tar(path, [("../../../up", {"png": encoded(GRAY[0])}), ("/root", {"png": encoded(GRAY[1])})])
    with tarfile.open(path, "a") as file:
        for name, kind in (("link.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "../secret.png"
            file.addfile(info)
    dataset = open_dataset(path)
    assert len(dataset) == 2 and np.array_equal(dataset.images(0, 2), GRAY[:2])
    assert [each.name for each in path.parent.iterdir()] == ["a.tar"]


# ---- what is spoiled -------------------------------------------------------------------------------------------------


def test_a_shard_that_is_cut_off_is_told(tmp_path: Path, refused: Fault) -> None:
    path = write_tar(tmp_path / "a-000.tar", samples())
    data = path.read_bytes()
    path.write_bytes(data[: 3 * 1024 + 512])
    assert "a-000.tar: is cut off in 0001.cls (get the file again)" in str(refused(path))
    path.write_bytes(data[: 2048 + 100])
    assert "a-000.tar: is cut off" in str(refused(path))
    path.write_bytes(data[:4096])  # between two members
    dataset = open_dataset(path)
    assert len(dataset) == 2 and dataset.notes == ("a-000.tar without an end mark: cut off, perhaps",)
    path.write_bytes(data[:600] + b"x" + data[601:])
    with pytest.raises(InputError, match=r"a-000\.tar key 0000: is no picture|cut off"):
        open_dataset(path)[0]
    path.write_bytes(data[:1030] + b"x" + data[1031:])
    assert "a-000.tar: is spoiled at byte 1024" in str(refused(path))


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("a.tar", b"no tar" * 200, "is no tar file"),
        ("a.tar", b"short", "is no tar file"),
        ("a.tar", b"", "is empty"),
        ("a.tar", bytes(10240), "there are no pictures in it"),
        ("a.tar", gzip.compress(bytes(10240), mtime=0), "is compressed: .*unpack"),
        ("a.tar.gz", gzip.compress(bytes(10240), mtime=0), "is compressed: .*unpack"),
        ("a.tgz", b"x", "is compressed"),
    ],
)
def test_what_is_no_shard_is_refused(name: str, data: bytes, fault: str, tmp_path: Path, refused: Fault) -> None:
    (tmp_path / name).write_bytes(data)
    error = refused(tmp_path / name)
    assert name in error.where and re.search(fault, str(error)) and error.mend


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"json": "{"}, r"a\.tar key k\.json: is no JSON.*label"),
        ({"json": '{"label": [1]}'}, r"a\.tar key k\.json: its label is \[1\]"),
        ({"cls": "x" * (2 << 20)}, r"a\.tar key k\.cls: is 2097152 bytes long"),
    ],
)
def test_labels_that_are_none_are_refused(
    parts: dict[str, bytes | str], fault: str, tmp_path: Path, refused: Fault
) -> None:
    path = write_tar(tmp_path / "a.tar", [("k", {"png": encoded(GRAY[0]), **parts})])
    assert re.search(fault, str(refused(path)))


def test_objects_in_an_array_are_not_unpickled(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], object))
    path = write_tar(tmp_path / "a.tar", [("k", {"npy": file.getvalue()}), ("l", {"png": encoded(GRAY[0])})])
    with pytest.raises(InputError, match="key k: is no array of numbers"):
        open_dataset(path)[0]


def test_patterns_that_name_what_is_not_there_are_refused(tmp_path: Path, refused: Fault) -> None:
    write_tar(tmp_path / "s-08.tar", samples(2))
    write_tar(tmp_path / "s-10.tar", samples(2))
    assert "s-09.tar: there is no such file, and" in str(refused(str(tmp_path / "s-{08..10}.tar")))
    assert "no file is called so" in str(refused(str(tmp_path / "t-*.tar")))
    assert "names more than" in str(refused(str(tmp_path / "{0..99999999}.tar")))
    (tmp_path / "s-11.parquet").write_bytes(b"PAR1")
    assert "has both .parquet and .tar files" in str(refused(tmp_path))
