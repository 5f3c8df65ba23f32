"""Explainers are found, loaded and, where they are broken, told: with real distributions on the path."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fer_tui import plugins
from fer_tui.contract import InputError, PluginError

Install = Callable[[str, str, dict[str, str]], None]

GOOD = """
print("hello from the import")
from fer_tui.contract import Axis, Explainer, Parameters
class Good(Explainer):
    name, title, help, version, kind = "good", "Good", "Does well.", "3", "heatmap"
    axes = frozenset({Axis.IMAGE, Axis.CHECKPOINT})
    def explain(self, subject, parameters):
        yield
"""


def test_our_own_are_found() -> None:
    assert {"saliency", "confusion"} <= set(plugins.names())
    loaded = {name: plugins.load(name) for name in plugins.names()}
    assert plugins.description(loaded["saliency"]).distribution == "fer-tui"


def test_a_package_brings_one(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("goodkit", GOOD, {"good": "goodkit:Good"})
    assert "good" in plugins.names() and plugins.source("good") == "goodkit 1.0"
    assert plugins.description(plugins.load("good")).distribution == "goodkit"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("raise RuntimeError('no [b]luck\\x1b')", "badkit:Bad", "RuntimeError: no [b]luck\\x1b"),
        ("raise SystemExit(3)", "badkit:Bad", "SystemExit: 3"),
        ("import nothing_like_it", "badkit:Bad", "ModuleNotFoundError"),
        ("", "badkit:Bad", "AttributeError"),
        ("Bad = 3", "badkit:Bad", "no subclass of Explainer"),
        (GOOD + "    contract_version = 7", "badkit:Good", "wants contract 7, this fer-tui has 1: upgrade fer-tui"),
        (GOOD + "    contract_version = 0", "badkit:Good", "upgrade the explainer"),
        (GOOD, "badkit:Good", "calls itself good"),
        (GOOD.replace('"good"', '"bad"') + "    Parameters = int", "badkit:Good", "TypeError"),
    ],
)
def test_a_broken_one_fails_alone(install: Install, source: str, target: str, said: str) -> None:
    install("badkit", source, {"bad": target})
    with pytest.raises(PluginError) as caught:
        plugins.load("bad")
    assert all(plugins.load(name) for name in plugins.names() if name != "bad")
    error = caught.value
    assert said in str(error) and "bad (badkit 1.0)" in str(error)
    assert "\x1b" not in str(error) and "\n" not in str(error)
    if "raise" in source:
        assert "Traceback" in error.details and "badkit.py" in error.details


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean saliency"):
        plugins.load("salincy")


def test_explainers_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "confusion, other")
    assert "confusion" not in plugins.names() and "saliency" in plugins.names()
    with pytest.raises(InputError):
        plugins.load("confusion")


def test_of_two_with_one_name_the_first_distribution_counts(install: Install) -> None:
    install("zkit", GOOD.replace('"3"', '"z"'), {"good": "zkit:Good"})
    install("akit", GOOD.replace('"3"', '"a"'), {"good": "akit:Good"})
    assert plugins.names().count("good") == 1
    assert plugins.load("good").version == "a"


def test_descriptions_are_remembered_until_the_package_changes(install: Install, tmp_path: Path) -> None:
    install("goodkit", GOOD, {"good": "goodkit:Good"})
    assert plugins.remembered(tmp_path) == {}
    described = [plugins.description(plugins.load(name)) for name in plugins.names()]
    plugins.remember(described, tmp_path)
    assert plugins.remembered(tmp_path) == {each.name: each for each in described}
    kept = json.loads((tmp_path / "explainers.json").read_text())
    kept["good"]["of"][1] = "0.9"
    (tmp_path / "explainers.json").write_text(json.dumps(kept))
    assert plugins.remembered(tmp_path).keys() == {each.name for each in described} - {"good"}
    (tmp_path / "explainers.json").write_text("{")
    assert plugins.remembered(tmp_path) == {}
    plugins.remember(described, tmp_path / "explainers.json" / "no folder")  # no fault


def test_names_and_memory_import_nothing(install: Install, tmp_path: Path) -> None:
    install("goodkit", GOOD, {"good": "goodkit:Good"})
    plugins.remember([plugins.description(plugins.load(name)) for name in plugins.names()], tmp_path)
    script = (
        "import sys, pathlib; from fer_tui import plugins; "
        "assert 'good' in plugins.names(); assert 'good' in plugins.remembered(pathlib.Path(sys.argv[1])); "
        "print(*{'torch', 'numpy', 'goodkit', 'fer_tui_plugins'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
