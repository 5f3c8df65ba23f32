"""Many passes for each of many images, in joint batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from .crossing import sent
from .saliency_scores import Score

Tensors = tuple[Tensor, ...]


class Span(NamedTuple):
    """The passes from `start` to `stop` of one image."""

    image: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Passes:
    """A batch of n passes, `start` to `stop` of images that take `each` passes: all of one image, then the next one's.

    So neighbouring images take part, k of them, and at most the first one has begun in an earlier batch.
    """

    start: int
    stop: int
    each: int

    @property
    def spans(self) -> list[Span]:
        """What of each image takes part, (k,)."""
        images = range(self.start // self.each, (self.stop - 1) // self.each + 1)
        begins = [image * self.each for image in images]
        return [
            Span(image, max(self.start - begin, 0), min(self.stop - begin, self.each))
            for image, begin in zip(images, begins, strict=True)
        ]

    @property
    def images(self) -> slice:
        """Which images take part."""
        return slice(self.start // self.each, (self.stop - 1) // self.each + 1)

    @property
    def fresh(self) -> slice:
        """Which of the images that take part begin here."""
        return slice(int(self.start % self.each > 0), None)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The number of each pass among those of its image, (n,)."""
        return np.arange(self.start, self.stop) % self.each

    def spread(self, *tensors: Tensor) -> list[Tensor]:
        """Tensors with a row for each image (k, ...) as such with one for each pass (n, ...)."""
        if self._count == 1:
            return [each.expand(self.stop - self.start, *each.shape[1:]) for each in tensors]
        rows = sent(torch.from_numpy(self._rows), tensors[0].device)
        return [each.index_select(0, rows) for each in tensors]

    def targets(self, targets: Sequence[int]) -> list[int]:
        """The target of each pass, out of those of all images."""
        return [targets[row] for row in (self._rows + self.images.start).tolist()]

    def summed(self, values: Tensor) -> Tensor:
        """What the passes found (n, ...), added up for each image: float64 (k, ...)."""
        begin = -self.start % self.each  # where the first image begins
        end = max(begin, len(values) - self.stop % self.each)  # where the last one begins, if it is not whole
        whole = values[begin:end]
        whole = whole.reshape(len(whole) // self.each, self.each, *values.shape[1:])
        # No product with zeros for the other images: what is not finite in one would be so in all.
        parts = [part for part in (values[None, :begin], whole, values[None, end:]) if part.numel()]
        return torch.cat([part.sum(1, dtype=torch.float64) for part in parts])

    def by_image(self, numbers: Tensor) -> Tensor:
        """Numbers of the passes (n,), each at its place among all passes of its image, (k, each); elsewhere 0."""
        begin = self.images.start * self.each
        return F.pad(numbers, (self.start - begin, begin + self._count * self.each - self.stop)).view(-1, self.each)

    @property
    def _count(self) -> int:
        return self.images.stop - self.images.start

    @property
    def _rows(self) -> NDArray[np.int64]:
        """Which of the images that take part each pass is of, (n,)."""
        return np.arange(self.start, self.stop) // self.each - self.images.start


def sliding(make: Callable[[int, int], Tensors]) -> Callable[[int, int], Tensors]:
    """`make`, which returns tensors with a row for each image from a start to a stop; for batches one after another.

    An image that the batch before had, too, is not made again.
    """
    begin, end, made = 0, 0, Tensors()

    def of(start: int, stop: int) -> Tensors:
        nonlocal begin, end, made
        if not begin <= start < end:
            made = make(start, stop)
        elif stop <= end:
            made = tuple(each[start - begin : stop - begin] for each in made)
        else:
            pairs = zip(made, make(end, stop), strict=True)
            made = tuple(torch.cat([known[start - begin :], new]) for known, new in pairs)
        begin, end = start, stop
        return made

    return of


def in_passes(
    score: Score, images: int, each: int, run: Callable[[Passes], Sequence[Tensor]], work: str
) -> Iterator[tuple[Span, list[NDArray[Any]]]]:
    """Span by span what `run` makes of all passes of all images, in batches: see Classifier.in_batches.

    run: returns tensors with a row for each image that takes part (k, ...). A span gets its image's rows: arrays that
    may be parts of one whole, float64 if any tensor is.
    """

    def batch(start: int, stop: int) -> tuple[list[Span], Callable[[], list[NDArray[Any]]]]:
        passes = Passes(start, stop, each)
        return passes.spans, score.classifier.fetching(*run(passes))

    for _, _, (spans, fetched) in score.batches(images * each, batch, work):
        found = fetched()
        for row, span in enumerate(spans):
            yield span, [of_all[row] for of_all in found]
