"""fer-tui evaluate: accuracy, recall by class and confusion: the proof that a set-up is right."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain

from . import flags, streams, which
from .progress import Narrator
from .unread import tell_unread, unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fer_tui.engine import Engine

EXAMPLES = (
    "fer-tui evaluate fer2013.csv --split PublicTest --model nets.py:Net --weights net.pt --expect .6612",
    "fer-tui evaluate --model fer-gap --model fer-res     two networks compared on the bundled faces",
)
_MOST_COLUMNS = 12  # classes up to which the confusion is shown as a table
_MOST_PAIRS = 10


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """confusion: int64 (C, C) counts of the labelled rows, rows = true. predicted: int64 (C,) counts of all rows.

    guesses: int64 (N,) the predicted class of each row, -1 where broken. support: int64 (C,) labelled rows of each
    class. broken: rows whose scores are not all finite: they are in neither count, and wrong where they are labelled.
    unread: what is wrong with each picture that cannot be read: those are in no count at all.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    predicted: NDArray[np.int64]
    support: NDArray[np.int64]
    guesses: NDArray[np.int64]
    broken: int
    unread: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return len(self.guesses) - len(self.unread)

    @property
    def labelled(self) -> int:
        return int(self.support.sum())

    @property
    def accuracy(self) -> float | None:
        """Share of the labelled rows that were predicted right, None where no row has a label."""
        return float(self.confusion.trace()) / self.labelled if self.labelled else None

    def recall(self, index: int) -> float | None:
        support = int(self.support[index])
        return float(self.confusion[index, index]) / support if support else None

    def to_dict(self) -> dict[str, Any]:
        labelled = self.labelled > 0
        return {
            "n": self.labelled if labelled else self.rows,
            "accuracy": self.accuracy,
            "recall": {name: self.recall(i) for i, name in enumerate(self.classes)} if labelled else None,
            "confusion": self.confusion.tolist() if labelled else None,
            "classes": list(self.classes),
            "predicted": dict(zip(self.classes, self.predicted.tolist(), strict=True)),
            "unlabelled": self.rows - self.labelled,
            "not_finite": self.broken,
            "unreadable": len(self.unread),
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_data(parser)
    group = parser.add_argument_group("what must hold")
    group.add_argument("--expect", metavar="ACCURACY", type=_decimal, help="exit 1 unless it is this, to its digits")
    group.add_argument("--tolerance", metavar="T", type=_decimal, help="by how much it may differ from --expect")
    which.add_checkpoint(group)
    parser.add_argument("--flip", action="store_true", help="average the scores with those of the mirrored picture")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.tolerance is not None and arguments.expect is None:
        raise flags.UsageError("error: --tolerance says how far --expect may be missed, and there is no --expect")
    settings = flags.settings_of(arguments).settings
    with Narrator() as tell:
        from fer_tui.engine import open_session

        session = open_session(settings, tell)
        number = which.checkpoint_of(arguments, session.classifier)
        compared = settings.others and number is None
        if compared and arguments.expect is not None:
            raise flags.UsageError("error: --expect is about one network: choose it with --network")
        engine, names = session.engine(), session.classifier.names
        numbers = [session.classifier.default_of(n) for n in range(len(names))] if compared else [number]
        evaluations = [evaluate(engine, each, tell, flip=arguments.flip) for each in numbers]
    evaluation = evaluations[0]
    if evaluation.accuracy is None and arguments.expect is not None:
        where = settings.data or "the data"
        raise InputError("--expect", f"{where} has no labels, so there is no accuracy", "leave --expect out")
    for note in session.notes:
        streams.say(note)
    tell_unread(evaluations[0].unread)
    for broken in (each.broken for each in evaluations if each.broken):
        streams.say(f"{broken} rows have scores that are not finite: look at the weights and the input")
    if compared:
        from . import versus

        assert engine.dataset is not None
        versus.show(names, evaluations, engine.dataset.labels, json=arguments.json)
    elif arguments.json:
        streams.put_json(evaluation.to_dict())
    else:
        show(evaluation)
    return _verdict(evaluation.accuracy, arguments.expect, arguments.tolerance)


def evaluate(
    engine: Engine, checkpoint: int | None = None, tell: Narrator | None = None, *, flip: bool = False
) -> Evaluation:
    """Scores of the whole dataset, counted. flip: of each picture and its mirror image, averaged."""
    import numpy as np

    classes = engine.classifier.classes
    assert engine.dataset is not None
    labels = np.asarray(engine.dataset.labels)
    count, total = len(classes), len(labels)
    confusion = np.zeros((count, count), np.int64)
    predicted = np.zeros(count, np.int64)
    guesses = np.full(total, -1, np.int64)
    seen = 0
    number = engine.classifier.default if checkpoint is None else checkpoint
    mirrored = engine.classifier.at(number) if flip else None
    for start, scores in engine.scores(checkpoint):
        if mirrored is not None:
            scores = scores.copy()
            there = np.flatnonzero(np.isfinite(scores).all(1))
            pictures = [engine.dataset[start + row].image[:, ::-1] for row in there.tolist()]
            if pictures:
                scores[there] = (scores[there] + mirrored.predict(pictures)) / np.float32(2)
        finite = np.isfinite(scores).all(1)
        truth = labels[start : start + len(scores)]
        guess = scores.argmax(1)
        guesses[start : start + len(scores)] = np.where(finite, guess, -1)
        predicted += np.bincount(guess[finite], minlength=count)
        known = finite & (truth >= 0)
        np.add.at(confusion, (truth[known], guess[known]), 1)
        seen += len(scores)
        if tell is not None:
            tell("predicting", seen / total)
    unread = unreadable(engine.dataset, np.flatnonzero(guesses < 0).tolist())
    counted = labels.copy()
    counted[list(unread)] = -1
    support = np.bincount(counted[counted >= 0], minlength=count)
    broken = int((guesses < 0).sum()) - len(unread)
    return Evaluation(classes, confusion, predicted, support, guesses, broken, tuple(unread.values()))


def _verdict(accuracy: float | None, expected: Decimal | None, tolerance: Decimal | None) -> int:
    """0, or 1 and a line on stderr where the accuracy is not the expected one."""
    if expected is None or accuracy is None:
        return 0
    exponent = expected.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    allowed = tolerance if tolerance is not None else Decimal(5).scaleb(-digits - 1)
    if abs(Decimal(repr(accuracy)) - expected) <= allowed:
        return 0
    streams.say(f"fer-tui: accuracy is {accuracy:.{max(digits, 4)}f}, not {expected} (allowed: {allowed:f} either way)")
    return 1


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not (number.is_finite() and 0 <= number <= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1, such as .6612")
    return number


# ---- for people ------------------------------------------------------------------------------------------------------


def show(evaluation: Evaluation) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from .tables import confusion_table, share

    names = [Text(plain(name)) for name in evaluation.classes]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    console = streams.console()
    if evaluation.accuracy is None:
        table.add_column("class")
        table.add_column("predicted", justify="right")
        table.add_column("share", justify="right")
        for name, number in zip(names, evaluation.predicted.tolist(), strict=True):
            table.add_row(name, str(number), share(number / evaluation.rows if evaluation.rows else None))
        console.print(table)
        console.print(Text(f"{evaluation.rows} images without labels: how often each class is predicted"))
        return
    if len(names) <= _MOST_COLUMNS:
        console.print(confusion_table(evaluation.classes, evaluation.confusion.tolist()))
    else:
        for heading in ("class", "n", "recall"):
            table.add_column(heading, justify="left" if heading == "class" else "right")
        for i, name in enumerate(names):
            table.add_row(name, str(int(evaluation.support[i])), share(evaluation.recall(i)))
        console.print(table)
        for line in _confused(evaluation):
            console.print(Text(line))
    console.print(Text(f"accuracy {share(evaluation.accuracy)} of {evaluation.labelled} images"))


def _confused(evaluation: Evaluation) -> Sequence[str]:
    """The pairs of classes that are confused most, where the table would be too wide."""
    import numpy as np

    off = evaluation.confusion.copy()
    np.fill_diagonal(off, 0)
    pairs = np.argsort(off, axis=None, kind="stable")[::-1][:_MOST_PAIRS]
    rows, columns = np.unravel_index(pairs, off.shape)
    return [
        f"{plain(evaluation.classes[row])} taken for {plain(evaluation.classes[column])}: {off[row, column]}"
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if off[row, column]
    ]
