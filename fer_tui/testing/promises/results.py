"""What is yielded: of the declared kind and size, finite, told in plain words, fit to be stored."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping

import numpy as np

from fer_tui.contract import Explanation, Gallery, Heatmap, Matrix, Result, plain
from fer_tui.engine import codec
from fer_tui.engine.agreement import numbers
from fer_tui.engine.tasks import Task
from fer_tui.testing.bench import PLAIN, SIZES, Bench, copied, identical
from fer_tui.testing.broken import Broken, expect, told

from .promise import Promise

_KINDS: Mapping[str, type[Explanation]] = {each.kind: each for each in (Heatmap, Gallery, Matrix)}


def _run(bench: Bench) -> list[Result]:
    with told("when it explained an image of the toy network"):
        made = list(bench.bare(bench.task(bench.engine())))
    for each in made:
        expect(isinstance(each, Result), f"it yielded a {type(each).__name__}", "yield fer_tui.contract.Result")
    expect(bool(made), "it yielded no result", "yield at least one Result, with final=True")
    return made


def _is_of_its_kind(bench: Bench) -> None:
    wanted = _KINDS[bench.kind]
    for each in _run(bench):
        made = each.explanation
        expect(
            isinstance(made, wanted),
            f"it declares the kind {bench.kind}, and yielded a {type(made).__name__}",
            f"yield a {wanted.__name__}, or declare another kind",
        )


def _of_every_size(bench: Bench) -> Iterator[tuple[str, Task, Explanation]]:
    """(what it is of, the task, an explanation) of every setting that it explains."""
    for name, setting in {"the plain one": PLAIN, **SIZES}.items():
        task = bench.task(bench.engine(setting))
        with contextlib.suppress(Exception):  # "every size is explained" tells it
            yield from ((name, task, each.explanation) for each in list(bench.bare(task)))


def _fits_the_input(bench: Bench) -> None:
    for name, task, made in _of_every_size(bench):
        classifier, image = task.subject.classifier, task.subject.image
        size = classifier.input_shape[1:]
        if isinstance(made, Heatmap):
            expect(
                made.values.shape == size,
                f"a map is {made.values.shape} where the network's input is {size} ({name})",
                "scale the map to classifier.input_shape[1:], height first; nothing is square",
            )
            expect(
                image is None or np.array_equal(made.image, classifier.shown(image)),
                f"Heatmap.image is not the picture as the network sees it ({name})",
                "give image=classifier.shown(subject.image)",
            )
        elif isinstance(made, Matrix):
            expect(
                made.classes == classifier.classes,
                f"a matrix has the classes {made.classes[:5]} ({name})",
                "give classes=classifier.classes",
            )
        else:
            expect(len(numbers(made)) > 0, f"a gallery has no picture ({name})", "yield at least one picture")


def _keeps_its_range(bench: Bench) -> None:
    for name, _, made in _of_every_size(bench):
        values = numbers(made)
        broken = int((~np.isfinite(values)).sum())
        expect(
            not broken,
            f"{broken} of {values.size} values are not finite ({name})",
            "look for a division by zero, the logarithm of zero, or float16 that overflows",
        )
        least = float(values.min(initial=0))
        if isinstance(made, Heatmap) and not made.signed:
            expect(
                least >= 0,
                f"an unsigned map has the value {least:.3g} ({name})",
                "give signed=True where negative values speak against the target, else take absolute values",
            )
        if isinstance(made, Matrix):
            expect(least >= 0, f"a matrix has the count {least:.0f} ({name})", "count rows")


def _speaks_plainly(bench: Bench) -> None:
    for each in _run(bench):
        made = each.explanation
        texts = [*made.notes, *(made.captions if isinstance(made, Gallery) else ())]
        expect(isinstance(made.notes, tuple), f"notes are a {type(made.notes).__name__}", "give a tuple of texts")
        for text in texts:
            expect(
                isinstance(text, str) and bool(text.strip()) and plain(text) == text,
                f"a note or caption is {text!r}",
                "write one line of plain text: no line break, no escape sequence, no markup",
            )


def _can_be_stored(bench: Bench) -> None:
    for each in _run(bench):
        made = each.explanation
        mend = "extras hold arrays of numbers; meta holds texts, finite numbers, lists and tables"
        with told("when a result was packed for the store", mend):
            again = codec.unpack(codec.pack(made))
            told_again = json.loads(json.dumps(dict(made.meta)))
        expect(identical(made, again), "a result is another one after a way through the store", mend)
        expect(dict(again.meta) == told_again, "meta is another one after a way through the store", mend)


def _stays(bench: Bench) -> None:
    with told("when it explained an image of the toy network"):
        made = [(each.explanation, copied(each.explanation)) for each in bench.bare(bench.task(bench.engine()))]
    for live, kept in made:
        if not identical(live, kept):
            raise Broken(
                "a result was changed after it had been yielded: the next step wrote into its array",
                "yield a copy: Heatmap(values=running.copy(), ...)",
            )


def _is_final(bench: Bench) -> None:
    task = bench.task(bench.engine())
    with told("when it explained an image of the toy network"):
        made = list(bench.bare(task))
    done = set()
    for each in made:
        expect(
            each.place not in done,
            f"after the final result for {each.place.to_dict()} came another one for it",
            "give final=True with the last result for a place only",
        )
        extra = set(each.place.to_dict()) - set(task.place.to_dict())
        expect(not extra, f"a result's place names {', '.join(extra)}, which is no axis of it",
               "yield Result(subject.place, ...), or dataclasses.replace(subject.place, target=...)")  # fmt: skip
        done |= {each.place} if each.final else set()
    expect(
        task.place in done,
        f"it ended without a final result for the place that was asked for: {task.place.to_dict()}",
        "yield Result(subject.place, ..., final=True) at the end",
    )


PROMISES = (
    Promise("results are of the declared kind", "A face draws what the kind tells it to.", _is_of_its_kind),
    Promise("results fit the input", "A map lies over the picture pixel by pixel.", _fits_the_input),
    Promise("values keep their range", "Colours, shares and means of NaN, or of the wrong sign, mean nothing.",
            _keeps_its_range),
    Promise("notes are plain words", "They are shown in a terminal as they are.", _speaks_plainly),
    Promise("results can be stored", "What was made once is taken from the store from then on.", _can_be_stored),
    Promise("results stay as they were", "An early result is shown while the next one is made.", _stays),
    Promise("it ends with a final result", "Only final results are stored, exported and counted.", _is_final),
)  # fmt: skip
