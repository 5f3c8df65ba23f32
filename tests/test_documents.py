"""What the documents promise is what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fer_tui.cli.settings import SETTINGS
from fer_tui.testing import PROMISES

ROOT = Path(__file__).parent.parent


def test_ci_runs_the_second_command_of_the_readme() -> None:
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    first, second = (line for line in block[1].splitlines() if line and not line.startswith("#"))
    assert first.endswith("/fer-tui") and "/pytest -n 2 " in second
    assert second in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


@pytest.mark.parametrize("page", ["keys", "commands"])
def test_pages_are_as_their_scripts_write_them(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    written = runpy.run_path(str(ROOT / "docs" / f"{page}.py"))["written"]
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    assert written(text) == text, f"python docs/{page}.py"


@pytest.mark.parametrize("name", ["saliency", "cam", "lime", "filter-ascent", "confusion"])
def test_pages_of_explainers_have_their_parameters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    written = runpy.run_path(str(ROOT / "docs" / "explainers.py"))["written"]
    text = (ROOT / "docs" / "explainers" / f"{name}.md").read_text("utf-8")
    assert written(text, name) == text, "python docs/explainers.py"


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for setting in SETTINGS:
        assert not setting.has_flag or re.search(
            rf"^\| `{setting.flag}\b.* \| `\[?{setting.key}", text, re.MULTILINE
        ), setting


def test_links_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_page_has_its_place_on_the_site() -> None:
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    listed = re.findall(r": (\S+\.md)$", nav, re.MULTILINE)
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert pages <= set(listed) and len(set(listed)) == len(listed)


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


def test_every_promise_is_documented() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    for promise in PROMISES:
        assert f"| {promise.name} | {promise.why} |" in text, promise.name
