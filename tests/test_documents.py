"""What the documents promise is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from fer_tui.cli.main import COMMANDS
from fer_tui.testing import PROMISES
from fer_tui.tui.bindings import BINDINGS, key_name

ROOT = Path(__file__).parent.parent


def test_ci_runs_the_second_command_of_the_readme() -> None:
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    first, second = (line for line in block[1].splitlines() if line and not line.startswith("#"))
    assert first.endswith("/fer-tui") and "/pytest -n 2 " in second
    assert second in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_every_key_is_documented() -> None:
    rows = (ROOT / "docs" / "explorer.md").read_text("utf-8").splitlines()
    for binding in BINDINGS:
        keys = ", ".join(f"`{key_name(key)}`" for key in binding.keys)
        assert any(f"| {keys} | {binding.help}" in row for row in rows), binding.id


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for name in COMMANDS:
        assert re.search(rf"^## .*\b{name}\b", text, re.MULTILINE), name


def test_every_promise_is_documented() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    for promise in PROMISES:
        assert f"| {promise.name} | {promise.why} |" in text, promise.name


def test_links_of_the_readme_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_variable_of_the_environment_is_documented() -> None:
    rows = re.findall(r"^\| (`[A-Z_]+`.*?) \|", (ROOT / "docs" / "configuration.md").read_text("utf-8"), re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"[A-Z_]+", row)}
    code = "\n".join(file.read_text("utf-8") for file in (ROOT / "fer_tui").rglob("*.py"))
    read = {*re.findall(r"\bFER_TUI_[A-Z_]+\b", code), "NO_COLOR", "COLORTERM", "TEXTUAL_ANIMATIONS"}
    assert documented == read
    assert all(name in code for name in documented)


def test_pictures_are_small_and_fetch_nothing() -> None:
    for file in (ROOT / "docs").glob("*.svg"):
        text = file.read_text("utf-8")
        ElementTree.fromstring(text)
        assert len(text) < 500_000 and "http" not in text.replace("http://www.w3.org/2000/svg", ""), file.name
