"""What is imported when: each room loads only what it needs, and the terminal process never torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "sklearn", "skimage", "matplotlib", "lime", "captum", "scipy", "pandas", "pytest", "fer_tui_plugins")
LIGHT_ROOMS = (
    "fer_tui", "fer_tui.contract", "fer_tui.folders", "fer_tui.plugins", "fer_tui.specs", "fer_tui.dataset",
    "fer_tui.picture", "fer_tui.terminal", "fer_tui.timeline", "fer_tui.training", "fer_tui.training.recipe",
    "fer_tui.engine", "fer_tui.engine.client", "fer_tui.engine.store", "fer_tui.engine.stores", "fer_tui.engine.shelf",
    "fer_tui.regions.known", "fer_tui.regions.tally",
    "fer_tui.cli", "fer_tui.tui", "fer_tui.tui.live", "fer_tui.tui.app",
    "fer_tui.tui.screens.explore", "fer_tui.tui.screens.classes", "fer_tui.tui.screens.timeline", "fer_tui_samples",
    "fer_tui.testing",
)  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """The modules of a new process after `code`."""
    code = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("room", LIGHT_ROOMS)
def test_a_room_loads_no_heavy_library(room: str) -> None:
    assert loaded_by(f"import {room}").isdisjoint(HEAVY)


@pytest.mark.parametrize("module", ["fer_tui", "fer_tui.contract", "fer_tui.cli", "fer_tui.tui"])
def test_a_door_loads_neither_numpy_nor_textual(module: str) -> None:
    assert loaded_by(f"import {module}").isdisjoint({"numpy", "PIL", "textual", "rich"})


def test_the_first_frame_needs_no_arrays_and_none_of_our_screens() -> None:
    loaded = loaded_by("import fer_tui.tui.app")
    assert "textual" in loaded
    assert loaded.isdisjoint({"numpy", "PIL", "fer_tui.engine.messages", "fer_tui.tui.screens.explore"})


def test_what_is_named_and_there_is_looked_for_without_arrays(tmp_path: Path) -> None:
    """Before the first frame: data and weights that are files need no look into them."""
    (tmp_path / "data.npz").touch()
    (tmp_path / "net.pt").touch()
    named = {"data": str(tmp_path / "data.npz"), "weights": [str(tmp_path / "net.pt")], "model": "fer-gap"}
    code = f"from fer_tui.cli import config, explore\nassert list(config.absent({named!r})) == []"
    assert loaded_by(code).isdisjoint({"numpy", "PIL", "fer_tui.dataset", "fer_tui.classifier"})


def test_messages_need_no_arrays() -> None:
    assert loaded_by("import fer_tui.engine.messages, fer_tui.regions").isdisjoint({"numpy", "PIL"})


def test_opening_data_loads_no_torch() -> None:
    code = "import fer_tui, fer_tui_samples; fer_tui.open_dataset(fer_tui_samples.faces_path())[3].image.sum()"
    assert loaded_by(code).isdisjoint(HEAVY)


def test_every_name_of_the_package_is_there() -> None:
    code = "import fer_tui\nfor name in fer_tui.__all__: assert callable(getattr(fer_tui, name)), name"
    assert "torch" in loaded_by(code)
