"""A parsed dataset, mapped from disk: opened in milliseconds, whatever its size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from fer_tui.contract import InputError, PictureError, Sample, nearest

from .classes import align
from .digests import digest_of
from .index import Index
from .pixels import together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

_UNREAD = (48, 48)  # what is shown of a picture that cannot be read
_SAME_SPLIT = ({"train", "training"}, {"val", "valid", "validation"}, {"test", "testing"})


def map_dataset(
    folder: str | Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    notes: tuple[str, ...] = (),
    owner: object = None,
) -> MappedDataset:
    """The dataset that was parsed into `folder`, or its first `limit` rows of `split`.

    notes: more of them. owner: of a temporary folder, lives as long as its files are mapped.
    InputError where the folder holds none, or there is no such split.
    """
    return MappedDataset(Index(Path(folder), notes, owner), split, limit)


class MappedDataset:
    """Images with labels and names, read from disk as they are asked for.

    classes: names of the labels. labels: int64 (n,), -1 where there is none. splits: the names of all splits; split:
    the one that is open. notes: what was understood and assumed, in plain sentences. format: what kind of source it is.
    """

    def __init__(
        self,
        files: Index,
        split: str | None = None,
        limit: int | None = None,
        aligned: Sequence[str] | None = None,
        named: Sequence[str] | None = None,
    ) -> None:
        self._files, self._named, self._aligned = files, named, aligned
        self.folder, self.name, self.format = files.folder, str(files.meta["name"]), str(files.meta["format"])
        self.splits: tuple[str, ...] = tuple(files.meta["splits"])
        self.notes: tuple[str, ...] = (*files.meta["notes"], *files.notes)
        self.digest: str = files.meta["digest"]
        self.split = _named_split(self.name, split, self.splits)
        if limit is not None and limit < 1:
            raise InputError(f"limit {limit}", "there is nothing left to open", "give a number from 1 on")
        self.limit = limit
        self._rows = self._chosen()
        labels: NDArray[np.int64] = files.labels[self._rows]
        names = tuple(files.meta["classes"] if named is None else named)
        self._targets: tuple[int, ...] | None = None
        if aligned is not None and tuple(aligned) != names:
            seen: list[bool] = files.meta["seen"] + [False] * (len(names) - len(files.meta["seen"]))
            self._targets = align(names, aligned, seen, self._first_of)
            if self._targets != tuple(range(len(names))):
                labels = np.array([*self._targets, -1], np.int64)[labels]  # the last one is for -1, no label
        self.labels, self.classes = labels, tuple(aligned) if aligned is not None else names

    @property
    def key(self) -> str:
        """What a result over the whole dataset is stored by: digest, split, limit, and what the labels stand for."""
        parts = (self.digest, self.split, self.limit, self._targets)
        return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    @property
    def uniform_shape(self) -> tuple[int, int] | tuple[int, int, int] | None:
        """(h, w) or (h, w, 3) where all images have that shape (of picture files: all that were looked at)."""
        shape = self._files.meta["shape"]
        return cast("tuple[int, int]", tuple(shape)) if shape is not None else None

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64 (classes,): rows of each class."""
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self.classes))

    @property
    def source_rows(self) -> NDArray[np.int64]:
        """int64 (n,): where each row is in the whole source."""
        whole: NDArray[np.int64] = np.arange(self._files.count)
        return whole[self._rows]

    @property
    def source_range(self) -> NDArray[np.int64] | range:
        """The same; a range where they lie together, which takes no memory."""
        return range(self._rows.start, self._rows.stop) if isinstance(self._rows, slice) else self._rows

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Sample]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> Sample:
        """InputError where there is no such row, or its picture cannot be read."""
        return Sample(self._image(row), int(self.labels[row]), self.name_of(row))

    def images(self, start: int, stop: int) -> Sequence[Image]:
        """The images of rows start to stop - 1; one array (n, h, w[, 3]) where all have the same size."""
        rows = range(start, max(start, min(stop, len(self))))
        if isinstance(self._rows, slice) and rows:
            return self._files.pixels.images(self._rows.start + rows.start, self._rows.start + rows.stop)
        return together([self._image(row) for row in rows])

    def readable(self, rows: Sequence[int]) -> tuple[list[Image | None], list[PictureError]]:
        """The images of some rows, None for a picture that cannot be read, and what is wrong with each of these.

        InputError where it is not a picture that is at fault: the data have changed, or cannot be read at all.
        """
        images: list[Image | None] = []
        faults = []
        for row in rows:
            try:
                images.append(self._image(row))
            except PictureError as error:
                images.append(None)
                faults.append(error)
        return images, faults

    def shown(self, row: int) -> Image:
        """The image of a row to be looked at: an even gray one in the place of one that cannot be read."""
        try:
            return self._image(row)
        except InputError:
            return np.full(self.uniform_shape or _UNREAD, 128, np.uint8)

    def name_of(self, row: int) -> str:
        """The row's id in the source, or its path below the source's folder, or its number in the whole source."""
        return self._files.name(self._source_row(row))

    def image_digest(self, row: int) -> str:
        """The digest of a row's image, made when it is first asked for."""
        return self.image_digests([row])[0]

    def image_digests(self, rows: Sequence[int]) -> list[str]:
        """Those of some rows. They are kept beside the parsed files: an image is read once for all times."""
        sources = [self._source_row(row) for row in rows]
        found = []
        for source, known in zip(sources, self._files.digests.known(sources), strict=True):
            if known is None:
                known = digest_of(self._files.pixels.image(source))
                self._files.digests.keep(source, known)
            found.append(known.hex())
        return found

    def known_digests(self, rows: Sequence[int]) -> list[str | None]:
        """The same as far as they are known: no image is read."""
        known = self._files.digests.known([self._source_row(row) for row in rows])
        return [each.hex() if each is not None else None for each in known]

    def keep_digests(self, found: Mapping[int, str]) -> None:
        """Take the digests of rows that another process has looked at, perhaps on another machine."""
        for row, known in zip(found, self.known_digests(list(found)), strict=True):
            if known is None:
                self._files.digests.keep(self._source_row(row), bytes.fromhex(found[row]))

    def aligned(self, classes: Sequence[str]) -> MappedDataset:
        """The same rows, with labels that are indices into a classifier's `classes`; InputError where names miss."""
        same = tuple(classes) == self.classes
        return self if same else MappedDataset(self._files, self.split, self.limit, classes, self._named)

    def named(self, classes: Sequence[str]) -> MappedDataset:
        """The same rows, with names for labels that are mere numbers; InputError where there are too few."""
        if len(classes) < len(self.classes):
            fault = f"the labels of {self.name} go up to {len(self.classes) - 1}, and {len(classes)} classes are named"
            raise InputError("classes", fault, "name one for each label")
        return MappedDataset(self._files, self.split, self.limit, named=classes)

    def narrowed(self, split: str | None, limit: int | None = None) -> MappedDataset:
        """The same source, with the same classes, and another split or limit."""
        return MappedDataset(self._files, split, limit, self._aligned, self._named)

    def _first_of(self, label: int) -> str:
        """The source, and where in it a label is first met."""
        row = int(np.argmax(self._files.labels == label))
        name = self._files.name(row)
        return f"{self.name} row {row}" + (f" ({name})" if name != str(row) else "")

    def _image(self, row: int) -> Image:
        return self._files.pixels.image(self._source_row(row))

    def _source_row(self, row: int) -> int:
        if not 0 <= row < len(self):
            raise InputError(f"image {row}", f"{self.name} has no such row", f"it has rows 0 to {len(self) - 1}")
        return self._rows.start + row if isinstance(self._rows, slice) else int(self._rows[row])

    def _chosen(self) -> slice | NDArray[np.int64]:
        """The source's rows that are open: a slice where they lie together, so that nothing is copied."""
        if self.split is None:
            return slice(0, min(self._files.count, self.limit or self._files.count))
        rows = np.flatnonzero(self._files.splits == self.splits.index(self.split))
        if not len(rows):
            raise InputError(f"split {self.split}", f"{self.name} has no rows in it")
        rows = rows[: self.limit]
        together = int(rows[-1]) - int(rows[0]) + 1 == len(rows)
        return slice(int(rows[0]), int(rows[-1]) + 1) if together else rows


def _named_split(name: str, split: str | None, splits: tuple[str, ...]) -> str | None:
    """The split that is meant by `split`."""
    if split is None:
        return None
    if not splits:
        raise InputError(f"split {split}", f"{name} has no splits", "leave --split out")
    wanted = split.casefold()
    for each in splits:
        if each == split:
            return each
    for each in splits:
        if each.casefold() == wanted or any({each.casefold(), wanted} <= words for words in _SAME_SPLIT):
            return each
    raise InputError(
        f"split {split}", f"{name} has none of that name{nearest(split, splits)}", f"it has {', '.join(splits)}"
    )
