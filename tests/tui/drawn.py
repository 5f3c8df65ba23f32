"""A screen as text: its words, and below them the styles of their cells under two themes.

What hangs on the machine is left out: pictures are ░, a fraction's digits are 0, the time that it took is "made". Among
the styles cells in the colours of a map are *.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from string import ascii_letters
from typing import Any

from rich.style import Style

from fer_tui.terminal import Picture
from fer_tui.tui import theme

Cell = tuple[str, Style]
Pair = tuple[Style, Style]  # of one cell under both themes

THEMES = "dark", "light"  # with the same colour maps, so that the words are the same
ROLES = "foreground", "primary", "secondary", "accent", "success", "warning", "error", "background", "surface", "panel"
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
    names: dict[Pair, str] = {}
    styles = [_styles(zip(*lines, strict=True), names) for lines in zip(dark, light, strict=True)]
    yield "---- styles"
    yield from (f"{at if count == 1 else f'{at}-{at + count - 1}'}: {line}" for line, at, count in _folded(styles))
    yield from (f"{name} {_named(pair)}" for pair, name in names.items())


def roles() -> Iterator[str]:
    """The colours that the two themes give to the roles by which styles are told."""
    yield from (f"{role} {'/'.join(pair)}" for pair, role in _ROLES.items())


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


def _styles(cells: Iterable[tuple[Cell, Cell]], names: dict[Pair, str]) -> str:
    """Runs of cells of one style: how many, and its name; of the last, which goes to the end, the name alone."""

    def name(both: tuple[Cell, Cell]) -> str:
        (letter, dark), (_, light) = both
        if letter == "░":
            return "░"
        if letter in _OF_A_MAP and dark == light:
            return "*"
        return names.setdefault((_bare(dark), _bare(light)), ascii_letters[len(names)])

    runs = [f"{len(list(run))}{which}" for which, run in groupby(map(name, cells))]
    return " ".join([*runs[:-1], *(run[-1] for run in runs[-1:])])


@cache
def _bare(style: Style) -> Style:
    """Without what is not seen, such as Textual's notes on where a cell came from."""
    return style.without_color.clear_meta_and_links() + Style(color=style.color, bgcolor=style.bgcolor)


def _named(pair: Pair) -> str:
    """`primary on panel bold`; where a colour has no role, its value under both themes."""
    ink, paper = (_colour([getattr(style, which) for style in pair]) for which in ("color", "bgcolor"))
    kinds = [" ".join(str(style.without_color).split()) for style in pair]
    return f"{ink} on {paper} {kinds[0] if kinds[0] == kinds[1] else '/'.join(kinds)}"


def _colour(pair: list[Any]) -> str:
    names = tuple(colour.name.lower() if colour is not None else "none" for colour in pair)
    return _ROLES.get(names, "/".join(names))


def _folded(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Each line once, with its number, and how many there are of it one after the other."""
    at = 0
    for line, same in groupby(lines):
        count = len(list(same))
        yield line, at, count
        at += count


_WORN = [theme.load(name).theme for name in THEMES]
_ROLES: dict[tuple[str, ...], str] = {
    tuple(str(getattr(worn, role)).lower() for worn in _WORN): role for role in reversed(ROLES)
}
