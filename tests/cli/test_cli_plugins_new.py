"""plugins new: a package that installs, passes its own tests, and shows up; nothing is ever written over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fer_tui.cli import main


@pytest.mark.timeout(400)  # it starts four processes that import torch
def test_what_is_written_installs_passes_and_shows_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "made" / "here"
    assert main(["plugins", "new", "soft-masks", "--out", str(folder)]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{folder}\n" and 'pip install -e ".[test]"' in shown.err
    texts = {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}
    assert sorted(texts) == [
        "README.md", "pyproject.toml", "src/fer_tui_soft_masks/__init__.py", "tests/test_soft_masks.py",
    ]  # fmt: skip
    assert not any("my_explainer" in text or "My explainer" in text or "y-explainer" in text for text in texts.values())
    assert not list(folder.parent.glob(".*"))

    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*pip, str(folder)], check=True, capture_output=True, timeout=200)
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=200)

    tested = run("pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0 and " passed" in tested.stdout, tested.stdout + tested.stderr
    explained = run("fer_tui", "explain", "softmasks", "-p", "masks=64", "--json")  # by its name, without the hyphen
    assert explained.returncode == 0, explained.stderr
    assert json.loads(explained.stdout)["meta"]["explainer"] == "soft-masks"
    listed = run("fer_tui", "plugins", "--json")
    found = {each["name"]: each for each in json.loads(listed.stdout)}["soft-masks"]
    assert (found["state"], found["installed"], found["title"]) == ("ok", "fer-tui-soft-masks 0.1.0", "Soft masks")
    assert {each["name"] for each in found["parameters"]} == {"masks", "cells", "seen", "hide", "seed"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["My Method"],
            "name My Method: is no name of lower-case letters, digits and hyphens, 40 at most (such as",
        ),
        (["3d", "--out", "x"], "name 3d: is no name of"),
        (["../up"], "(such as up)"),
        (["a\x1b[31m"], "name a\\x1b[31m: is no name of"),
        (["lime"], "name lime: means lime already, from fer-tui"),
        (["gradcam"], "name gradcam: means cam already, from fer-tui"),
        (["plugins"], "name plugins: there is a module fer_tui_plugins already"),
        (["new"], "name new: is this command's own word"),
        (["there"], "fer-tui-there: is there already (name another folder with --out)"),
        (["one", "--out", "file/below"], "file/below: is below a file"),
        ([], "fer-tui plugins new NAME [--out FOLDER]"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fer-tui-there").mkdir()
    Path("file").touch()
    assert main(["plugins", "new", *words]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and not shown.out
    assert sorted(each.name for each in tmp_path.iterdir()) == ["fer-tui-there", "file"]
    assert not list(Path("fer-tui-there").iterdir())
