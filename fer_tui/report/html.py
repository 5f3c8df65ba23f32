"""A page as one HTML file: no network, light and dark, for the screen and for A4."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from html import escape

from fer_tui.contract import plain

from .page import Block, Figure, Figures, Findings, Page, Paragraph, Section, Table

_TYPES = {b"\xff\xd8": "image/jpeg", b"\x89PNG": "image/png"}

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #17181c; --faint: #55585f; --line: #c9ccd3; --card: #f4f5f7;
  --yes: #00603a; --no: #8a3b00; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15161a; --ink: #e6e7ea; --faint: #a9adb6; --line: #3c3f47; --card: #1f2126; --yes: #6fd3a0;
    --no: #f0a868; }
  img { filter: brightness(0.9); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 75rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 0.75rem; border-bottom: 1px solid var(--line); padding-bottom: 0.25rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
p { margin: 0.5rem 0; max-width: 60rem; }
.figures { display: grid; gap: 1rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); }
.figures.wide { grid-template-columns: 1fr; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 0.5rem; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; background: #ffffff; border-radius: 3px; }
figcaption { color: var(--faint); font-size: 0.875rem; margin-top: 0.4rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding-bottom: 0.35rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, .words th, .words td { text-align: left; }
ul.findings { list-style: none; padding: 0; margin: 0.5rem 0; max-width: 60rem; }
ul.findings li { border-left: 4px solid var(--yes); padding: 0.15rem 0 0.15rem 0.75rem; margin: 0.5rem 0; }
ul.findings li.no { border-left-color: var(--no); }
.mark { font-weight: 600; color: var(--yes); }
.no .mark { color: var(--no); }
@page { size: A4; margin: 14mm; }
@media print {
  :root { color-scheme: light; --paper: #ffffff; --ink: #000000; --faint: #444444; --line: #bbbbbb; --card: #ffffff;
    --yes: #00603a; --no: #8a3b00; }
  img { filter: none; }
  body { font-size: 10pt; }
  figcaption { font-size: 7.5pt; }
  main { max-width: none; padding: 0; }
  .figures { grid-template-columns: 1fr 1fr; gap: 3mm; }
  figure, tr, li { break-inside: avoid; }
  figure img { max-height: 230mm; }
  h2, h3, caption { break-after: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 0.5mm 1.2mm; white-space: normal; }
}
"""


def html(page: Page, pictures: Mapping[str, bytes]) -> str:
    """The whole file. pictures: by the figures' names; each is within the file, as a browser takes it."""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_told(page.title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{_told(page.title)}</h1>",
    ]
    for number, section in enumerate(page.sections):
        lines += _section(section, number, pictures)
    return "\n".join([*lines, "</main>", "</body>", "</html>"]) + "\n"


def _section(section: Section, number: int, pictures: Mapping[str, bytes]) -> Iterator[str]:
    yield f'<section aria-labelledby="section{number}">'
    yield f'<h2 id="section{number}">{_told(section.title)}</h2>'
    for block in section.blocks:
        yield from _block(block, pictures)
    yield "</section>"


def _block(block: Block, pictures: Mapping[str, bytes]) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield f"<p>{_told(text)}</p>"
        case Figures(figures, wide):
            yield f'<div class="figures{" wide" if wide else ""}">'
            for figure in figures:
                yield _figure(figure, pictures)
            yield "</div>"
        case Table():
            yield from _table(block)
        case Findings(findings):
            yield "<h3>What the data show</h3>"
            yield '<ul class="findings">'
            for finding in findings:
                mark, kind = ("Shown", "") if finding.holds else ("Not shown", ' class="no"')
                yield f'<li{kind}><span class="mark">{mark}:</span> {_told(finding.text)}</li>'
            yield "</ul>"


def _figure(figure: Figure, pictures: Mapping[str, bytes]) -> str:
    content = pictures[figure.file]
    kind = next((kind for magic, kind in _TYPES.items() if content.startswith(magic)), "image/svg+xml")
    data = base64.b64encode(content).decode()
    image = f'<img alt="{_told(figure.words)}" src="data:{kind};base64,{data}">'
    return f"<figure>{image}<figcaption>{_told(figure.caption)}</figcaption></figure>"


def _table(table: Table) -> Iterator[str]:
    yield f'<div class="scroll" role="region" tabindex="0" aria-label="{_told(table.caption)}">'
    kind = ' class="words"' if table.words else ""
    yield f"<table{kind}><caption>{_told(table.caption)}</caption>"
    heads = "".join(f'<th scope="col">{_told(each)}</th>' for each in table.headings)
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    for first, *others in table.rows:
        cells = "".join(f"<td>{_told(each)}</td>" for each in others)
        yield f'<tr><th scope="row">{_told(first)}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _told(text: str) -> str:
    return escape(plain(text), quote=True)
