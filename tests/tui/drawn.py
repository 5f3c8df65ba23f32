"""A screen as text: its words, and below them the styles of their cells under two themes.

What hangs on the machine is left out: pictures are ░, a fraction's digits are 0, the time that it took is "made". A run
of cells in one style is told as `12pn+`: how many, ink, paper, and how it is written; the last one, to the end of the
line, without how many. Colours are the theme's roles by the letters of INITIALS, - where there is none; capitals are
others, told below. + is bold, , dim, / italic, _ underlined, ~ ink and paper swapped; * are the colours of a map.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from string import ascii_uppercase
from typing import Any

from rich.style import Style

from fer_tui.terminal import Picture
from fer_tui.tui import theme

Cell = tuple[str, Style]

THEMES = "dark", "light"  # with the same colour maps, so that the words are the same
INITIALS = {
    "foreground": "f",
    "primary": "p",
    "secondary": "s",
    "accent": "a",
    "success": "r",  # right
    "warning": "w",
    "error": "e",
    "background": "b",
    "surface": "u",
    "panel": "n",
}
_WRITTEN = {"bold": "+", "dim": ",", "italic": "/", "underline": "_", "reverse": "~"}
_FRACTION = re.compile(r"\d*\.\d+(e[-+]\d+)?|\d+(?=%)")
_MADE = re.compile(r"stored(?= |$)|\d+ ms on cpu")
_OF_A_MAP = "▌▀"


def cells_of(sight: Any) -> list[list[Cell]]:
    """What is drawn, of a popup only the popup, without what hangs on the machine."""
    screen = sight.app.screen
    lines = [
        [(letter, segment.style or Style()) for segment in strip for letter in segment.text]
        for strip in screen._compositor.render_strips()
    ]
    for picture in screen.query(Picture):
        left, top, right, bottom = screen.region.intersection(picture.region).corners
        for line in lines[top:bottom]:
            line[left:right] = [("░", Style())] * (right - left)
    for popup in screen.query(".popup"):
        left, top, right, bottom = popup.region.corners
        lines = [line[left:right] for line in lines[top:bottom]]
    return [_evened(line) for line in lines]


def told(dark: list[list[Cell]], light: list[list[Cell]]) -> Iterator[str]:
    """The lines of a screen, twice (≠) where they are others under the other theme, and their styles."""
    both = [(_words(one), _words(other)) for one, other in zip(dark, light, strict=True)]
    words = [one if one == other else f"{one}\n≠{other}" for one, other in both]
    yield from (line if count == 1 else f"{line}  [{count} lines]" for line, _, count in _folded(words))
    others: dict[str, str] = {}  # colours that are no roles, and their letters
    styles = [_styles(zip(*lines, strict=True), others) for lines in zip(dark, light, strict=True)]
    yield "---- styles"
    yield from (f"{at if count == 1 else f'{at}-{at + count - 1}'}: {line}" for line, at, count in _folded(styles))
    yield from (f"{letter} {colour}" for colour, letter in others.items())


def roles() -> Iterator[str]:
    """The colours of the two themes, and the letters by which they are told."""
    yield from (f"{letter} {role} {_of(role)}" for role, letter in INITIALS.items())


def _evened(line: list[Cell]) -> list[Cell]:
    text, width = "".join(letter for letter, _ in line), len(line)
    found = [*_FRACTION.finditer(text), *_MADE.finditer(text)]
    for each in sorted(found, key=re.Match.start, reverse=True):
        instead = "made" if _MADE.fullmatch(each[0]) else re.sub(r"\d", "0", each[0])
        line[each.start() : each.end()] = [(letter, line[each.start()][1]) for letter in instead]
    return line + line[-1:] * (width - len(line))


def _words(line: list[Cell]) -> str:
    text = "".join(letter for letter, _ in line).rstrip()
    return re.sub("░{4,}", lambda found: f"░×{len(found[0])}", text)


def _styles(cells: Iterable[tuple[Cell, Cell]], others: dict[str, str]) -> str:
    """Runs of cells of one style: how many, and its name; of the last, which goes to the end, the name alone."""

    def name(both: tuple[Cell, Cell]) -> str:
        (letter, dark), (_, light) = both
        if letter == "░":
            return "░"
        if letter in _OF_A_MAP and dark == light:
            return "*"
        ink, paper, written = _parts(dark, light)
        return "".join(_letter(colour, others) for colour in (ink, paper)) + written

    *runs, (_, last) = [(len(list(run)), which) for which, run in groupby(map(name, cells))]
    return " ".join([*(f"{count}{which}" for count, which in runs), last])


def _letter(colour: str, others: dict[str, str]) -> str:
    if role := _ROLES.get(colour):
        return INITIALS[role]
    return others.setdefault(colour, ascii_uppercase[len(others)]) if colour != "none/none" else "-"


@cache
def _parts(dark: Style, light: Style) -> tuple[str, str, str]:
    """Ink and paper under both themes, and how it is written."""
    ink, paper = (
        "/".join(colour.name.lower() if colour is not None else "none" for colour in pair)
        for pair in ((dark.color, light.color), (dark.bgcolor, light.bgcolor))
    )
    return ink, paper, "".join(sign for kind, sign in _WRITTEN.items() if getattr(dark, kind) or getattr(light, kind))


def _folded(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Each line once, with its number, and how many there are of it one after the other."""
    at = 0
    for line, same in groupby(lines):
        count = len(list(same))
        yield line, at, count
        at += count


def _of(role: str) -> str:
    return "/".join(str(getattr(worn, role)).lower() for worn in _WORN)


_WORN = [theme.load(name).theme for name in THEMES]
_ROLES = {_of(role): role for role in reversed(INITIALS)}  # of one colour the first role
