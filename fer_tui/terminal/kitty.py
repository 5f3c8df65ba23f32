"""Kitty's graphics protocol with Unicode placeholders: the picture is sent once, the cells that show it are text.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .tmux import through

if TYPE_CHECKING:
    from PIL import Image

PLACEHOLDER = "\U0010eeee"
MOST_CELLS = 297  # columns or rows of one picture: so many diacritics number them
_CHUNK = 4096  # bytes of a picture in one sequence, as the protocol wants it
_FIRST, _EACH = 16, 8  # ids: below 16 a colour may be changed on its way; how many one process takes at least


class Slot:
    """The place of one picture in the terminal's memory.

    id: 16 to 255, so that a palette's colour can carry it on any terminal. wrapped: for the terminal outside tmux.
    """

    __slots__ = ("id", "wrapped")

    def __init__(self, number: int, *, wrapped: bool) -> None:
        of_process = os.getpid() * _EACH + number  # two processes may share a terminal, as panes of tmux do
        self.id = _FIRST + of_process % (256 - _FIRST)
        self.wrapped = wrapped

    def send(self, picture: Image.Image, columns: int, rows: int) -> str:
        """Put a picture into the slot, to be scaled to so many cells; what was in it is freed."""
        file = io.BytesIO()
        picture.save(file, "PNG", compress_level=9)
        data = base64.standard_b64encode(file.getvalue()).decode()
        parts = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
        head = f"a=T,U=1,f=100,q=2,i={self.id},c={columns},r={rows}"
        sequences = []
        for n, part in enumerate(parts):
            keys = ",".join(filter(None, (head if n == 0 else "q=2", "m=1" if n < len(parts) - 1 else "m=0")))
            sequences.append(self._wrapped(f"\x1b_G{keys};{part}\x1b\\"))
        return "".join(sequences)

    def free(self) -> str:
        """Take the picture out of the terminal's memory."""
        return self._wrapped(f"\x1b_Ga=d,d=I,q=2,i={self.id}\x1b\\")

    def cells(self, row: int, start: int, stop: int) -> str:
        """The cells of columns `start` to `stop` in a row of the picture, each naming its own place.

        Lines wrap meanwhile: else tmux gives the marks of the screen's last cell to the one before it.
        """
        return f"\x1b[?7h\x1b[38;5;{self.id}m{''.join(_cells(row, start, stop))}\x1b[?7l"

    def _wrapped(self, sequence: str) -> str:
        return through(sequence) if self.wrapped else sequence


def _cells(row: int, start: int, stop: int) -> Iterator[str]:
    for column in range(start, stop):
        yield f"{PLACEHOLDER}{_DIACRITICS[row]}{_DIACRITICS[column]}"


def _diacritics(ranges: str) -> Iterator[str]:
    for part in ranges.split():
        first, _, last = part.partition("-")
        yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


# The protocol's numbers, 0 to 296: combining marks of class 230 of Unicode 6.0 that nothing decomposes into.
_DIACRITICS = "".join(
    _diacritics(
        "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9 "
        "5ab-5ac 5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d "
        "73f-741 743 745 747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87 "
        "135d-135f 17dd 193a 1a17 1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc "
        "1dd1-1de6 1dfe 20d0-20d1 20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d "
        "a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad "
        "1d242-1d244"
    )
)
