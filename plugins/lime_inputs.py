"""From samples to probabilities: pictures with hidden segments, prepared for the network in bulk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_tui.contract import Classifier

from .hastening import hastened

_TRIED = 4  # samples on which the preparation in bulk is compared with the classifier's own
_CLOSE = 1e-5  # how near they must come, as a share of the largest value

Image = NDArray[np.uint8]
Rows = NDArray[np.int64]  # (N, segments), 0 where a segment is hidden
Function = Callable[[NDArray[np.float64]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """A picture in segments. shown: uint8 (H, W[, 3]); rgb: float64 (H, W, 3), 0..1; segments: (H, W), from 0.

    hidden: what a hidden segment looks like, its mean of each channel, as rgb.
    """

    shown: Image
    rgb: NDArray[np.float64]
    segments: NDArray[np.int64]
    hidden: NDArray[np.float64]

    @classmethod
    def cut(cls, shown: Image, segments: NDArray[np.int64]) -> Picture:
        rgb = in_colour(shown)
        hidden = rgb.copy()
        for segment in range(segments.max() + 1):
            inside = segments == segment
            part = rgb[inside]  # each mean apart: numpy's order of summation, thus the last bit, is the package's
            hidden[inside] = [np.mean(part[:, channel]) for channel in range(3)]
        return cls(shown, rgb, segments, hidden)

    def samples(self, rows: Rows) -> NDArray[np.float64]:
        """The picture with the segments hidden where a row is 0: (N, H, W, 3)."""
        return np.where(self.keeps(rows)[..., None], self.rgb, self.hidden)

    def keeps(self, rows: Rows) -> NDArray[np.bool_]:
        """Which pixels are kept: (N, H, W)."""
        kept: NDArray[np.bool_] = (rows != 0)[:, self.segments]
        return kept

    def pictures(self, rows: Rows) -> Image:
        """`samples` in 8 bits, as the classifier takes pictures: (N, H, W[, 3])."""
        hidden = levels(self.hidden)
        kept = self.keeps(rows)
        if self.shown.ndim == 2:
            return np.where(kept, self.shown, hidden[..., 0])
        return np.where(kept[..., None], self.shown, hidden)


def in_colour(shown: Image) -> NDArray[np.float64]:
    """A picture as the lime package takes it: float64 (H, W, 3), 0..1."""
    rgb = shown / 255
    return np.repeat(rgb[..., None], 3, axis=2) if rgb.ndim == 2 else rgb


def levels(rgb: NDArray[np.float64]) -> Image:
    """The nearest 8-bit picture."""
    return np.rint(rgb * 255).astype(np.uint8)


@dataclass(frozen=True, eq=False, slots=True)
class Normalisation:
    """(x - mean) / std, pixel by pixel, x in 0..1. mean, std: float32 (C, 1, 1) on the device."""

    mean: Tensor
    std: Tensor

    def __call__(self, rgb: NDArray[np.float64]) -> Tensor:
        """float64 (N, H, W, 3) -> float32 (N, C, H, W), contiguous; a gray network takes the first channel."""
        planes = torch.from_numpy(rgb).permute(0, 3, 1, 2)[:, : len(self.mean)]
        # A fresh tensor: one plane, moved about, may pass for channels last, and a convolution then rounds otherwise.
        x = torch.empty(planes.shape, device=self.mean.device).copy_(planes)
        return x.sub_(self.mean).div_(self.std)


def normalisation(classifier: Classifier, image: Image, picture: Picture) -> Normalisation | None:
    """The classifier's preparation as mean and std, or None where it is something else than that.

    The contract shows only what becomes of pictures: black and white tell mean and std, and the image itself and
    some of its samples must come out as the classifier prepares them.
    """
    flat = np.stack([np.zeros_like(picture.shown), np.full_like(picture.shown, 255)])
    black, white = classifier.inputs(list(flat)).detach().double().flatten(2).cpu()
    if len(black) not in (1, 3) or (len(black) == 3 and picture.shown.ndim == 2):
        return None
    step = white - black
    if not bool(torch.isfinite(step).all() and (step != 0).all()):
        return None
    std, mean = 1 / step[:, 0], -black[:, 0] / step[:, 0]
    generator = np.random.RandomState(0)
    rows = generator.randint(0, 2, (_TRIED, int(picture.segments.max()) + 1))
    tried = picture.pictures(rows)
    expected = torch.cat([classifier.inputs([image]), classifier.inputs(list(tried))]).detach()
    pictures = np.concatenate([picture.rgb[None], np.stack([in_colour(each) for each in tried])])
    for digits in (2, 3, 4, 5, 6, 7, None):  # people write short numbers: then all comes out to the last bit
        found = _rounded(mean, std, digits, classifier.device)
        gap = (found(pictures) - expected).abs().max()
        if bool(gap == 0) or (digits is None and bool(gap <= _CLOSE * expected.abs().max())):
            return found
    return None


def _rounded(mean: Tensor, std: Tensor, digits: int | None, device: torch.device) -> Normalisation:
    numbers = [each if digits is None else torch.round(each, decimals=digits) for each in (mean, std)]
    return Normalisation(*(each.float().view(-1, 1, 1).to(device) for each in numbers))


def probabilities(classifier: Classifier, normalise: Normalisation | None, softmax: bool) -> Function:
    """The classifier function that the lime package would be given: float64 (N, H, W, 3) in 0..1 -> (N, classes).

    RGB -> the network's channels (the first one, where it is gray) -> preparation in float32 -> raw scores -> softmax
    over the classes where `softmax`, float32. Without `normalise` pictures are rounded to 8 bits and prepared by the
    classifier.
    """
    gray = classifier.input_shape[0] == 1

    def function(rgb: NDArray[np.float64]) -> NDArray[np.float32]:
        if normalise is not None:
            return _shares(classifier, normalise(rgb), softmax)
        pictures = levels(rgb)
        return _shares(classifier, classifier.inputs(list(pictures[..., 0] if gray else pictures)), softmax)

    return function


def probable(classifier: Classifier, image: Image) -> bool:
    """Whether the network ends in a softmax: then its scores are probabilities already."""
    with torch.no_grad():
        scores = classifier.scores(classifier.inputs([image]))[0].double()
    return len(scores) > 1 and bool((scores >= 0).all()) and abs(float(scores.sum()) - 1) < 1e-3


def _shares(classifier: Classifier, x: Tensor, softmax: bool) -> NDArray[np.float32]:
    with torch.no_grad():
        scores = classifier.scores(x).float()
        found: NDArray[np.float32] = (scores.softmax(1) if softmax else scores).cpu().numpy()
    return found


class Bulk:
    """Probabilities of samples, as fast as it goes: (N, segments) -> float32 (N, classes).

    Shown and hidden pixels are prepared once and only chosen between: the preparation is pixel by pixel. The numbers
    are those of `probabilities`, up to the rounding of a faster copy of the network; how: what that is, in words.
    """

    def __init__(
        self, classifier: Classifier, picture: Picture, normalise: Normalisation, softmax: bool, precision: str
    ) -> None:
        both = normalise(np.stack([picture.rgb, picture.hidden]))
        self._fast, self.how = hastened(classifier, precision, both)
        self._softmax = softmax
        if "bfloat16" in self.how:
            both = both.bfloat16()
        # Channels lie last in the faster copy: then nothing has to be moved.
        self._last = bool(self.how)
        laid = both.permute(0, 2, 3, 1) if self._last else both
        self._shape, (self._shown, self._hidden) = laid.shape[1:], laid.flatten(1)
        segments = picture.segments[..., None] if self._last else picture.segments
        self._values = np.broadcast_to(segments, self._shape).flatten()  # the segment of each value
        self._on_device = torch.from_numpy(self._values).to(both.device)

    def __call__(self, rows: Rows) -> NDArray[np.float32]:
        if self._shown.device.type == "cpu":
            kept = torch.from_numpy(np.take(rows != 0, self._values, axis=1))  # half the time that torch takes
        else:
            kept = torch.from_numpy(rows != 0).to(self._shown.device)[:, self._on_device]
        x = torch.where(kept, self._shown, self._hidden).view(-1, *self._shape)
        return _shares(self._fast, x.permute(0, 3, 1, 2) if self._last else x, self._softmax)
