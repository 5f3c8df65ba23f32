"""The samples of one image: drawn, predicted step by step, and what is fitted to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_tui.contract import Classifier

from .hastening import lightened
from .lime_inputs import Bulk, Picture, in_colour, normalisation, probabilities, probable
from .lime_regression import Fit, closeness, draw, fit, package_fit, stability
from .lime_segments import segmented

_PACKAGE_BATCH = 10


class Sampling:
    """segments: int64 (H, W); data: (samples, segments), 0 where hidden; probabilities: float32 (samples, classes).

    about: how the samples are prepared and predicted, in words.
    """

    def __init__(
        self,
        classifier: Classifier,
        image: NDArray[np.uint8],
        *,
        seed: int = 0,
        samples: int = 1000,
        segmentation: str = "slic",
        segments: int = 0,
        batch: int = 0,
        exact: bool = False,
        precision: str = "float32",
    ) -> None:
        self._classifier, self._seed, self._exact = classifier, seed, exact
        self.shown = classifier.shown(image)
        self.segments = segmented(in_colour(self.shown), segmentation, segments)
        self.data = draw(seed, samples, int(self.segments.max()) + 1)
        self.probabilities = np.full((samples, len(classifier.classes)), np.nan, np.float32)
        self.about: dict[str, Any] = {}
        self._weights = closeness(self.data)
        self._predict = self._predictor(image, precision)
        self._batch = batch or (_PACKAGE_BATCH if exact else 0)

    def _predictor(
        self, image: NDArray[np.uint8], precision: str
    ) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
        classifier = self._classifier
        picture = Picture.cut(self.shown, self.segments)
        normalise = normalisation(classifier, image, picture)
        softmax = not probable(classifier, image)
        self.about["prepared"] = "pixel by pixel" if normalise else "picture by picture, in 8 bits"
        if self._exact:
            function = probabilities(lightened(classifier, classifier.inputs([image])), normalise, softmax)
            return lambda rows: function(picture.samples(rows))
        if normalise is not None:
            bulk = Bulk(classifier, picture, normalise, softmax, precision)
            self.about["network"] = bulk.how
            return bulk
        fast, self.about["network"] = classifier.folded(precision)
        function = probabilities(fast, None, softmax)
        return lambda rows: function(picture.samples(rows))

    def predicted(self) -> Iterator[int]:
        """Predict all samples; yields how many are done, after each batch."""
        kind = f"lime {self.about.get('network', '')}"
        for start, stop, found in self._classifier.in_batches(len(self.data), self._run, kind, size=self._batch):
            self.probabilities[start:stop] = found
            yield stop

    def _run(self, start: int, stop: int) -> NDArray[np.float32]:
        return self._predict(self.data[start:stop])

    def usable(self, count: int) -> NDArray[np.bool_]:
        """Which of the first `count` samples have finite scores; ValueError where the whole picture has none."""
        finite = np.asarray(np.isfinite(self.probabilities[:count]).all(axis=1))
        if not finite[0]:
            raise ValueError("the network's scores are not finite: look at the weights and the preprocessing")
        return finite

    def fitted(self, count: int) -> Fit:
        """The model of the first `count` samples."""
        rows = np.flatnonzero(self.usable(count))
        return fit(self.data[rows], self.probabilities[rows], self._weights[rows])

    def finished(self, labels: Sequence[int]) -> Fit:
        """The model of all samples; where `exact`, with the package's own numbers for the classes `labels`."""
        found = self.fitted(len(self.data))
        if not self._exact:
            return found
        rows = np.flatnonzero(self.usable(len(self.data)))
        coefficients, intercepts = found.coefficients.copy(), found.intercepts.copy()
        for label in labels:
            coefficients[label], intercepts[label] = package_fit(self.data[rows], self.probabilities[rows, label])
        return dataclasses.replace(found, coefficients=coefficients, intercepts=intercepts)

    def stability(self, top: int) -> NDArray[np.float64]:
        """How far the `top` strongest segments would be the same with another seed: (classes,), 0 to 1."""
        rows = np.flatnonzero(self.usable(len(self.data)))
        return stability(self.data[rows], self.probabilities[rows], self._weights[rows], top, self._seed)
