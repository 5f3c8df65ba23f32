"""The narrowing language: which rows to list, as in `true:fear pred:sad wrong conf<.5`.

A narrowing is a row of terms, all of which must hold; `-` or `!` before a term turns it round.

    true:fear,sad   the true class is one of these      pred:happy      so is the predicted class
    wrong, right    predicted otherwise, or rightly     unlabelled      there is no true class
    conf<.5         the predicted class's probability   ptrue>=.2       the true class's probability
    loss>2          cross entropy                       entropy<.1      of the probabilities, in nats
    margin<.1       the largest less the second probability
    row<100         the row's number                    hardest         least probable true class first
    marked          marked by the user                  note:eyes       has a note with this in it; note: any note

Of two networks, or two checkpoints beside each other:

    fixed           wrong under the first, right under the second
    broken          right under the first, wrong under the second
    disagree        the two predict different classes
    changed         fixed or broken
    both-right      right under both                    both-wrong      wrong under both

Of the checkpoints of a run, as far as their predictions are known:

    learned:75      right from that checkpoint on       learned         right at the end, and not all through
    forgotten       right once, and wrong at the end    never           right under no checkpoint
    lost:75         right before that one, wrong there  flips>1         how often right became wrong or wrong right
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fer_tui.contract import FerTuiError, nearest, plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.timeline import Course

    from .predictions import Predictions

    Mask = NDArray[np.bool_]
    Test = Callable[[Predictions], Mask]

_WORDS = ("wrong", "right", "unlabelled", "hardest", "marked")
_NAMES = ("true", "pred", "note")
_NUMBERS: dict[str, Callable[[Predictions], NDArray[Any]]] = {
    "conf": lambda p: p.confidence,
    "ptrue": lambda p: p.true_confidence,
    "loss": lambda p: p.loss,
    "entropy": lambda p: p.entropy,
    "margin": lambda p: p.margin,
    "row": lambda p: p.rows,
}
_OF_COURSE = ("learned", "forgotten", "never", "lost", "flips")  # these ask for the predictions under all checkpoints
_OF_PAIR = (
    "fixed",
    "broken",
    "disagree",
    "changed",
    "both-right",
    "both-wrong",
)  # these ask for the predictions under the checkpoint beside it
_COMPARE = re.compile(r"(?P<field>[a-z]+)(?P<sign><=|>=|<|>|=)(?P<number>.*)", re.IGNORECASE)
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_TERM = re.compile(r'(?:[^\s"]|"[^"]*"?)+')


class NarrowingError(FerTuiError):
    """A term that means nothing; `start` and `stop` are its characters in the text."""

    def __init__(self, fault: str, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        super().__init__(fault)


@dataclass(frozen=True, eq=False, slots=True)
class Narrowing:
    """A narrowing that was understood. live: it hangs on predictions, so that new ones may change it.

    on_course: it hangs on those under all checkpoints; on_pair: on those under the one beside it.
    """

    text: str
    tests: tuple[Test, ...]
    live: bool
    hardest: bool
    on_course: bool = False
    on_pair: bool = False

    def rows(self, predictions: Predictions) -> NDArray[np.int64]:
        """The rows for which all terms hold, in their order."""
        import numpy as np

        from .ranking import by_rank

        mask = np.ones(len(predictions), bool)
        for test in self.tests:
            mask &= test(predictions)
        rows: NDArray[np.int64] = np.flatnonzero(mask)
        if self.hardest:  # rows that nothing is known of come last
            rows = by_rank(rows, predictions.true_confidence)
        return rows


def parse(
    text: str, classes: Sequence[str], checkpoints: Sequence[str] = (), *, several: bool = False
) -> Narrowing | None:
    """The narrowing that `text` describes, None where it has no terms; NarrowingError tells what is not understood.

    checkpoints: those of the network at hand. several: other networks are open, too.
    """
    tests: list[Test] = []
    live = hardest = on_course = on_pair = False
    for found in _TERM.finditer(text):
        term = found.group().lstrip("-!")
        turned = (len(found.group()) - len(term)) % 2 == 1
        try:
            if not term:
                raise ValueError("'-' turns a term round: -wrong")
            if term.lower() == "hardest" and turned:
                raise ValueError("'hardest' cannot be turned round")
            if term.lower() == "hardest":
                hardest = live = True
                continue
            if term.lower() in _OF_PAIR:
                test, on_predictions, on_pair = _of_pair(term.lower(), several or len(checkpoints) > 1), True, True
            elif re.split("[:<>=]", term)[0].lower() in _OF_COURSE:
                test, on_predictions, on_course = _of_course(term, checkpoints), True, True
            else:
                test, on_predictions = _test(term, classes)
        except ValueError as error:
            raise NarrowingError(str(error), *found.span()) from None
        tests.append(_turned(test) if turned else test)
        live = live or on_predictions
    if not tests and not hardest:
        return None
    return Narrowing(text.strip(), tuple(tests), live, hardest, on_course, on_pair)


def beginnings(*, run: bool, pair: bool) -> list[str]:
    """What a term may begin with, or be; run, pair: those that ask for a run, or for two checkpoints, too."""
    of_course = [*_OF_COURSE[:3], "learned:", "lost:", "flips>"] if run else []
    fields = [*(f"{name}:" for name in _NAMES), *(f"{name}<" for name in _NUMBERS)]
    return [*_WORDS, *fields, *(_OF_PAIR if pair else ()), *of_course]


def classes_term(field: str, classes: Sequence[str], number: int) -> str:
    """The term that asks for one class, as in `true:fear`; by its number where its name cannot be typed."""
    name = classes[number]
    written = f'"{name}"' if re.search(r"[\s,]", name) else name
    typed = name and plain(name) == name and classes.count(name) == 1 and _listed(written) == [name]
    return f"{field}:{written if typed else number}"


def _turned(test: Test) -> Test:
    return lambda predictions: ~test(predictions)


def _test(term: str, classes: Sequence[str]) -> tuple[Test, bool]:
    """What one term asks, and whether it asks it of the predictions. ValueError where it means nothing."""
    field, colon, names = term.partition(":")
    if colon and field.lower() == "note":
        return lambda p: _noted(p, names.strip('"').lower()), False
    if colon and field.lower() in _NAMES:
        wanted = [_class(name if name in classes else name.strip(), classes) for name in _listed(names)]
        if field.lower() == "true":
            return lambda p: _among(p.labels, wanted), False
        return lambda p: _among(p.predicted, wanted), True
    compared = _COMPARE.fullmatch(term)
    if compared and compared["field"].lower() in _NUMBERS:
        sign, number = _SIGNS[compared["sign"]], _number(compared["number"])
        name = compared["field"].lower()
        values = _NUMBERS[name]
        return lambda p: sign(values(p), number), name != "row"
    match term.lower():
        case "wrong":
            return lambda p: p.wrong, True
        case "right":
            return lambda p: p.right, True
        case "unlabelled":
            return lambda p: p.labels < 0, False
        case "marked":
            return _marked, False
    known = [*_WORDS, *(f"{name}:" for name in _NAMES), *(f"{name}<" for name in _NUMBERS)]
    hint = nearest(re.split("[:<>=]", term)[0], [*_WORDS, *_NAMES, *_NUMBERS, *_OF_COURSE, *_OF_PAIR])
    raise ValueError(f"{plain(term)!r} is no term{hint or ' (' + ', '.join(known) + ')'}")


def _marked(predictions: Predictions) -> Mask:
    import numpy as np

    marks = predictions.marks
    return np.zeros(len(predictions), bool) if marks is None else marks.marked.copy()


def _noted(predictions: Predictions, part: str) -> Mask:
    import numpy as np

    mask, notes = np.zeros(len(predictions), bool), predictions.marks.notes if predictions.marks is not None else {}
    mask[[row for row, note in notes.items() if part in note.lower()]] = True
    return mask


def _of_pair(word: str, is_pair: bool) -> Test:
    """What a word asks of two checkpoints. ValueError where there is but one."""
    if not is_pair:
        raise ValueError("there is one network: --model again names another one, several --weights are a run")

    def test(predictions: Predictions) -> Mask:
        import numpy as np

        pair = predictions.pair() if predictions.pair is not None else None
        return np.zeros(len(predictions), bool) if pair is None else np.array(getattr(pair, word.replace("-", "_")))

    return test


def _of_course(term: str, checkpoints: Sequence[str]) -> Test:
    """What a term asks of the course of the training. ValueError where it means nothing."""
    from fer_tui.timeline import number_of

    if len(checkpoints) < 2:
        raise ValueError("there is one checkpoint: several --weights, or a folder of them, are a run")
    field, colon, name = term.partition(":")
    compared = _COMPARE.fullmatch(term)
    match field.lower():
        case ("learned" | "lost") as word if colon:
            checkpoint = checkpoints[number_of(name, checkpoints)]
            return lambda p: _at_checkpoint(p, word, checkpoint)
        case "learned":
            return lambda p: _asked(p, lambda course: course.learned > 0)
        case "forgotten":
            return lambda p: _asked(p, lambda course: course.forgotten)
        case "never":
            return lambda p: _asked(p, lambda course: course.never)
    if compared and compared["field"].lower() == "flips":
        sign, number = _SIGNS[compared["sign"]], _number(compared["number"])
        return lambda p: _asked(p, lambda course: sign(course.flips, number))
    raise ValueError(f"{plain(term)!r} is no term (learned:NAME, lost:NAME, learned, forgotten, never, flips>1)")


def _asked(predictions: Predictions, test: Callable[[Course], Mask]) -> Mask:
    """What holds of the course; of nothing, while it is not known."""
    import numpy as np

    course = predictions.course
    return np.zeros(len(predictions), bool) if course is None else np.array(test(course))


def _at_checkpoint(predictions: Predictions, word: str, checkpoint: str) -> Mask:
    """The rows that were learned or lost at a checkpoint; none, while its predictions are not known."""
    import numpy as np

    def test(course: Course) -> Mask:
        if checkpoint not in course.checkpoints:
            return np.zeros(len(predictions), bool)
        number = course.checkpoints.index(checkpoint)
        if word == "learned":
            return np.asarray(course.learned == number)
        return np.asarray(~course.right[number] & course.right[max(0, number - 1)])

    return _asked(predictions, test)


def _listed(names: str) -> list[str]:
    """Names between commas; a name in quotes may have commas and spaces."""
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"?|([^,"]+)', names)] or [""]


def _class(name: str, classes: Sequence[str]) -> int:
    """A class by its name, the beginning of it, or its number."""
    if name in classes:
        return classes.index(name)
    lowered = [known.lower() for known in classes]
    if name.lower() in lowered:
        return lowered.index(name.lower())
    begun = [n for n, known in enumerate(lowered) if name and known.startswith(name.lower())]
    if len(begun) == 1:
        return begun[0]
    if name.isdecimal() and int(name) < len(classes):
        return int(name)
    if len(begun) > 1:
        raise ValueError(f"{plain(name)!r} begins {', '.join(plain(classes[n]) for n in begun[:4])}: type more of it")
    if not name:
        raise ValueError(f"name a class: {', '.join(map(plain, classes[:12]))}{' …' if len(classes) > 12 else ''}")
    raise ValueError(f"no class {plain(name)!r}{nearest(name, classes)}")


def _number(text: str) -> float:
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"{plain(text)!r} is no number" if text else "a number is missing")
    return number


def _among(values: NDArray[np.integer], wanted: Sequence[int]) -> Mask:
    import numpy as np

    mask: Mask = values == wanted[0]
    for one in wanted[1:]:
        mask |= values == one
    return np.asarray(mask)
