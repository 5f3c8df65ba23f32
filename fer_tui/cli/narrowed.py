"""Rows of the data by the explorer's narrowing language, with the marks and notes that were made there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain

from . import flags, streams

if TYPE_CHECKING:
    from fer_tui.engine import Engine
    from fer_tui.tui.marks import Marks
    from fer_tui.tui.narrowing import Narrowing

    from .progress import Narrator


@dataclass(frozen=True, slots=True)
class Narrowed:
    """rows: those that are meant, in their order. marks: all marks and notes of the data."""

    rows: tuple[int, ...]
    marks: Marks


def add_where(group: Any) -> None:
    """--where."""
    group.add_argument(
        "--where",
        metavar="W",
        type=flags.typed(_text),
        help="rows as the explorer lists them: marked, 'true:fear pred:sad conf<.5 wrong hardest', note:eyes",
    )


def rows_where(text: str, engine: Engine, checkpoint: int | None, tell: Narrator) -> Narrowed:
    """The rows that a narrowing lists; all are predicted first where it asks that. InputError where there is none."""
    from fer_tui.tui.marks import Marks
    from fer_tui.tui.predictions import Predictions
    from fer_tui.tui.state import State

    dataset, classifier = engine.dataset, engine.classifier
    assert dataset is not None
    narrowing = _parsed(text, classifier.classes, classifier.checkpoints)
    state = State.open()
    marks = Marks(state.of(dataset.digest), dataset.source_range)
    for fault in state.faults():
        streams.say(fault)
    predictions = Predictions(dataset.labels, len(classifier.classes))
    predictions.marks = marks
    for start, scores in engine.scores(checkpoint) if narrowing.live else ():
        predictions.add(start, scores)
        tell("predicting", predictions.count / len(predictions))
    rows = narrowing.rows(predictions)
    if not len(rows):
        mend = "Space in the explorer marks one" if "marked" in text and not marks.count else ""
        raise InputError(f"--where {text}", f"none of the {len(predictions):,} images is that", mend)
    return Narrowed(tuple(rows.tolist()), marks)


def asks_predictions(text: str, engine: Engine) -> bool:
    """Whether that narrowing hangs on what the network predicts."""
    return _parsed(text, engine.classifier.classes, engine.classifier.checkpoints).live


def _parsed(text: str, classes: tuple[str, ...], checkpoints: tuple[str, ...]) -> Narrowing:
    from fer_tui.tui import narrowing

    try:
        found = narrowing.parse(text, classes, checkpoints)
    except narrowing.NarrowingError as error:
        part = text[error.start : error.stop]
        known = ", ".join(classes[:12]) + (", ..." if len(classes) > 12 else "")
        mend = f"classes are {known}" if str(error).startswith("no class") else ""
        raise InputError(f"--where {text}", error if part == text else f"{part}: {error}", mend) from None
    if found is None:
        raise InputError(f"--where {text}", "says nothing", "such as marked, or true:fear wrong")
    if found.on_course or found.on_pair:
        raise InputError(f"--where {text}", "asks for several checkpoints", "the explorer lists those")
    return found


def _text(given: object) -> str:
    if not str(given).strip():
        raise ValueError("it is empty")
    return plain(str(given))
