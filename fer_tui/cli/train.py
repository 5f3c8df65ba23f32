"""fer-tui train: a network of one's own, from nothing; the same command goes on where a run was interrupted."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError, plain

from . import flags, streams
from .progress import Narrator

if TYPE_CHECKING:
    from fer_tui.engine import Settings
    from fer_tui.training import Epoch, Processes, Step, Trainer

EXAMPLES = (
    "fer-tui train fer2013.csv --split Training --val-split PublicTest -o run     a snapshot each epoch",
    "fer-tui train faces/ -o run --epochs 30 --size 64x64                         a folder for each class",
)
_MOST_COLUMNS = 12  # classes up to which each has a column
_WIDEST = 8
_SETTINGS = (
    "data", "split", "limit", "classes", "model", "model_args", "mean", "std", "equalise", "fit", "size", "device",
    "cache",
)  # fmt: skip
_FLAGS: tuple[tuple[str, str, str], ...] = (  # name of the recipe's field, metavar, help
    ("epochs", "N", "how often each picture is seen"),
    ("minutes", "M", "end within this time, whatever the epochs: the schedule follows the clock"),
    ("batch", "N", "pictures of a step, over all processes"),
    ("rate", "R", "the highest learning rate (AdamW)"),
    ("warm_up", "SHARE", "of the training, in which the rate rises; then it falls as a cosine"),
    ("decay", "W", "weight decay"),
    ("average", "D", "decay of the running mean of the weights, which is what is kept (0: none)"),
    ("smoothing", "S", "of the labels"),
    ("balance", "B", "0: classes count as often as they come, 1: all alike"),
    ("shift", "SHARE", "of the side by which pictures are moved at most"),
    ("rotation", "DEGREES", "by which they are turned at most"),
    ("scale", "SHARE", "by which they grow or shrink at most"),
    ("erasing", "SHARE", "of the pictures of which a rectangle is erased"),
    ("light", "SHARE", "by which brightness and contrast change at most"),
    ("mixing", "SHARE", "of the pictures that are blended with another"),
    ("hold_out", "SHARE", "of the pictures kept for validation where --val-split names none"),
    ("patience", "N", "stop after N epochs without a better validation accuracy (0: never)"),
    ("keep", "N", "a snapshot every N epochs, and of the best and the last"),
    ("seed", "S", "of the first weights, the order and all augmentation"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from fer_tui.training.recipe import PRECISIONS, Recipe

    flags.add_data(parser)
    group = parser.add_argument_group("the run")
    group.add_argument("-o", "--out", metavar="RUN", type=Path, required=True, help="folder for snapshots and run.json")
    group.add_argument("--val-split", metavar="S", help="the split to measure with; it is never trained on")
    group.add_argument("--also", metavar="D", nargs="+", default=[], help="more data of the same classes to train on")
    group.add_argument("--save-every", metavar="SECONDS", type=_number, default=30.0, help="that a kill may cost (30)")
    group = parser.add_argument_group("how to train")
    for field in dataclasses.fields(Recipe):
        for name, metavar, text in (each for each in _FLAGS if each[0] == field.name):
            kind = flags.typed(flags.whole) if isinstance(field.default, int) else _number
            shown = f"{text} (default {field.default:g})" if isinstance(field.default, int | float) else text
            group.add_argument(f"--{name.replace('_', '-')}", dest=f"recipe_{name}", metavar=metavar, type=kind,
                               default=field.default, help=shown)  # fmt: skip
    group.add_argument("--flip", dest="recipe_flip", action=argparse.BooleanOptionalAction, default=True,
                       help="mirror half of the pictures")  # fmt: skip
    group.add_argument("--votes", metavar="FILE", type=Path, help="annotators' votes on each row, such as FER+'s CSV")
    group.add_argument("--votes-weight", dest="recipe_votes", metavar="W", type=_number, default=Recipe.votes,
                       help=f"of what the votes say of the label (default {Recipe.votes:g})")  # fmt: skip
    group.add_argument("--teacher", metavar="W", nargs="+", default=[], help="weights of networks to learn from too")
    group.add_argument("--teacher-weight", dest="recipe_teach", metavar="W", type=_number, default=Recipe.teach,
                       help=f"of the teachers' answers (default {Recipe.teach:g})")  # fmt: skip
    group.add_argument("--precision", dest="recipe_precision", choices=PRECISIONS, default="auto",
                       help="what the network computes in (auto: bfloat16 where the processor has it)")  # fmt: skip
    group.add_argument("--graphs", dest="recipe_graphs", action=argparse.BooleanOptionalAction, default=True,
                       help="record a step as a CUDA graph")  # fmt: skip
    flags.add_settings(parser, *_SETTINGS)


def run(arguments: argparse.Namespace) -> int:
    begun = time.monotonic()
    settings = flags.settings_of(arguments).settings
    if settings.others:
        named = ", ".join(plain(each.model or "") for each in settings.networks)
        raise flags.UsageError(f"error: train makes one network, and {named} are named: give one --model")
    if settings.data is None:
        raise flags.UsageError("error: name what to train on, such as fer2013.csv or a folder with one folder a class")
    if settings.transform is not None or settings.output is not None:
        raise flags.UsageError("error: transform and output are for networks that are opened; training takes neither")
    from fer_tui.training import Processes

    processes = Processes.joined()
    try:
        with Narrator() as tell:
            trainer = _prepared(arguments, settings, processes, tell if processes.first else Narrator(), begun)
        if processes.first:
            with _bar() as show:
                _narrated(trainer, show, arguments)
        else:
            for _ in trainer.train():
                pass
    finally:
        processes.leave()
    processes.end()
    return 0


def _prepared(
    arguments: argparse.Namespace, settings: Settings, processes: Processes, tell: Narrator, begun: float
) -> Trainer:
    """Everything opened that the flags name."""
    from fer_tui.dataset import open_dataset
    from fer_tui.training import Recipe, Run, Trainer, fresh_classifier, gather

    recipe = Recipe(**{
        name.removeprefix("recipe_"): value for name, value in vars(arguments).items() if name.startswith("recipe_")
    })  # fmt: skip
    run = Run.at(arguments.out) if processes.first else Run(arguments.out)
    dataset = open_dataset(
        settings.data,
        split=settings.split,
        limit=settings.limit,
        classes=settings.classes or None,
        cache=settings.cache,
        progress=tell,
    )
    tell("importing torch", None)
    import torch  # noqa: F401

    device = processes.device(settings.device)
    classifier, model, made_with = fresh_classifier(
        dataset,
        settings.model,
        settings.model_args,
        seed=recipe.seed,
        size=settings.size,
        mean=settings.mean,
        std=settings.std,
        equalise=settings.equalise,
        fit=settings.fit,
        device=device,
    )
    also = [open_dataset(each, cache=settings.cache, progress=tell) for each in arguments.also]
    material = gather(
        dataset,
        classifier,
        validation_split=arguments.val_split,
        also=also,
        votes=arguments.votes,
        hold_out=recipe.hold_out,
        seed=recipe.seed,
        tell=tell,
    )
    return Trainer(
        classifier,
        material,
        recipe,
        run,
        model=model,
        arguments=made_with,
        teachers=_teachers(arguments.teacher, classifier.classes, device),
        processes=processes,
        save_every=arguments.save_every,
        begun=begun,
    )


def _teachers(paths: list[str], classes: tuple[str, ...], device: str) -> list[Any]:
    from fer_tui.classifier import open_classifier

    teachers = [open_classifier(None, path, device=device) for path in paths]
    for path, teacher in zip(paths, teachers, strict=True):
        if teacher.classes != classes:
            raise InputError(path, f"its classes are {', '.join(teacher.classes)}", "teachers need the data's classes")
    return teachers


def _narrated(trainer: Trainer, show: _Bar, arguments: argparse.Namespace) -> None:
    """Train, with a line an epoch; the result to stdout."""
    from fer_tui.training import Epoch

    events, lines = trainer.train(), _Lines(trainer.run.record["classes"])
    last: Epoch | None = None
    try:
        for event in events:
            if isinstance(event, Epoch):
                if last is None:
                    show.line(lines.heading())
                last = event
                show.line(lines.of(event))
            else:
                show.step(event)
    except KeyboardInterrupt:
        events.close()
        streams.say(f"{arguments.out}: interrupted; the same command goes on from here")
        raise
    record = trainer.run.record
    if trainer.note:
        streams.say(trainer.note)
    if last is None:
        streams.say(f"{arguments.out}: the run is done already ({record['state']}); a new one needs a new folder")
    if arguments.json:
        streams.put_json({key: record[key] for key in ("state", "seconds", "best")} | {"last": record["epochs"][-1]})
        return
    _table(record)


class _Lines:
    """The epochs as a table that grows: a heading, then a line each."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._widths = [max(4, min(len(name), _WIDEST)) for name in classes] if len(classes) <= _MOST_COLUMNS else []
        self._names = [plain(name)[:width] for name, width in zip(classes, self._widths, strict=False)]

    def heading(self) -> str:
        recalls = "  ".join(f"{name:>{width}}" for name, width in zip(self._names, self._widths, strict=True))
        return f"epoch    loss  accuracy  {'recall: ' if recalls else ''}{recalls}".rstrip()

    def of(self, event: Epoch) -> str:
        """One epoch; a star marks the best so far."""
        loss = f"{event.loss:8.3f}" if event.loss is not None else " " * 8
        if event.measured is None:
            return f"{event.number:5}{loss}"
        recalls = zip(event.measured.recall, self._widths, strict=False)
        shown = "  ".join(f"{'-' if share is None else f'{share:.2f}':>{width}}" for share, width in recalls)
        head = f"{event.number:5}{loss}  {event.measured.accuracy:7.4f}{'*' if event.best else ' '}"
        return f"{head}  {' ' * 8 if shown else ''}{shown}".rstrip()


def _table(record: dict[str, Any]) -> None:
    from rich.text import Text

    from .tables import confusion_table, share

    console = streams.console()
    if record["best"] is None:
        streams.put(f"{len(record['epochs']) - 1} epochs, not measured")
        return
    best = record["epochs"][record["best"]["epoch"]]
    if len(record["classes"]) <= _MOST_COLUMNS:
        console.print(confusion_table(record["classes"], best["validation"]["confusion"]))
    last = record["epochs"][-1]
    text = (
        f"best epoch {best['epoch']}: accuracy {share(best['validation']['accuracy'])} · last epoch {last['epoch']}: "
        f"{share(last['validation']['accuracy'])} · {record['seconds']:.0f} s"
    )
    console.print(Text(plain(text)))


class _Bar:
    """A line an epoch, and below them a bar with the time left where someone watches."""

    def __init__(self, progress: Any) -> None:
        self._progress, self._task = progress, None
        self._shown = 0.0

    def line(self, text: str) -> None:
        if self._progress is None:
            streams.say(text)
        else:
            from rich.text import Text

            self._progress.console.print(Text(plain(text)))

    def step(self, event: Step) -> None:
        if self._progress is None or time.monotonic() - self._shown < 0.1:
            return
        self._shown = time.monotonic()
        if self._task is None:
            self._task = self._progress.add_task("", total=1.0)
        self._progress.update(self._task, description=f"epoch {event.epoch}", completed=event.progress)


@contextmanager
def _bar() -> Iterator[_Bar]:
    if not sys.stderr.isatty():
        yield _Bar(None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True, markup=False, highlight=False)
    with Progress(*columns, console=console, transient=True, speed_estimate_period=300) as progress:
        yield _Bar(progress)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
