"""How good a picture may be on this link: as many colours and pixels as it takes in a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

_MOMENT = 0.15  # seconds that one picture may take on its way
_BETTER = 0.4  # of the limit: below it the next picture is tried one grade better


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
    """Finds the best grade that is small enough, beginning with the last one that was.

    grades: from the best to the least. enough: bytes that a picture may take on any link.
    """

    def __init__(self, grades: tuple[Grade, ...], enough: int) -> None:
        self._grades, self._enough = grades, enough
        self._at = 0
        self.is_reduced = False

    @property
    def grade(self) -> Grade:
        """The grade of the last picture."""
        return self._grades[self._at]

    @property
    def words(self) -> str:
        """What a slow link takes away, '' where it does not."""
        if not self.is_reduced:
            return ""
        smaller = f", 1/{round(1 / self.grade.share)} of the size" if self.grade.share < 1 else ""
        return f"slow link: {self.grade.colours} colours{smaller}"

    def encoded(self, encode: Callable[[Grade], str], rate: float | None) -> str:
        """What `encode` makes of the best grade that fits. rate: bytes a second, None where it is not known."""
        limit = self._enough if rate is None else min(self._enough, rate * _MOMENT)
        data = encode(self.grade)
        while len(data) > limit and self._at < len(self._grades) - 1:
            self._at += 1
            data = encode(self.grade)
            self.is_reduced = limit < self._enough
        if len(data) < _BETTER * limit and self._at:
            self._at -= 1
            better = encode(self.grade)
            if len(better) <= limit:
                data = better
                self.is_reduced = self.is_reduced and self._at > 0
            else:
                self._at += 1
        return data
