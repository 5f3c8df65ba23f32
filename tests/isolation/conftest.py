"""A package of somebody else, installed by pip as one would, whose explainers misbehave; and commands run with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

_PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"

[project.entry-points."fer_tui.explainers"]
{entries}

[tool.setuptools]
py-modules = [{modules}]
"""
_KIT = Path(__file__).with_name("roguekit.py")
EXPLAINERS = {
    line.split('"')[1]: kind
    for kind, body in ((each.split("(")[0], each) for each in _KIT.read_text("utf-8").split("\nclass ")[2:])
    for line in body.splitlines()
    if line.strip().startswith("name = ")
}


@dataclass(frozen=True)
class Site:
    """A folder of installed packages, and the environment of whoever uses it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, seconds: float = 60, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run fer-tui in a process of its own."""
        command = [sys.executable, "-P", "-m", "fer_tui", *words]
        environment = {**self.environment, **variables}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )


def project(folder: Path, name: str, version: str, entries: dict[str, str], modules: dict[str, str]) -> Path:
    """Write the project of a distribution of these modules."""
    made = folder / f"{name}-{version}"
    made.mkdir()
    lines = "\n".join(f'{entry} = "{target}"' for entry, target in entries.items())
    listed = ", ".join(f'"{module}"' for module in modules)
    text = _PROJECT.format(name=name, version=version, entries=lines, modules=listed)
    (made / "pyproject.toml").write_text(text)
    for module, source in modules.items():
        (made / f"{module}.py").write_text(source)
    return made


def install(site: Path, projects: Sequence[Path]) -> None:
    """Install them into `site`, by pip and without the network."""
    flags = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *flags, "--target", str(site), *map(str, projects)]
    subprocess.run(command, check=True, timeout=100, capture_output=True)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where `roguekit 1.0` is installed, and `badimports 2.0`, whose modules misbehave when imported."""
    folder = tmp_path_factory.mktemp("packages")
    site = folder / "site"
    entries = {name: f"roguekit:{kind}" for name, kind in EXPLAINERS.items()}
    kit = project(folder, "roguekit", "1.0", entries, {"roguekit": _KIT.read_text("utf-8")})
    modules = {
        "bad_raising": "raise RuntimeError('no \\x1b[31mluck')",
        "bad_leaving": "import sys; sys.exit('bye')",
        "bad_newer": "from fer_tui.contract import Hologram",
        "bad_crashing": "import ctypes; ctypes.string_at(0)",
        "bad_hanging": "import time\nwhile True:\n    try: time.sleep(600)\n    except BaseException: pass",
    }
    bad = project(folder, "badimports", "2.0", {name: f"{name}:Explainer" for name in modules}, modules)
    install(site, [kit, bad])
    return site


@pytest.fixture
def site(installed: Path, tmp_path: Path) -> Callable[..., Site]:
    """The installed packages, with the explainers of one of them hidden; state and cache are the test's own."""

    def made(hidden: str) -> Site:
        own = {
            "PYTHONPATH": str(installed),
            "FER_TUI_DISABLE_PLUGINS": hidden,
            "FER_TUI_STATE": str(tmp_path / "state"),
            "FER_TUI_CACHE": str(tmp_path / "cache"),
            "OMP_NUM_THREADS": "1",
        }
        return Site(installed, {**os.environ, **own})

    return made
