"""fer-tui explain --average: the mean map of many images, by class or of all: shown, as JSON, or written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import Axis, Heatmap, InputError, Place, PluginError, plain

from . import asked, flags, narrowed, streams
from .explain_where import Many, check_many
from .facts import facts

if TYPE_CHECKING:
    from fer_tui.engine.focusing import Target
    from fer_tui.picture import Look


def add_average(group: Any) -> None:
    """--average and --alike."""
    group.add_argument(
        "--average",
        choices=("true", "predicted", "all"),
        nargs="?",
        const="true",
        help="the mean map of all images (of --where): one for each true class, each predicted one, or one of all",
    )
    group.add_argument("--alike", action="store_true", help="--average: each map over its mean absolute value")


def check_average(arguments: argparse.Namespace) -> None:
    """UsageError or InputError for what makes no sense with --average."""
    if arguments.fresh:
        raise flags.UsageError("error: --average takes what is stored: it does not go with --fresh")
    check_many(arguments, "--average", folder=arguments.average != "all")


def explain_average(many: Many) -> None:
    """Make and average the maps; what is stored is not made again."""
    from fer_tui.engine.mean_maps import Averaged, mean_maps

    arguments, method, engine, classes = many.arguments, many.description.name, many.engine, many.classes
    if Axis.IMAGE not in many.axes:
        raise InputError(f"method {arguments.method}", "does not explain an image: it has no mean")
    target: Target = arguments.target or "predicted"
    if target not in ("predicted", "true"):
        target = asked.class_of(str(target), classes)
    rows = None
    if arguments.where is not None:
        rows = narrowed.rows_where(arguments.where, engine, many.place.checkpoint, many.tell).rows
    what = Averaged(rows, target, arguments.average, arguments.alike)
    found: Mapping[int, Heatmap] | None = None
    with closing(mean_maps(engine, method, what, many.values, many.place)) as steps:
        for share, made in steps:
            many.tell(method, share)
            found = made
    if found is None:
        raise PluginError(method, "ended without a result")
    named = {index: "all" if index < 0 else classes[index] for index in found}
    if arguments.out is not None:
        _write(arguments.out, method, {named[index]: each for index, each in found.items()}, many.look)
    if arguments.json:
        streams.put_json([_facts(each, many.place, classes) for each in found.values()])
    elif arguments.out is None:
        from .show import show

        for index, each in found.items():
            show(each, f"{arguments.method}, mean of {named[index]}", many.place, classes, many.look)


def _facts(heatmap: Heatmap, place: Place, classes: tuple[str, ...]) -> dict[str, Any]:
    """As of a single map, with what it is the mean of."""
    about = heatmap.meta["mean"]
    return {"class": about["class"], "count": about["count"], **facts(heatmap, place, classes)}


def _write(out: Path, method: str, found: Mapping[str, Heatmap], look: Look) -> None:
    """Each mean as picture, arrays and numbers, with an index; the only one as the file that is named."""
    from fer_tui.naming import file_name
    from fer_tui.picture import save
    from fer_tui.tui.exporting import SUFFIXES, put

    if out.suffix.lower() in SUFFIXES:
        for heatmap in found.values():
            save(heatmap, out, **look)
        streams.say(f"written: {plain(out)}")
        return
    out.mkdir(parents=True, exist_ok=True)
    index = []
    for name, heatmap in found.items():
        stem = file_name("mean", method, name)
        for suffix in SUFFIXES:
            save(heatmap, out / f"{stem}{suffix}", **look)
        files = [f"{stem}{suffix}" for suffix in SUFFIXES]
        index.append({**heatmap.meta["mean"], "files": files, "notes": list(heatmap.notes)})
    put(out / "index.json", json.dumps(index, ensure_ascii=False, indent=1))
    streams.say(f"written: {len(found)} mean map{'s' * (len(found) != 1)} in {plain(out)} (index.json tells of each)")
