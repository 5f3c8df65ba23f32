"""What the site does beside mkdocs: it takes in pages that lie outside docs/, so that links are the same in both.

Markdown links are those of the repository (`../CHANGELOG.md`); on the site these files lie in the folder of the pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
OUTSIDE = ("CHANGELOG.md", "benchmarks/RESULTS.md", "samples/README.md")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    for name in OUTSIDE:
        files.append(File.generated(config, _name(name), content=(ROOT / name).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links that leave docs/, and those that lead into it from outside, lead to where the site has these files."""
    if page.file.src_uri in map(_name, OUTSIDE):
        return re.sub(r"\]\((?:\.\./)*docs/", "](", markdown)
    depth = page.file.src_uri.count("/")
    for name in OUTSIDE:
        markdown = re.sub(rf"\]\({re.escape('../' * (depth + 1) + name)}", f"]({'../' * depth}{_name(name)}", markdown)
    return markdown


def _name(outside: str) -> str:
    return f"{outside.removesuffix('/README.md').removesuffix('.md').lower().replace('/', '-')}.md"
