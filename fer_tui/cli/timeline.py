"""fer-tui timeline: a training run checkpoint by checkpoint: curves, what was learned when, one image through time."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain

from . import asked, flags, looks, streams, which
from .progress import Narrator
from .settings import bundled_run
from .unread import tell_unread, unreadable

if TYPE_CHECKING:
    from rich.table import Table

    from fer_tui.engine import Engine, Session, Settings
    from fer_tui.timeline import Course

    from .focus_over_time import FocusCourse
    from .through_time import Asked, Frame

EXAMPLES = (
    "fer-tui timeline fer2013.csv --split PublicTest --model nets.py:Net --weights run/ --between 25 75",
    "fer-tui timeline --weights 'run/net_*.pt' --image 3 --method cam --out sheet.png",
)
_PER_CLASS = 20  # images whose focus is measured
_MOST_COLUMNS = 10  # classes whose recall is shown in the table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_data(parser)
    group = parser.add_argument_group("what to tell")
    group.add_argument("--between", nargs=2, metavar=("A", "B"), help="what changed from one checkpoint to another")
    image = parser.add_argument_group("one image through time")
    image.add_argument("--image", metavar="I", help="a row of the data, or a picture file")
    image.add_argument("--method", metavar="M", default="cam", help="an explainer of images (cam)")
    image.add_argument("--target", metavar="C", help="a class, by name or index (the last prediction if absent)")
    image.add_argument("--layer", metavar="L", help="a layer, by name")
    asked.add_parameters(image)
    focus = parser.add_argument_group("focus, by the same method")
    focus.add_argument(
        "--focus", metavar="N", nargs="?", const=_PER_CLASS, type=flags.typed(flags.whole),
        help=f"how the share of attribution in each region moves, over N images of each class ({_PER_CLASS})",
    )  # fmt: skip
    looks.add_regions(focus, default="auto")
    image.add_argument("--shared-scale", action="store_true", help="one scale of colours, not one for each map")
    image.add_argument("-o", "--out", metavar="FILE", type=Path, help="write the sheet: .png")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.out is not None and arguments.out.suffix.lower() != ".png":
        raise InputError(arguments.out, "a sheet is written as .png", "end its name in .png")
    settings = which.the_first(flags.settings_of(arguments).settings, "timeline")
    if settings.model is None and not settings.weights:
        settings = replace(settings, weights=(bundled_run(),))
    wants_image = arguments.image is not None or arguments.out is not None
    with Narrator() as tell:
        from fer_tui.engine import open_session
        from fer_tui.timeline import facts

        from . import through_time

        wanted = through_time.asked(arguments, settings) if wants_image or arguments.focus else None
        session = open_session(settings, tell)
        engine = session.engine()
        names = engine.classifier.checkpoints
        if len(names) < 2:
            raise InputError("--weights", "there is one checkpoint", "name several, a folder of them, or 'run/*.pt'")
        between = _between(arguments.between, names)
        moved = _focus(session, arguments, wanted, settings, tell) if arguments.focus and wanted is not None else None
        frames = through_time.frames(session, wanted, settings, tell) if wanted is not None and wants_image else []
        course = course_of(engine, tell)
        told = facts(course, between)
        session.close()
    if arguments.out is not None and wanted is not None:
        through_time.write(frames, wanted, arguments.out)
        streams.say(f"written: {arguments.out}")
    for note in session.notes:
        streams.say(note)
    if arguments.json:
        streams.put_json(_data(course, engine.classifier.digests, told, frames, moved))
    else:
        _show(course, told, frames, wanted, moved)
    return 0


def course_of(engine: Engine, tell: Narrator | None = None) -> Course:
    """The predictions of the whole dataset under every checkpoint; what cannot be read is told, and not counted."""
    import numpy as np

    from fer_tui.timeline import Course

    assert engine.dataset is not None
    classifier, labels = engine.classifier, np.asarray(engine.dataset.labels)
    names = classifier.checkpoints
    predicted = np.full((len(names), len(labels)), -1, np.int32)
    for checkpoint, row in enumerate(predicted):
        for start, scores in engine.scores(checkpoint):
            finite = np.isfinite(scores).all(1)
            row[start : start + len(scores)] = np.where(finite, scores.argmax(1), -1)
            if tell is not None:
                share = (start + len(scores)) / len(labels)
                tell("predicting", (checkpoint + share) / len(names))
    unread = unreadable(engine.dataset, np.flatnonzero((predicted < 0).all(0)).tolist())
    tell_unread(list(unread.values()))
    labels = labels.copy()
    labels[list(unread)] = -1
    return Course(names, classifier.classes, labels, predicted)


def _focus(
    session: Session, arguments: argparse.Namespace, wanted: Asked, settings: Settings, tell: Narrator
) -> FocusCourse:
    """Each class's focus under every checkpoint."""
    from fer_tui.engine.focusing import Choice
    from fer_tui.regions import open_regions

    from .focus_over_time import focus_course

    regions = open_regions(arguments.regions, settings.data, session.dataset)
    if wanted.layer is not None:
        session.classifier.layer(wanted.layer)
    choice = Choice(per_class=arguments.focus, seed=int(wanted.parameters["seed"]))
    return focus_course(session.engine(), wanted, regions, choice, tell)


def _between(given: Sequence[str] | None, names: Sequence[str]) -> tuple[int, int] | None:
    from fer_tui.timeline import number_of

    if given is None:
        return None
    try:
        before, after = (number_of(text, names) for text in given)
    except ValueError as error:
        raise InputError("--between", error) from None
    if before == after:
        raise InputError("--between", "both are the same checkpoint")
    return before, after


def _data(
    course: Course, digests: Sequence[str], told: Sequence[str], frames: Sequence[Frame], moved: FocusCourse | None
) -> dict[str, Any]:
    import numpy as np

    points = [
        {
            "number": number,
            "name": name,
            "digest": digest,
            "accuracy": course.accuracy[number],
            "recall": dict(zip(course.classes, course.recall[number].tolist(), strict=True)),
            "confusion": course.confusion[number],
            "learned": course.learned_at(number),
            "lost": course.lost_at(number),
        }
        for number, (name, digest) in enumerate(zip(course.checkpoints, digests, strict=True))
    ]
    return {
        "classes": course.classes,
        "n": int(course.labelled.sum()),
        "checkpoints": points,
        "forgotten": np.flatnonzero(course.forgotten),
        "never": np.flatnonzero(course.never),
        "flips": course.flips,
        "facts": told,
        "image": [frame.to_dict() for frame in frames] or None,
        "focus": moved.to_dict() if moved is not None else None,
    }


# ---- for people ------------------------------------------------------------------------------------------------------


def _show(
    course: Course, told: Sequence[str], frames: Sequence[Frame], wanted: Asked | None, moved: FocusCourse | None
) -> None:
    import sys

    from rich.text import Text

    console = streams.console()
    if course.labelled.any():
        if sys.stdout.isatty():
            for line in _curves(course, console.width):
                console.print(line)
        console.print(_table(course))
    for line in told:
        console.print(Text(line))
    if moved is not None:
        from .focus_over_time import table_of

        console.print(table_of(moved))
        for line in moved.facts():
            console.print(Text(line))
    if frames and wanted is not None:
        from .through_time import show

        show(frames, wanted, console)


def _table(course: Course) -> Table:
    """Accuracy and recall by checkpoint, the highest of each column in bold; what was learned for good and lost."""
    import numpy as np
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown = range(len(course.classes)) if len(course.classes) <= _MOST_COLUMNS else ()
    table.add_column("checkpoint")
    for name in ("accuracy", *(plain(course.classes[n]) for n in shown), "learned", "lost"):
        table.add_column(Text(name), justify="right")
    columns = np.column_stack([course.accuracy, *(course.recall[:, n] for n in shown)])
    best = np.nanmax(np.where(np.isnan(columns), -1, columns), axis=0)
    for number, name in enumerate(course.checkpoints):
        numbers = [
            Text("-" if value != value else f"{value:.4f}", "bold" if value == most and value > 0 else "")
            for value, most in zip(columns[number], best, strict=True)
        ]
        counts = (len(course.learned_at(number)), len(course.lost_at(number)))
        table.add_row(Text(plain(name)), *numbers, str(counts[0]), str(counts[1]) if number else "-")
    return table


def _curves(course: Course, width: int) -> Sequence[Any]:
    """Accuracy, and the recall of each class, as a plot with its legend."""
    from rich.style import Style
    from rich.text import Text

    from fer_tui.picture import LINE_COLOURS
    from fer_tui.terminal.plot import Curve, plot
    from fer_tui.timeline import short_names

    shown = range(min(len(course.classes), len(LINE_COLOURS)))
    styles = [Style(color=LINE_COLOURS[n]) for n in shown]
    strong = Style(bold=True)
    curves = [Curve(course.recall[:, n].tolist(), styles[n]) for n in shown]
    curves.append(Curve(course.accuracy.tolist(), strong))
    legend = Text.assemble(("     ● accuracy", strong))
    for n in shown:
        legend.append(f"  ● {plain(course.classes[n])}", styles[n])
    steps = [plain(name) for name in short_names(course.checkpoints)]
    return [*plot(curves, steps, min(width, 100), 14, muted=Style(dim=True)), legend, Text("")]
