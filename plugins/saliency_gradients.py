"""Plain gradients: of the input, and times the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .saliency_scores import Attribution, Gradients, Image, Score


def gradient(
    score: Score, images: Sequence[Image], targets: Sequence[int], *, times_input: bool = False
) -> Iterator[tuple[int, Attribution]]:
    """d y_t / d x (Simonyan et al. 2013), or x * d y_t / d x (Shrikumar et al. 2016), with each image's number."""

    def run(start: int, stop: int) -> Callable[[], Gradients]:
        return score.gradients(score.inputs(images[start:stop]), targets[start:stop], times_input=times_input)

    for start, _, made in score.batches(len(images), run, "gradient"):
        for index, (channels, said) in enumerate(zip(*made(), strict=True), start):
            yield index, Attribution(channels=channels, notes=tuple(said))
