"""What the tests of datasets share: rows to write down, the kinds of pixel CSV, and how a refusal is looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_tui.contract import FER_CLASSES, InputError
from fer_tui.dataset import MappedDataset, open_dataset
from fer_tui.folders import cache_folder

Refused = Callable[..., InputError]
Written = dict[str, Path]


@pytest.fixture
def parsed() -> Callable[[], list[str]]:
    """The names of what lies in the cache of parsed datasets, in order."""

    def names() -> list[str]:
        folder = cache_folder() / "datasets"
        return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []

    return names


@pytest.fixture
def refused(parsed: Callable[[], list[str]]) -> Refused:
    """Opens what cannot be opened: the error, once it is one safe line with a fault and leaves nothing in the cache."""

    def open_in_vain(source: Any, **options: Any) -> InputError:
        before = parsed()
        with pytest.raises(InputError) as caught:
            open_dataset(source, **options)
        line = str(caught.value)
        assert line.isprintable() and len(line) < 600
        assert caught.value.where and caught.value.fault
        assert parsed() == before
        return caught.value

    return open_in_vain


@pytest.fixture
def fer_rows() -> dict[str, np.ndarray[Any, Any]]:
    """300 random rows under the keys of the FER2013 archive: the splits take turns, and no class is missing."""
    draw = np.random.default_rng(1)
    return {
        "images": draw.integers(0, 256, (300, 48, 48), np.uint8),
        "labels": (np.arange(300) % 7).astype(np.int8),
        "usage": np.array([0] * 200 + [1] * 60 + [0] * 40, np.int8),
        "class_names": np.array(FER_CLASSES),
    }


@pytest.fixture
def fer_files(tmp_path: Path, fer_rows: dict[str, np.ndarray[Any, Any]]) -> Written:
    """The same rows as an archive and as the three CSV files that FER2013 is known by, written as published."""
    files = {form: tmp_path / name for form, name in (("fer2013", "fer2013.csv"), ("icml", "icml_face_data.csv"))}
    files |= {"ntu": tmp_path / "train.csv", "npz": tmp_path / "fer2013.npz"}
    headers = {"fer2013": "emotion,pixels,Usage", "icml": "emotion, Usage, pixels", "ntu": "label,feature"}
    for form, header in headers.items():
        lines = [header]
        for image, label, use in zip(fer_rows["images"], fer_rows["labels"], fer_rows["usage"], strict=True):
            usage, pixels = ("Training", "PublicTest")[use], " ".join(map(str, image.ravel().tolist()))
            if form != "ntu":
                fields = (pixels, usage) if form == "fer2013" else (usage, pixels)
                lines.append(",".join([str(label), *fields]))
            elif use == 0:
                lines.append(f"{label},{pixels}")
        files[form].write_text("\n".join(lines) + "\n")
    np.savez(files["npz"], **fer_rows)
    return files


@pytest.fixture
def asked() -> Callable[[MappedDataset, int], str]:
    """Asks for a row that cannot be had: the one safe line that tells why."""

    def ask_in_vain(dataset: MappedDataset, row: int) -> str:
        with pytest.raises(InputError) as caught:
            dataset[row]
        assert str(caught.value).isprintable()
        return str(caught.value)

    return ask_in_vain


@pytest.fixture
def read_or_refused() -> Callable[[Path], bool]:
    """Whether a picture could be read; all that stands in the way is an InputError that names the file."""

    def attempt(path: Path) -> bool:
        try:
            open_dataset(path, cache="none")[0]
        except InputError as error:
            assert path.name in str(error) and str(error).isprintable()
            return False
        return True

    return attempt
