"""Folders of many pictures are listed once; what has changed in them since is noticed, at once or when it is met."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_tui.contract import InputError
from fer_tui.dataset import listing, open_dataset

Open = Callable[[], tuple[list[tuple[str, int]], bool]]
OLD = time.time_ns() - 3600 * 10**9


def draw(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), shade).save(path)
    os.utime(path, ns=(OLD, OLD))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has more pictures than are all looked at, unchanged for an hour."""
    monkeypatch.setattr(listing, "_FEW", 3)
    for n in range(40):
        draw(tmp_path / "data" / ("angry", "happy")[n % 2] / f"{n:02d}.png", n)
    settle(tmp_path / "data")
    return tmp_path / "data"


def settle(folder: Path) -> None:
    for each in (folder, *folder.rglob("*")):
        if each.is_dir():
            os.utime(each, ns=(OLD, OLD))


@pytest.fixture
def opened(folder: Path) -> Open:
    """Open the folder: path and shade of each row, and whether it was listed for that."""

    def open_folder() -> tuple[list[tuple[str, int]], bool]:
        heard: list[str] = []
        dataset = open_dataset(folder, progress=lambda text, share: heard.append(text))
        assert dataset.classes == ("angry", "happy")
        rows = [(sample.id, int(sample.image[0, 0])) for sample in dataset]
        return rows, any("looking for pictures" in text for text in heard)

    return open_folder


def test_what_has_not_changed_is_not_listed_again(opened: Open) -> None:
    first, listed = opened()
    assert listed and len(first) == 40 and first[1] == ("angry/02.png", 2)
    assert opened() == (first, False) and opened() == (first, False)


def test_what_comes_goes_or_is_renamed_is_noticed(folder: Path, opened: Open) -> None:
    rows, _ = opened()
    changes: list[tuple[Callable[[], object], str | None, str | None]] = [
        (lambda: draw(folder / "angry" / "99.png", 99), None, "angry/99.png"),
        (lambda: (folder / "happy" / "01.png").unlink(), "happy/01.png", None),
        (lambda: (folder / "happy" / "03.png").rename(folder / "happy" / "97.png"), "happy/03.png", "happy/97.png"),
        (lambda: draw(folder / "angry" / "deeper" / "x.png", 7), None, "angry/deeper/x.png"),
    ]
    for change, gone, new in changes:
        change()
        names = ({name for name, _ in rows} - {gone}) | ({new} if new else set())
        rows, listed = opened()
        assert listed and {name for name, _ in rows} == names
        settle(folder)
        assert opened()[1] and not opened()[1]  # listed once more, and then no more


def test_a_folder_that_changed_a_moment_ago_is_not_trusted(folder: Path, opened: Open) -> None:
    os.utime(folder / "happy")
    assert opened()[1] and opened()[1]


def test_a_picture_that_is_written_over_is_told_when_it_is_met(
    folder: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_SAMPLE", 2)  # the first and the last one
    opened()
    dataset = open_dataset(folder)
    assert dataset[11].id == "angry/22.png"
    before = dataset.image_digest(11)
    (folder / "angry" / "22.png").write_bytes((folder / "angry" / "00.png").read_bytes() + b" ")
    dataset = open_dataset(folder)
    with pytest.raises(InputError, match=r"22\.png: has changed since the pictures were listed \(open the data again"):
        dataset[11]
    rows, listed = opened()
    assert listed and rows[11] == ("angry/22.png", 0) and open_dataset(folder).image_digest(11) != before
    (folder / "happy" / "39.png").write_bytes((folder / "angry" / "00.png").read_bytes() + b"  ")
    assert opened()[0][39] == ("happy/39.png", 0)  # in the sample


def test_few_pictures_are_all_looked_at(folder: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_FEW", 100)
    opened()
    (folder / "angry" / "22.png").write_bytes((folder / "angry" / "00.png").read_bytes() + b" ")
    rows, listed = opened()
    assert listed and rows[11] == ("angry/22.png", 0)


def test_an_index_that_is_spoiled_is_made_anew(folder: Path, opened: Open) -> None:
    rows, _ = opened()
    parsed = open_dataset(folder).folder
    (parsed / "places.bin").write_bytes(b"")
    assert opened() == (rows, True)
    assert np.array_equal(open_dataset(folder).labels, [0] * 20 + [1] * 20)


def test_the_pictures_that_a_table_names_are_looked_for_once(folder: Path) -> None:
    table = folder / "list.csv"
    names = [f"{('angry', 'happy')[n % 2]}/{n:02d}.png" for n in range(40)]

    def write(rows: list[str]) -> None:
        table.write_text("\n".join(["path,label", *(f"{name},{name[:5]}" for name in rows)]))

    def opened() -> tuple[int, bool]:
        heard: list[str] = []
        dataset = open_dataset(table, progress=lambda text, share: heard.append(text))
        assert [int(sample.image[0, 0]) for sample in dataset] == list(range(len(dataset)))
        return len(dataset), bool(heard)

    write(names)
    assert opened() == (40, True) and opened() == (40, True)  # it was written a moment ago
    os.utime(table, ns=(OLD, OLD))
    assert opened() == (40, True) and opened() == (40, False)
    write(names[:30])
    assert opened() == (30, True)
