"""How good a picture may be on this link: as many colours and pixels as it takes in a moment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image

_MOMENT = 0.15  # seconds that one picture may take on its way
_ALIKE = 0.3  # of a picture's bytes: those that differ less are taken for alike


@dataclass(frozen=True, slots=True)
class Grade:
    """colours: at most so many. share: of the picture's own width and height."""

    colours: int
    share: float = 1.0

    def of(self, picture: Image.Image) -> Image.Image:
        """The picture in as many pixels."""
        if self.share == 1.0:
            return picture
        size = (max(1, round(picture.width * self.share)), max(1, round(picture.height * self.share)))
        return picture.resize(size, Image.Resampling.BOX)


class Quality:
    """Finds the best grade that is small enough, from what the pictures before it took.

    grades: from the best to the least. enough: bytes that a picture of each mode may take on any link.
    """

    def __init__(self, grades: tuple[Grade, ...], enough: Mapping[str, int]) -> None:
        self._grades, self._enough = grades, enough
        self._sizes: dict[Grade, int] = {}  # of the last picture in each grade
        self.words = ""  # what a slow link takes away, '' where it does not

    def encoded(self, encode: Callable[[Grade], str], mode: str, rate: float | None) -> str:
        """What `encode` makes of the best grade that fits. rate: bytes a second, None where it is not known."""
        enough = self._enough.get(mode, sys.maxsize)
        limit = enough if rate is None else min(enough, rate * _MOMENT)
        for grade in self._grades:
            if self._sizes.get(grade, 0) > limit and grade != self._grades[-1]:
                continue
            data = encode(grade)
            self._note(grade, len(data))
            if len(data) <= limit:
                break
        self.words = _told(grade) if limit < enough and grade != self._grades[0] else ""
        return data

    def _note(self, grade: Grade, size: int) -> None:
        """Remember a size; where it is far from the last one the pictures are of another kind."""
        before = self._sizes.get(grade, size)
        if abs(size - before) > _ALIKE * before:
            self._sizes.clear()
        self._sizes[grade] = size


def _told(grade: Grade) -> str:
    smaller = f", 1/{round(1 / grade.share)} of the size" if grade.share < 1 else ""
    return f"slow link: {grade.colours} colours{smaller}"
