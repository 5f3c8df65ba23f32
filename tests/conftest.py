"""Fixtures for all tests: the real data and checkpoints, where they are at hand."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# More threads than free cores make every forward pass many times slower; read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The processes of pytest-xdist have them, and they would hide the size of the terminals that tests make.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with data/ and models/ that FER_TUI_TEST_DATA names; the test is skipped where there is none."""
    folder = os.environ.get("FER_TUI_TEST_DATA")
    if not folder or not Path(folder, "data", "fer2013_trainval.npz").is_file():
        pytest.skip("FER_TUI_TEST_DATA does not name a folder with real data and checkpoints")
    return Path(folder).resolve()


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache and configuration."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, dict[str, str]], None]]:
    """Installs a distribution for this process and its children: its name, its module's source, its entry points."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))

    def write(name: str, module: str, entries: dict[str, str]) -> None:
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "".join(f"{entry} = {target}\n" for entry, target in entries.items())
        (info / "entry_points.txt").write_text(f"[fer_tui.explainers]\n{lines}")
        (site / f"{name}.py").write_text(module)
        importlib.invalidate_caches()

    yield write
    for module in [m for m in sys.modules.values() if str(getattr(m, "__file__", "")).startswith(str(site))]:
        del sys.modules[module.__name__]


@pytest.fixture
def foreign(install: Callable[[str, str, dict[str, str]], None]) -> None:
    """A plugin by somebody else is installed: the explainers `tiles` and `guesses`, in a distribution of its own."""
    source = Path(__file__).with_name("foreign") / "foreignkit.py"
    install("foreignkit", source.read_text(), {"tiles": "foreignkit:Tiles", "guesses": "foreignkit:Guesses"})


@pytest.fixture
def nets(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the architectures of the real checkpoints, as a user's own model file."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return shared / "models" / "nets.py"
