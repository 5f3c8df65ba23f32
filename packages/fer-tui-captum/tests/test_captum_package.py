"""The package: written against the contract, found by its entry points, imported late."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import torch

from fer_tui import plugins
from fer_tui.contract import same_name
from fer_tui_captum.aside import Aside

PACKAGE = Path(__file__).parent.parent
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))["project"]
NAMES = set(PROJECT["entry-points"]["fer_tui.explainers"])


def test_it_knows_the_contract_and_nothing_else_of_the_house() -> None:
    for file in (PACKAGE / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            named = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for module in named:
                assert module == "fer_tui.contract" or module.split(".")[0] not in ("fer_tui", "fer_tui_plugins"), file


def test_every_explainer_is_found_and_told_without_captum() -> None:
    code = (
        "import sys; from fer_tui import plugins\n"
        f"for name in {sorted(NAMES)}: print(plugins.description(plugins.load(name)).distribution)\n"
        "assert 'captum' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True)
    assert run.stdout.split() == ["fer-tui-captum"] * len(NAMES)


def test_no_name_takes_another_ones_place() -> None:
    known = {name: plugins.load(name).describe() for name in plugins.names()}
    theirs = {alias for name, each in known.items() if name not in NAMES for alias in (name, *each.aliases)}
    ours = [alias for name in sorted(NAMES) for alias in (name, *known[name].aliases)]
    assert known.keys() >= NAMES and len(theirs) > 20
    assert [name for name in ours if same_name(name, theirs)] == []
    assert len(ours) == len(set(ours))


def test_the_main_package_offers_it_as_an_extra() -> None:
    main = tomllib.loads((PACKAGE.parent.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert main["optional-dependencies"]["captum"] == [PROJECT["name"]]
    assert not any(PROJECT["name"] in each for each in main["dependencies"] + main["optional-dependencies"]["test"])


def test_everybody_elses_random_numbers_stay_as_they_were() -> None:
    def drawn() -> tuple[float, ...]:
        return random.random(), float(np.random.random()), float(torch.rand(()))

    def after(steps: int) -> tuple[float, ...]:
        """What is drawn aside in so many steps, the last of them."""
        aside = Aside(3)
        for _ in range(steps):
            with aside():
                found = drawn()
        return found

    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[union-attr]
    assert after(1) == after(1) and after(2) == after(2) != after(1)
    assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[union-attr]
