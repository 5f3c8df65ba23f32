"""Where the images of a parsed dataset lie, and how each is read: raw bytes in one file or several, or pictures."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np

from .sources import Source, SourceFiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

_AT_HAND = 16  # decoded images that are kept: a cursor goes back and forth
_LARGE = 1 << 22  # bytes of an image that is not


class Pixels(Protocol):
    """The images, by their row in the whole source. InputError where one cannot be read."""

    def image(self, row: int) -> Image:
        """uint8 (h, w) or (h, w, 3), not to be written to."""
        ...

    def images(self, start: int, stop: int) -> Sequence[Image]:
        """Those of rows start to stop - 1; one array (n, h, w[, 3]) where all have the same size."""
        ...


class Segment(NamedTuple):
    """Images of one shape that lie one after the other in a file. first: the row of the first one."""

    source: int
    first: int
    offset: int
    shape: tuple[int, ...]


class Raw:
    """Images as plain bytes, in one segment or a few."""

    def __init__(self, files: SourceFiles, segments: Sequence[Segment]) -> None:
        self._files, self._segments = files, segments
        self._firsts = [each.first for each in segments]

    def image(self, row: int) -> Image:
        found = self._segments[bisect_right(self._firsts, row) - 1]
        size = math.prod(found.shape)
        return _shaped(self._files.read(found.source, found.offset + (row - found.first) * size, size), found.shape)

    def images(self, start: int, stop: int) -> Sequence[Image]:
        number = bisect_right(self._firsts, start) - 1
        if number + 1 < len(self._firsts) and self._firsts[number + 1] < stop:
            return together([self.image(row) for row in range(start, stop)])
        found = self._segments[number]
        size = math.prod(found.shape)
        data = self._files.read(found.source, found.offset + (start - found.first) * size, (stop - start) * size)
        return cast("Sequence[Image]", _shaped(data, (stop - start, *found.shape)))


class Mixed:
    """Images as plain bytes in a file, each of its own shape.

    places: int64 (n, 4): offset, height, width, channels (0: gray).
    """

    def __init__(self, files: SourceFiles, places: NDArray[np.int64]) -> None:
        self._files, self._places = files, places

    def image(self, row: int) -> Image:
        offset, height, width, channels = (int(number) for number in self._places[row])
        shape = (height, width, channels) if channels else (height, width)
        return _shaped(self._files.read(0, offset, math.prod(shape)), shape)

    def images(self, start: int, stop: int) -> Sequence[Image]:
        return together([self.image(row) for row in range(start, stop)])


class Decoded:
    """Pictures that are decoded when they are asked for; the last few stay at hand.

    decode: the image of a row.
    """

    def __init__(self, decode: Callable[[int], Image]) -> None:
        self._decode = decode
        self._kept = lru_cache(_AT_HAND)(self._small)

    def image(self, row: int) -> Image:
        try:
            return self._kept(row)
        except _TooLargeError as found:
            return found.image

    def images(self, start: int, stop: int) -> Sequence[Image]:
        return together([self._decode(row) for row in range(start, stop)])

    def _small(self, row: int) -> Image:
        image = self._decode(row)
        if image.nbytes > _LARGE:
            raise _TooLargeError(image)
        return image


class _TooLargeError(Exception):
    """Carries an image past the cache, which would keep it."""

    def __init__(self, image: Image) -> None:
        self.image = image


def open_pixels(
    kept: dict[str, Any],
    folder: Path,
    names: Callable[[int], str],
    mapped: Callable[[str, Any, tuple[int, ...]], NDArray[Any]],
    count: int,
) -> Pixels:
    """The images that a parsed dataset tells of.

    kept: what its meta data say of them. names: of the rows. mapped: a file of the folder as an array.
    """
    from .layout import IMAGES, PLACES

    match kept["kind"]:
        case "own":
            stat = (folder / IMAGES).stat()
            if stat.st_size != kept["size"]:
                raise ValueError(f"{IMAGES} is not of the size that its meta data tell")
            files = SourceFiles([Source(str(folder / IMAGES), stat.st_size, stat.st_mtime_ns)])
            files.check(0)  # open from now on: who has it open keeps it when it is deleted
            if kept["shape"] is None:
                return Mixed(files, mapped(PLACES, np.int64, (count, 4)))
            return Raw(files, [Segment(0, 0, 0, tuple(kept["shape"]))])
        case "inside":
            segments = [
                Segment(number, first, offset, tuple(shape)) for number, first, offset, shape in kept["segments"]
            ]
            files = _sources(kept)
            files.check(0)
            return Raw(files, segments)
        case "files":
            from .listing import read_unchanged

            root, states = Path(kept["root"]), mapped(PLACES, np.int64, (count, 2))
            return Decoded(lambda row: read_unchanged(root / names(row), states[row], folder))
        case "members":
            from .webdataset import decoded

            files, places = _sources(kept), mapped(PLACES, np.int64, (count, 3))
            return Decoded(lambda row: decoded(files, places, row, names(row)))
        case "parquet":
            from .parquet_rows import Encoded

            groups = mapped(PLACES, np.int64, (kept["groups"], 3))
            return Decoded(Encoded(_sources(kept), groups, kept["column"], count).image)
    raise ValueError(f"images of kind {kept['kind']!r} are not known")


def _sources(kept: dict[str, Any]) -> SourceFiles:
    return SourceFiles([Source(*each) for each in kept["sources"]])


def together(images: Sequence[Image]) -> Sequence[Image]:
    """One array where all have the same shape."""
    return cast("Sequence[Image]", np.stack(images)) if len({each.shape for each in images}) == 1 else images


def _shaped(data: bytearray, shape: tuple[int, ...]) -> Image:
    image: Image = np.frombuffer(data, np.uint8).reshape(shape)
    image.flags.writeable = False
    return image
