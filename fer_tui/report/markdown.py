"""A page as Markdown, beside the figures' files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fer_tui.contract import plain

from .page import Block, Figures, Findings, Page, Paragraph, Table


def markdown(page: Page) -> str:
    """The whole file; class names and the like never become markup."""
    lines = [f"# {_told(page.title)}", ""]
    for section in page.sections:
        lines += [f"## {_told(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield _told(text)
        case Figures(figures):
            for figure in figures:
                yield f"![{_told(figure.words)}]({figure.file})"
                yield ""
                yield f"*{_told(figure.caption)}*"
                yield ""
        case Table(caption, headings, rows):
            yield _told(caption)
            yield ""
            yield f"| {' | '.join(map(_told, headings))} |"
            yield f"|{' --- |' * len(headings)}"
            for row in rows:
                yield f"| {' | '.join(map(_told, row))} |"
        case Findings(findings):
            yield "### What the data show"
            yield ""
            for finding in findings:
                yield f"- **{'Shown' if finding.holds else 'Not shown'}:** {_told(finding.text)}"


def _told(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", plain(text))
