"""Draws what the explorer shows as a small SVG: the colours of all half cells as one picture, the words above it.

Several frames make an animated one, which stands still for readers who want nothing to move. No font is fetched.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from PIL import Image
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App

WIDTH, HEIGHT = 9, 18  # pixels of a cell
_HALVES = {"▀": (True, False), "▄": (False, True), "█": (True, True)}  # which half has the colour of the letter
_INK, _PAPER = "#cfd4de", "#15171c"
_STYLE = (
    "text{font:15px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}"
    ".b{font-weight:bold}image{image-rendering:pixelated}"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What is on the screen, how long (in seconds), and what was done."""

    lines: Sequence[Sequence[Segment]]
    seconds: float = 1.0
    caption: str = ""


def frame(app: App[int], seconds: float = 1.0, caption: str = "") -> Frame:
    """What `app` shows now."""
    return Frame([list(strip) for strip in app.screen._compositor.render_strips()], seconds, caption)


def svg(frames: Sequence[Frame], light: Frame | None = None) -> str:
    """All frames one after the other, for ever; a single one stands still. light: what light pages show."""
    columns = max(sum(cell_len(each.text) for each in line) for line in frames[0].lines)
    rows = len(frames[0].lines) + (2 if any(each.caption for each in frames) else 0)
    width, height = columns * WIDTH, rows * HEIGHT
    total, began, style, drawn = sum(each.seconds for each in frames), 0.0, _STYLE, ""
    for number, each in enumerate(frames):
        if len(frames) > 1:
            first, last = (100 * time / total for time in (began, began + each.seconds))
            hidden = "" if number == 0 else "0%{opacity:0}"
            end = "" if number == len(frames) - 1 else f"{last:.2f}%{{opacity:0}}"
            style += f"@keyframes k{number}{{{hidden}{first:.2f}%{{opacity:1}}{end}}}"
            style += f"#f{number}{{opacity:{int(number == 0)};animation:k{number} {total:g}s step-end infinite}}"
            began += each.seconds
        drawn += f'<g id="f{number}">{"".join(_drawn(each, columns, rows))}</g>\n'
    if light is not None:
        drawn += f'<g id="light">{"".join(_drawn(light, columns, rows))}</g>\n'
        style += "#light{display:none}@media (prefers-color-scheme:light){#f0{display:none}#light{display:inline}}"
    style += "@media (prefers-reduced-motion:reduce){g{animation:none!important}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<style>{style}</style>\n<rect width="{width}" height="{height}" fill="{_PAPER}"/>\n{drawn}</svg>\n'
    )


def _drawn(each: Frame, columns: int, rows: int) -> Iterator[str]:
    """One frame: the colours, then the words of one style each."""
    colours, words = Image.new("RGB", (columns, 2 * len(each.lines)), _PAPER), []
    for row, line in enumerate(each.lines):
        column = 0
        for segment in line:
            style = segment.style or Style.null()
            ink, paper = _colours(style)
            run, start = "", column
            for letter in segment.text:
                size = cell_len(letter)
                upper, lower = _HALVES.get(letter, (False, False))
                for at in range(column, min(columns, column + size)):
                    colours.putpixel((at, 2 * row), ink if upper else paper)
                    colours.putpixel((at, 2 * row + 1), ink if lower else paper)
                run += " " * size if letter in _HALVES else letter
                column += size
            if run.strip():
                left = len(run) - len(run.lstrip())
                words.append(_words(run.strip(), start + left, row, ink, bold=bool(style.bold)))
    packed = io.BytesIO()
    colours.save(packed, "PNG", optimize=True)
    yield (
        f'<image width="{columns * WIDTH}" height="{len(each.lines) * HEIGHT}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{base64.b64encode(packed.getvalue()).decode()}"/>'
    )
    yield from words
    if each.caption:
        yield f'<rect y="{(rows - 2) * HEIGHT}" width="{columns * WIDTH}" height="{2 * HEIGHT}" fill="#e0b15e"/>'
        yield _words(each.caption, 2, rows - 1.5, (21, 23, 28), bold=True)


def _words(text: str, column: int, row: float, ink: tuple[int, int, int], *, bold: bool) -> str:
    x, y, length = column * WIDTH, round((row + 0.75) * HEIGHT, 1), cell_len(text) * WIDTH
    weight = ' class="b"' if bold else ""
    colour = "#{:02x}{:02x}{:02x}".format(*ink)
    fit = f'textLength="{length}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x}" y="{y}" {fit}{weight} fill="{colour}">{escape(text)}</text>'


def _colours(style: Style) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Letter and ground as they are seen."""
    known = [
        tuple(each.get_truecolor()) if each is not None and not each.is_default else default
        for each, default in ((style.color, _rgb(_INK)), (style.bgcolor, _rgb(_PAPER)))
    ]
    ink, paper = known
    if style.dim:
        ink = tuple((a + b) // 2 for a, b in zip(ink, paper, strict=True))
    return (paper, ink) if style.reverse else (ink, paper)  # type: ignore[return-value]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
