"""plugins: what is installed, and what is wrong with what cannot be loaded. The entry points are real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fer_tui import plugins
from fer_tui.cli import main

BAD = {
    "raising": "raise RuntimeError('\x1b[31mno\\nmore')",
    "leaving": "import sys; sys.exit('bye')",
    "printing": "print('hello')\nfrom fer_tui_plugins.saliency import Saliency\nclass Explainer(Saliency):\n"
    "    name = 'printing'",
    "foreign": "Explainer = dict",
    "mute": "from fer_tui_plugins.saliency import Saliency\nclass Explainer(Saliency):\n"
    "    @classmethod\n    def describe(cls): raise KeyError('title')",
}


@pytest.fixture
def bad_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution whose explainers misbehave, on sys.path as if it were installed."""
    for name, code in BAD.items():
        (tmp_path / f"bad_{name}.py").write_text(code)
    info = tmp_path / "bad_explainers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-explainers\nVersion: 1.0\n")
    entries = "\n".join(f"{name} = bad_{name}:Explainer" for name in BAD)
    (info / "entry_points.txt").write_text(f"[fer_tui.explainers]\n{entries}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "version", "distribution", "kind", "axes", "state"]
    rows = {line.split()[0]: line for line in lines[2:]}
    assert {"saliency", "confusion"} <= set(rows)
    assert "heatmap" in rows["saliency"] and rows["saliency"].rstrip().endswith("ok")
    assert "matrix" in rows["confusion"] and "(dataset)" in rows["confusion"]


def test_one_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "saliency"]) == 0
    assert "seed" in capsys.readouterr().out
    assert main(["plugins", "saliency", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert "seed" in {each["name"] for each in shown["parameters"]}
    assert main(["plugins", "salency"]) == 2
    assert "did you mean saliency?" in capsys.readouterr().err


def test_those_that_misbehave_are_failed_and_the_others_shown(
    bad_plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", "--json"]) == 0
    shown = capsys.readouterr()
    states = {each["name"]: each for each in json.loads(shown.out)}  # the one that prints has not spoilt it
    assert states["saliency"]["state"] == states["printing"]["state"] == "ok"
    faults = {name: each["fault"] for name, each in states.items() if each["state"] == "failed"}
    assert set(faults) == {"raising", "leaving", "foreign", "mute"}
    assert faults["raising"].startswith("RuntimeError: ")
    assert faults["leaving"] == "SystemExit: bye"

    assert main(["plugins", "--debug"]) == 0
    shown = capsys.readouterr()
    assert "failed: RuntimeError: \\x1b[31mno\\nmore" in shown.out
    assert "Traceback (most recent call last):" in shown.err
    assert "\x1b" not in shown.out + shown.err


def test_explaining_with_a_broken_one_is_one_line(bad_plugins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "leaving"]) == 1
    assert capsys.readouterr() == ("", "fer-tui: explainer leaving (bad-explainers 1.0): SystemExit: bye\n")


def test_listing_names_imports_no_plugin_for_help(bad_plugins: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(bad_plugins)}
    command = [sys.executable, "-m", "fer_tui", "explain", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, timeout=20)
    assert done.stderr == ""


def test_our_own_are_told_without_being_imported_until_their_files_change(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_TUI_DISABLE_PLUGINS", "*,!fer-tui")
    asked = (["plugins", "--json"], ["plugins", "gradcam"])
    first = ""
    for words in asked:
        assert main(words) == 0
        first += capsys.readouterr().out
    code = f"import sys; from fer_tui.cli import main; {'; '.join(f'main({words})' for words in asked)}; "
    command = [sys.executable, "-c", code + "assert not sys.modules.keys() & {'torch', 'fer_tui_plugins.cam'}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout == first
    assert plugins.remembered().keys() == set(plugins.names())
    monkeypatch.setattr(plugins, "_newest", lambda: 1)
    assert plugins.remembered() == {}
