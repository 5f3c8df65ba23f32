"""Cells as bytes, as few as do: colours are told only where they change, by short names where they have such."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import ColorSystem

from .blocks import inverse
from .inks import close_256, in_sixteen, nearest_256, packed, rgb_256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .blocks import Cells

# The most that a channel (0 to 255) may be off in true colour: not to be seen, and a quarter of the bytes less.
TOLERANCE = 3
_COARSER = ((26, TOLERANCE), (18, 8), (13, 12))  # bytes for a cell of a colour picture, measured, and their tolerance
_MOMENT = 0.15  # seconds that one picture may take on its way
_CLOSE = 4  # how far off one of the 256 colours may be that stands for another one
RESET = "\x1b[0m"


def tolerance_on(rate: float | None, cells: int) -> int:
    """The least tolerance with which so many cells are on their way for a moment. rate: bytes a second, None: any."""
    return next((most for size, most in _COARSER if rate is None or cells * size <= rate * _MOMENT), _COARSER[-1][1])


class Pen:
    """Writes cells one after the other; it knows which colours the terminal has set. `text` is what was written."""

    def __init__(self, system: ColorSystem, tolerance: int = TOLERANCE) -> None:
        self._system = system
        self._tolerance = tolerance if system is ColorSystem.TRUECOLOR else 0
        self._ink = self._paper = -1  # not known
        self._out: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._out)

    def move(self, column: int, row: int) -> None:
        """To a cell of the screen, counted from 0."""
        self._out.append(f"\x1b[{row + 1};{column + 1}H")

    def skip(self, count: int) -> None:
        """Over cells that stay as they are."""
        self._out.append("\x1b[C" if count == 1 else f"\x1b[{count}C")

    def draw(self, cells: Cells) -> None:
        """Cells from here on."""
        match self._system:
            case ColorSystem.TRUECOLOR:
                self._draw(cells.text, packed(cells.ink).tolist(), packed(cells.paper).tolist())
            case ColorSystem.EIGHT_BIT:
                self._draw(cells.text, nearest_256(cells.ink).tolist(), nearest_256(cells.paper).tolist())
            case _:
                text, ink, paper = in_sixteen(cells)
                self._draw(text, ink.tolist(), paper.tolist())

    def _draw(self, text: str, inks: Sequence[int], papers: Sequence[int]) -> None:
        """A cell may be drawn inversely, with ink and paper exchanged: whichever needs fewer codes.

        Each colour shown is at most the tolerance off the one that is meant, however long it is kept.
        """
        out, other, near, codes_of = self._out, inverse(), self._near, self._codes_of
        have_ink, have_paper = self._ink, self._paper
        for character, ink, paper in zip(text, inks, papers, strict=True):
            if character == " ":
                ink = paper
            if near(ink, have_paper) and near(paper, have_paper):
                out.append(" ")
                continue
            if near(ink, have_ink) and near(paper, have_ink):
                out.append("█")
                continue
            if near(ink, paper):
                _, code, shown = codes_of(ink)
                if near(paper, shown):
                    out.append(f"\x1b[{code}m ")
                    have_paper = shown
                    continue
            keep_ink, keep_paper = near(ink, have_ink), near(paper, have_paper)
            if not (keep_ink and keep_paper) and character in other:
                keep_inverse = near(paper, have_ink), near(ink, have_paper)
                if sum(keep_inverse) > keep_ink + keep_paper:
                    character, ink, paper = other[character], paper, ink
                    keep_ink, keep_paper = keep_inverse
            codes = []
            if not keep_ink:
                code, _, have_ink = codes_of(ink)
                codes.append(code)
            if not keep_paper:
                _, code, have_paper = codes_of(paper)
                codes.append(code)
            out.append(f"\x1b[{';'.join(codes)}m{character}" if codes else character)
        self._ink, self._paper = have_ink, have_paper

    def _near(self, colour: int, shown: int) -> bool:
        if colour == shown:
            return True
        most = self._tolerance
        return (
            most > 0 <= shown
            and abs((colour & 255) - (shown & 255)) <= most
            and abs((colour >> 8 & 255) - (shown >> 8 & 255)) <= most
            and abs((colour >> 16) - (shown >> 16)) <= most
        )

    def _codes_of(self, colour: int) -> tuple[str, str, int]:
        """What sets a colour as ink, what as paper, and the colour that is shown then."""
        if self._system is ColorSystem.TRUECOLOR:
            return _true_codes(colour, self._tolerance)
        if self._system is ColorSystem.EIGHT_BIT:
            return f"38;5;{colour}", f"48;5;{colour}", colour
        bright = 60 if colour >= 8 else 0
        return str(30 + bright + colour % 8), str(40 + bright + colour % 8), colour


@lru_cache(1 << 15)
def _true_codes(colour: int, tolerance: int) -> tuple[str, str, int]:
    """One of the 256 colours where it is close enough: its name is half as long. Others would give gray a tint."""
    number = close_256(colour, min(tolerance, _CLOSE))
    if number >= 0:
        code, colour = f"8;5;{number}", rgb_256(number)
    else:
        code = f"8;2;{colour >> 16};{colour >> 8 & 255};{colour & 255}"
    return f"3{code}", f"4{code}", colour
