"""The package as if it were installed, real pictures and checkpoints, and toy networks, for the tests."""

from __future__ import annotations

import importlib
import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads than free cores make every pass many times slower

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fer_tui.classifier import TorchClassifier, open_classifier
from fer_tui.contract import FER_CLASSES

PACKAGE = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package's metadata, as pip would write it from the pyproject.toml."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))["project"]
    folder = tmp_path_factory.mktemp("site")
    info = folder / f"fer_tui_captum-{project['version']}.dist-info"
    info.mkdir()
    name_and_version = f"Name: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{name_and_version}")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{name} = {at}\n" for name, at in entries.items()) for group, entries in groups]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture(autouse=True)
def installed(site: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's entry points are found here and in the processes that are started; elsewhere they are not."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(PACKAGE / "src")]))
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name))
    importlib.invalidate_caches()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with data/ and models/ that FER_TUI_TEST_DATA names; the test is skipped where there is none."""
    folder = os.environ.get("FER_TUI_TEST_DATA")
    if not folder or not Path(folder, "data", "fer2013_trainval.npz").is_file():
        pytest.skip("FER_TUI_TEST_DATA does not name a folder with real data and checkpoints")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def faces(shared: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images and labels of the first rows of PublicTest."""
    with np.load(shared / "data" / "fer2013_trainval.npz") as file:
        rows = np.flatnonzero(file["usage"] == 1)[:60]
        return file["images"][rows], file["labels"][rows].astype(np.int64)


@pytest.fixture
def hhccode(shared: Path, monkeypatch: pytest.MonkeyPatch) -> TorchClassifier:
    """A real checkpoint: ReLU6, batch norms, four max pools."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    models = shared / "models"
    return open_classifier(
        f"{models / 'nets.py'}:MobileGap3", models / "hhccode_mobilenetv1.pt", classes=FER_CLASSES, device="cpu"
    )
