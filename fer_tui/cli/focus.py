"""fer-tui focus: where a network looks, by region and class, over many images."""

from __future__ import annotations

import argparse
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from fer_tui.contract import Axis, InputError, Place, PluginError, plain

from . import asked, flags, looks, narrowed, streams, which
from .progress import Narrator

if TYPE_CHECKING:
    from rich.table import Table

    from fer_tui.engine.focusing import Target
    from fer_tui.regions import ClassFocus, Estimate, FocusTable, Group

EXAMPLES = (
    "fer-tui focus saliency                        the bundled network on the samples, in their true masks",
    "fer-tui focus grad-cam fer2013.csv --split PublicTest --model nets.py:Net --weights net.pt --per-class 100",
)
PER_CLASS = 50
_COLUMNS = (
    "class", "images", "recall", "region", "of", "seen", "absolute", "absolute_low", "absolute_high", "positive",
    "positive_low", "positive_high", "area", "lift", "lift_low", "lift_high",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="an explainer of heat maps, by name or alias")
    flags.add_data(parser)
    what = parser.add_argument_group("what to measure")
    looks.add_regions(what, default="auto")
    rows = what.add_mutually_exclusive_group()
    rows.add_argument(
        "--per-class",
        metavar="N|all",
        type=flags.typed(_per_class),
        default=PER_CLASS,
        help=f"images of each ({PER_CLASS})",
    )
    rows.add_argument("--rows", metavar="A-B,C,...", type=flags.typed(rows_of), help="these rows of the data instead")
    narrowed.add_where(rows)
    what.add_argument("--target", metavar="C", default="predicted", help="predicted (as is), true, or a class")
    what.add_argument(
        "--share", metavar="absolute|positive", choices=("absolute", "positive"), default="absolute",
        help="of absolute values (as is), or of positive ones only",
    )  # fmt: skip
    what.add_argument("--layer", metavar="L", help="a layer, by name")
    which.add_checkpoint(what)
    how = parser.add_argument_group("how")
    asked.add_parameters(how)
    how.add_argument("-o", "--out", metavar="FILE.csv", type=Path, help="write the table as CSV")
    flags.add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    from .project import write

    settings = flags.settings_of(arguments).settings
    if arguments.out is not None and (arguments.out.suffix.lower() != ".csv" or not arguments.out.parent.is_dir()):
        raise InputError(arguments.out, "cannot be written", "name a .csv in a folder that is there")
    description, values = asked.described(arguments.method, asked.parameters_of(arguments), settings)
    with Narrator() as tell:
        from fer_tui.engine import open_session
        from fer_tui.engine.focusing import Choice, focus_table
        from fer_tui.regions import open_regions

        session = open_session(settings, tell)
        classifier = session.classifier
        regions = open_regions(arguments.regions, settings.data, session.dataset)
        checkpoint = which.checkpoint_of(arguments, classifier)
        if arguments.layer is not None:
            which.network_at(classifier, checkpoint).layer(arguments.layer)
        target: Target = arguments.target
        if target not in ("predicted", "true"):
            target = asked.class_of(str(target), classifier.classes)
        if arguments.where is not None:
            arguments.rows = narrowed.rows_where(arguments.where, session.engine(), checkpoint, tell).rows
        choice = Choice(arguments.rows, arguments.per_class, target, int(values["seed"]))
        place = Place(layer=arguments.layer, checkpoint=checkpoint)
        table = None
        with session, closing(focus_table(session.engine(), description.name, regions, choice, values, place)) as steps:
            for share, so_far in steps:
                tell(description.name, share)
                table = so_far
    if table is None:
        raise PluginError(description.name, "ended without a result")
    if arguments.layer is not None and Axis.LAYER not in description.axes_for(values):
        streams.say(f"{arguments.method} does not depend on the layer: --layer makes no difference")
    for note in session.notes:
        streams.say(note)
    if arguments.out is not None:
        write(arguments.out, _csv(table))
        streams.say(f"written: {arguments.out}")
    if arguments.json:
        told = {"method": description.name, "parameters": values, "target": arguments.target, "regions": regions.where}
        streams.put_json({**told, **table.to_dict(), "words": list(table.words())})
    elif arguments.out is None:
        _show(table, arguments.share)
    return 0


def _per_class(given: object) -> int | None:
    """How many; None for all of them."""
    if given == "all":
        return None
    count = flags.whole(given)
    if count < 1:
        raise ValueError("at least 1 is needed")
    return count


def rows_of(given: object) -> tuple[int, ...]:
    """`0-99,200` as rows, both ends counted."""
    rows: list[int] = []
    for part in str(given).split(","):
        match = re.fullmatch(r"\s*(\d{1,12})(?:-(\d{1,12}))?\s*", part, re.ASCII)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise ValueError(f"{part.strip()!r} is neither a row nor a range such as 0-99")
        rows += range(int(match[1]), int(match[2] or match[1]) + 1)
    return tuple(rows)


# ---- for people ------------------------------------------------------------------------------------------------------


def _show(table: FocusTable, share: str) -> None:
    from rich.text import Text

    console = streams.console()
    console.print(_by_class(table, share))
    console.print(Text(""))
    console.print(_by_region(table, share))
    console.print(Text(f"shares of the {share} attribution in %, with 95 % bootstrap intervals; × share / area"))
    for line in table.words():
        console.print(Text(plain(line)))


def _by_class(table: FocusTable, share: str) -> Table:
    from rich.text import Text

    made = _empty(table.by, "images", "recall", "inside the face %", "×", "where right", "where wrong")
    for each in _listed(table):
        cells = [_inside(group, share) for group in (each.every, each.right, each.wrong)]
        assert each.every is not None
        lift = each.every.inside.lift
        recall = "-" if each.recall is None else f"{each.recall:.4f}"
        numbers = (str(each.every.images), recall, cells[0], f"{lift.value:.2f}" if lift else "-", *cells[1:])
        made.add_row(Text(plain(each.name)), *map(Text, numbers))
    return made


def _by_region(table: FocusTable, share: str) -> Table:
    from rich.text import Text

    assert table.whole is None or table.whole.every is not None
    names = [region.name for region in table.whole.every.regions] if table.whole and table.whole.every else []
    made = _empty(table.by, *(plain(name) for name in names))
    for each in _listed(table):
        assert each.every is not None
        cells = []
        for region in each.every.regions:
            found = region.absolute if share == "absolute" else region.positive
            head, _, interval = (found.told() if found else "-").partition(" ")
            lift = f" ×{found.value / region.area:.2f}" if found and region.area > 0 else ""
            cells.append(Text(f"{head}{lift}\n{interval}"))
        made.add_row(Text(plain(each.name)), *cells)
    return made


def _listed(table: FocusTable) -> list[ClassFocus]:
    """The classes that have images, then all of them."""
    return [each for each in (*table.classes, *([table.whole] if table.whole else [])) if each.every is not None]


def _inside(group: Group | None, share: str) -> str:
    if group is None:
        return "-"
    found = group.inside.absolute if share == "absolute" else group.inside.positive
    return f"{found.told()}  ({group.images})" if found is not None else "-"


def _empty(first: str, *headings: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _csv(table: FocusTable) -> str:
    """One row for each class, group and region."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in _listed(table):
        for of, group in (("every", each.every), ("right", each.right), ("wrong", each.wrong)):
            for region in (*group.regions, group.inside) if group is not None else ():
                estimates = [*_numbers(region.absolute), *_numbers(region.positive)]
                head = (each.name, group.images if group else 0, _text(each.recall), region.name, of, region.seen)
                writer.writerow([*head, *estimates, _text(region.area), *_numbers(region.lift)])
    return text.getvalue()


def _numbers(estimate: Estimate | None) -> list[str]:
    return [_text(n) for n in (estimate.value, estimate.low, estimate.high)] if estimate is not None else [""] * 3


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
