"""What is parsed once is kept whole, found again, renewed when the source changes, and never stands in the way."""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fer_tui.contract import InputError
from fer_tui.dataset import MappedDataset, map_dataset, open_dataset
from fer_tui.folders import cache_folder

IMAGES = np.random.default_rng(13).integers(0, 256, (40, 12, 12), np.uint8)
Parsed = Callable[[], list[str]]
OPEN = """
import sys
from fer_tui.contract import InputError
from fer_tui.dataset import open_dataset
for _ in range(int(sys.argv[2])):
    dataset = open_dataset(sys.argv[1])
    print(len(dataset), dataset.digest, flush=True)
"""
HANG = """
import sys, time
from fer_tui.dataset import open_dataset
class Endless:
    def __len__(self):
        return 9
    def __getitem__(self, row):
        print("reading", flush=True)
        time.sleep(60)
open_dataset(Endless())
"""


def write(path: Path, images: np.ndarray = IMAGES) -> Path:
    if path.suffix == ".npz":
        np.savez_compressed(path, images=images, labels=np.arange(len(images)) % 7)
    else:
        rows = (f"{row % 7},{' '.join(map(str, image.ravel()))}" for row, image in enumerate(images))
        path.write_text("\n".join(["label,feature", *rows]))
    return path


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Heard:
    """What was told of the progress."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.shares: list[float] = []

    def __call__(self, text: str, share: float | None) -> None:
        self.texts.append(text)
        if share is not None:
            self.shares.append(share)


@pytest.fixture(params=["a.csv", "a.npz"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(tmp_path / request.param)


@pytest.fixture
def no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for temporary files, which is empty again at the end of the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    gc.collect()
    assert list(folder.iterdir()) == []


def test_the_second_opening_parses_nothing(source: Path, parsed: Parsed) -> None:
    first, second = Heard(), Heard()
    dataset = open_dataset(source, progress=first)
    assert first.shares and first.shares == sorted(first.shares) and first.shares[-1] == 1
    meta = dataset.folder / "meta.json"
    written = meta.stat().st_mtime_ns, meta.stat().st_ino
    again = open_dataset(source, progress=second)
    assert not second.texts and (meta.stat().st_mtime_ns, meta.stat().st_ino) == written
    assert again.folder == dataset.folder and again.key == dataset.key
    assert parsed() == [dataset.folder.name]


def test_a_changed_file_is_parsed_again_and_the_older_one_forgotten(source: Path, parsed: Parsed) -> None:
    first = open_dataset(source)
    write(source, 255 - IMAGES[:30])
    second = open_dataset(source)
    assert len(second) == 30 and np.array_equal(second.images(0, 30), 255 - IMAGES[:30])
    assert parsed() == [second.folder.name]
    assert np.array_equal(first.images(0, 40), IMAGES) and first[39].label == 39 % 7


def test_a_file_that_only_grew_younger_is_parsed_again(source: Path, parsed: Parsed) -> None:
    first = open_dataset(source)
    os.utime(source, ns=(0, source.stat().st_mtime_ns + 1_000_000))
    second = open_dataset(source)
    assert second.folder != first.folder and second.key == first.key and len(parsed()) == 1


def test_files_of_the_same_contents_are_kept_apart(tmp_path: Path, parsed: Parsed) -> None:
    one, other = write(tmp_path / "a.npz"), tmp_path / "b.npz"
    shutil.copy2(one, other)
    assert open_dataset(one).folder != open_dataset(other).folder
    assert open_dataset(one).key == open_dataset(other).key and len(parsed()) == 2


def test_a_path_is_the_same_from_everywhere(tmp_path: Path, parsed: Parsed, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = open_dataset(write(tmp_path / "a.npz")).folder
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.npz").symlink_to("a.npz")
    assert open_dataset("a.npz").folder == open_dataset("./link.npz").folder == folder and len(parsed()) == 1


def test_a_cache_of_ones_own(source: Path, tmp_path: Path, parsed: Parsed) -> None:
    dataset = open_dataset(source, cache=tmp_path / "own" / "deep")
    assert dataset.folder.is_relative_to(tmp_path / "own" / "deep") and parsed() == []


def test_processes_that_parse_at_once_all_have_it(tmp_path: Path, parsed: Parsed) -> None:
    source = write(tmp_path / "a.csv", np.tile(IMAGES, (20, 1, 1)))
    children = [child(OPEN, source, 1) for _ in range(3)]
    outputs = {process.communicate(timeout=60)[0] for process in children}
    assert [process.returncode for process in children] == [0, 0, 0]
    dataset = open_dataset(source)
    assert outputs == {f"800 {dataset.digest}\n"} and parsed() == [dataset.folder.name]


def test_a_file_that_changes_while_others_open_it_is_always_whole(tmp_path: Path, parsed: Parsed) -> None:
    source = write(tmp_path / "a.npz")
    reader = child(OPEN, source, 60)
    digests = set()
    for count in range(10, 40):
        other = write(tmp_path / "other.npz", IMAGES[:count])
        os.replace(other, source)  # noqa: PTH105
        digests.add(f"{count} {open_dataset(source).digest}")
    out, err = reader.communicate(timeout=60)
    assert reader.returncode == 0, err
    digests.add(f"40 {open_dataset(write(tmp_path / 'first.npz')).digest}")
    assert set(out.splitlines()) <= digests
    assert not [name for name in parsed() if name.startswith("parsing-")]


def test_what_a_killed_process_left_is_swept(source: Path, parsed: Parsed) -> None:
    process = child(HANG)
    try:
        assert process.stderr is not None and process.stderr.readline() == "reading\n"
        assert [name.partition("-")[0] for name in parsed()] == ["parsing"]
        dataset = open_dataset(source)
        assert len(parsed()) == 2
    finally:
        process.kill()
        process.communicate()
    write(source, IMAGES[:5])
    open_dataset(source)
    assert [name.partition("-")[0] for name in parsed()] == [dataset.folder.name.partition("-")[0]]


def test_an_interrupted_parser_leaves_nothing(source: Path, parsed: Parsed) -> None:
    def interrupt(text: str, share: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_dataset(source, progress=interrupt)
    assert parsed() == []


def cut(folder: Path) -> None:
    os.truncate(folder / "images.bin", 1000)


def without_labels(folder: Path) -> None:
    (folder / "labels.bin").unlink()


def without_meta(folder: Path) -> None:
    (folder / "meta.json").unlink()


def no_json(folder: Path) -> None:
    (folder / "meta.json").write_text("[1, 2")


def other_json(folder: Path) -> None:
    (folder / "meta.json").write_text("[1, 2]")


def older(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"version": 0}))


@pytest.mark.parametrize("spoil", [cut, without_labels, without_meta, no_json, other_json, older])
def test_spoiled_files_are_parsed_again(spoil: Callable[[Path], None], source: Path, parsed: Parsed) -> None:
    folder = open_dataset(source).folder
    spoil(folder)
    with pytest.raises(InputError, match="is no parsed dataset"):
        map_dataset(folder)
    heard = Heard()
    dataset = open_dataset(source, progress=heard)
    assert heard.texts and dataset.folder == folder and np.array_equal(dataset.images(0, 40), IMAGES)
    assert parsed() == [folder.name]


def told_of_the_cache(dataset: MappedDataset) -> str:
    notes = [note for note in dataset.notes if "cannot be written" in note]
    assert len(notes) == 1
    return notes[0]


def test_a_cache_that_cannot_be_had_is_noted(source: Path, tmp_path: Path, no_temporary_files: Path) -> None:
    (tmp_path / "file").write_text("")
    dataset = open_dataset(source, cache=tmp_path / "file" / "cache")
    note = told_of_the_cache(dataset)
    assert str(tmp_path / "file" / "cache") in note and "Not a directory" in note and "each time" in note
    assert np.array_equal(dataset.images(0, 40), IMAGES) and dataset.folder.is_relative_to(no_temporary_files)
    assert dataset.key == open_dataset(source).key
    assert told_of_the_cache(dataset.narrowed(None, 3).aligned([*dataset.classes, "more"])) == note


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_without_permission_is_noted(source: Path, tmp_path: Path, no_temporary_files: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    dataset = open_dataset(source, cache=tmp_path / "closed")
    assert "Permission denied" in told_of_the_cache(dataset) and len(dataset) == 40


def test_without_a_cache_nothing_stays(source: Path, parsed: Parsed, no_temporary_files: Path) -> None:
    dataset = open_dataset(source, cache="none")
    part = dataset.narrowed(None, 5).aligned([*dataset.classes[::-1]])
    image = part[4].image
    del dataset
    gc.collect()
    assert np.array_equal(part[3].image, IMAGES[3]) and list(no_temporary_files.iterdir())
    del part
    gc.collect()
    assert np.array_equal(image, IMAGES[4]) and parsed() == []


def test_without_a_cache_nothing_stays_of_what_is_refused(
    tmp_path: Path, no_temporary_files: Path, refused: Callable[..., InputError]
) -> None:
    (tmp_path / "a.csv").write_text("label,feature\n0,1\n0,x\n")
    assert "line 3" in str(refused(tmp_path / "a.csv", cache="none"))


@pytest.mark.parametrize("kind", ["a.csv", "a.npz", "live"])
def test_a_full_disk_is_told_as_such(kind: str, tmp_path: Path, parsed: Parsed, no_temporary_files: Path) -> None:
    images = np.tile(IMAGES, (400, 1, 1))
    source = {"images": images} if kind == "live" else write(tmp_path / kind, images)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(InputError) as caught:
            open_dataset(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written: File too large (name a folder with room by --cache)" in str(caught.value)
    assert parsed() == []
    caught.value.__traceback__ = None


def test_a_cache_folder_that_is_cleared_is_filled_again(source: Path, parsed: Parsed) -> None:
    dataset = open_dataset(source)
    shutil.rmtree(cache_folder())
    assert np.array_equal(dataset.images(0, 40), IMAGES)
    assert np.array_equal(open_dataset(source).images(0, 40), IMAGES) and len(parsed()) == 1


def test_opening_a_csv_loads_no_torch(tmp_path: Path) -> None:
    code = "import sys, fer_tui; fer_tui.open_dataset(sys.argv[1])[0]; print({'torch', 'PIL'} & set(sys.modules))"
    process = child(code, write(tmp_path / "a.csv"))
    assert process.communicate(timeout=60)[0] == "set()\n" and process.returncode == 0


def test_images_that_are_cut_under_an_open_dataset_are_told(source: Path) -> None:
    """A mapped page that is gone would end the process; a read tells."""
    dataset = open_dataset(source)
    os.truncate(dataset.folder / "images.bin", 10)
    with pytest.raises(InputError, match="has become shorter"):
        dataset[len(dataset) - 1]
