"""The kit itself: a sound explainer passes, and for each promise a broken one fails exactly that."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fer_tui import plugins
from fer_tui.testing import PROMISES, broken_promises, only, trials
from fer_tui.testing.trying import check_excuses

SOURCES = sorted(Path(__file__).parent.glob("broken_*.py"))  # a module each; all build upon broken_sound
LEFT, LEFT_BY_ERROR = "nothing is left behind", "nothing is left behind by an error"

BREAKS: dict[str, set[str]] = {
    "Sound": set(),
    "NotInstalled": {"it is found"},
    "Elsewhere": {"it is found"},
    "TwoLines": {"it describes itself"},
    "Restless": {"it describes itself"},
    "FalseAxesBy": {"it describes itself"},
    "Unhelpful": {"parameters are declared"},
    "FalseWhere": {"parameters are declared"},
    "FailsAtItsBound": {"every value works"},
    "FailsWithAChoice": {"every value works"},
    "RefusesWithoutName": {"every value works"},
    "OfAnotherKind": {"results are of the declared kind"},
    "HalfAsLarge": {"results fit the input"},
    "OtherPicture": {"results fit the input"},
    "NotFinite": {"values keep their range"},
    "NegativeUnsigned": {"values keep their range"},
    "Colourful": {"notes are plain words"},
    "WordsInExtras": {"results can be stored"},
    "EndlessMeta": {"results can be stored"},
    "WritesOn": {"results stay as they were"},
    "NeverFinal": {"it ends with a final result"},
    "OtherPlace": {"it ends with a final result"},
    "HiddenTarget": {"undeclared axes do not matter"},
    "HiddenLabel": {"undeclared axes do not matter"},
    "HiddenDataset": {"undeclared axes do not matter"},
    "IdleLayer": {"declared axes matter"},
    "RefusesALayer": {"every class and layer works"},
    "Unseeded": {"the same seed, the same result"},
    "Remembers": {"the same seed, the same result"},
    "OtherInABatch": {"a batch is the same as one by one"},
    "LeavesOneOut": {"a batch is the same as one by one"},
    "Falling": {"progress grows"},
    "StopsEarly": {"progress grows"},
    "NotToBeClosed": {"closing stops the work"},
    "WorksOn": {"closing stops the work"},
    "WorksInAThread": {"closing stops the work"},
    "LeavesAHook": {LEFT},
    "AddsToGrad": {LEFT, LEFT_BY_ERROR},
    "Freezes": {LEFT, LEFT_BY_ERROR},
    "Trains": {LEFT},
    "SeedsForAll": {LEFT, LEFT_BY_ERROR},
    "LeavesAHookAfterAnError": {LEFT_BY_ERROR},
    "HidesErrors": {LEFT_BY_ERROR},
    "Hoards": {"no memory is kept"},
    "HoardsTensors": {"no memory is kept"},
    "Scribbles": {"the image is only read"},
    "Chatters": {"nothing is printed"},
    "NeedsGradients": {"every network is explained"},
    "NoNetworkInPlace": {"every network is explained"},
    "GrayOnly": {"every size is explained"},
    "FewClasses": {"every size is explained"},
    "OtherTarget": {"it points at the evidence"},
    "Transposed": {"it points at the evidence"},
    "Acting": set(),
    "ActsAtRandom": {"actions work"},
    "ActsOnTheSeed": {"actions work"},
}


@pytest.fixture
def explainers(install: Callable[[str, str, dict[str, str]], None]) -> SimpleNamespace:
    """The broken explainers by the names of their classes, each installed with an entry point."""
    classes = r'^class (\w+)\((?:Explainer|Sound|Acting)\):(?:\n    """.*?""")?\n*    name = "(.*)"'
    found = {}
    for path in SOURCES:
        source = path.read_text("utf-8")
        named = re.findall(classes, source, re.MULTILINE)
        install(path.stem, source, {name: f"{path.stem}:{cls}" for cls, name in named if cls != "NotInstalled"})
        found.update({cls: path.stem for cls, _ in named})
    return SimpleNamespace(**{cls: getattr(importlib.import_module(stem), cls) for cls, stem in found.items()})


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_explainer_fails_exactly_its_promise(name: str, explainers: SimpleNamespace) -> None:
    found = {trial.promise.name: fault for trial, fault in broken_promises(getattr(explainers, name))}
    assert set(found) == BREAKS[name], "\n\n".join(f"{promise}: {fault}" for promise, fault in found.items())
    for fault in found.values():
        assert fault.fault and fault.mend and "\x1b" not in str(fault)


def test_every_promise_has_an_explainer_that_breaks_it_alone() -> None:
    assert {promise for broken in BREAKS.values() if len(broken) == 1 for promise in broken} == {
        promise.name for promise in PROMISES
    }


def test_only_one_is_found(explainers: SimpleNamespace) -> None:
    with only("sound"):
        assert plugins.names() == ("sound",)
    assert "lime" in plugins.names()


AUTHORS = """
from broken_runs import Falling
from fer_tui import plugins
from fer_tui.testing import Conformance

class TestFalling(Conformance):
    explainer = Falling

    def test_no_other_is_found_and_nothing_printed(self, alone):
        assert plugins.names() == ("falling",)

class TestExcused(Conformance):
    explainer = Falling
    excused = {"progress grows": "it shows what is left"}
"""


def test_three_lines_are_a_test(explainers: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "test_falling.py").write_text(AUTHORS)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-k", "progress or printed", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1 and "1 failed, 3 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "falling: progress grows: progress falls: 0.833, 0.667, 0.5\nmend: progress is the share of" in done.stdout
    assert "excused: it shows what is left" in done.stdout


def test_excuses_name_promises_and_have_reasons(explainers: SimpleNamespace) -> None:
    tried = trials(explainers.Sound)
    check_excuses({"progress grows": "so", "no memory is kept (defaults)": "so"}, tried)
    with pytest.raises(ValueError, match=r"'progress grow'.*did you mean progress grows\?"):
        check_excuses({"progress grow": "so"}, tried)
    with pytest.raises(ValueError, match="no reason"):
        check_excuses({"progress grows": " "}, tried)


def test_without_pytest_all_but_the_tests_is_there() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from fer_tui.testing import Planted, Toy, broken_promises, drawn_faces, only, trials\n"
        "faces = drawn_faces(7); print(len(faces.dataset), faces.masks['mouth'].shape, faces.classifier.classes[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[0] == "7 (7, 48, 48) angry", done.stderr
